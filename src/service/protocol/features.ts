/**
 * What the two ends of a connection may do beyond the reference's protocol (11, "Where we can do better").
 *
 * A client lists the features it understands in its handshake, the server answers with those of them that it has,
 * and both then use exactly these. The reference ignores the list and sends none: nothing here is ever required.
 *
 * | Feature | What changes |
 * |---|---|
 * | `errors` | An error has a member `error` with class, code and payload. A request that cannot be read is answered with an error instead of the end of the connection. Before the server cuts a connection off it sends `Closing` with the reason. |
 * | `requests` | A client may wrap a request as `Request` with an ID and a deadline, and take it back with `Cancel`; the answer is a `Reply` with the ID. Answers still come in the order of the requests. |
 * | `verdicts` | A submit is answered with `Submitted`: the verdict on the entry, its reason, and the Verified tips afterwards. One with the member `alone` is refused with `Overtaken`, and not stored, unless these are the Verified tips before. |
 * | `batches` | The operation `GetEntries` reads many entries at once. |
 * | `contents` | A notification has the members `verified_tips` and `entries`: the Verified tips after the write, and what it has added, unless that is too large. |
 * | `binary` | Payloads that hold entries or blobs may be binary (`payloads.ts`): stored bytes instead of arrays of numbers. |
 *
 * @module
 */

/** A feature that both ends may agree on. */
export type Feature = "errors" | "requests" | "verdicts" | "batches" | "contents" | "binary";

/** All features that this version has. */
export const FEATURES: readonly Feature[] = [
  "errors",
  "requests",
  "verdicts",
  "batches",
  "contents",
  "binary",
];

/** Features that both ends agreed on. */
export type Features = ReadonlySet<Feature>;

/** What an end agrees on with the reference: nothing. */
export const NO_FEATURES: Features = new Set();

/** The features among those that the other end has listed. */
export function agreedFeatures(listed: readonly string[]): Features {
  return new Set(FEATURES.filter((feature) => listed.includes(feature)));
}

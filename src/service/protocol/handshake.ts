/**
 * The first frame of each end (11 §2.3).
 *
 * ```text
 * handshake = { "protocol_version": u32, "features"?: [text…] }
 * ```
 *
 * @module
 */

import { u32 } from "../../entry/json_values.ts";
import { fromUtf8, utf8 } from "../../util/bytes.ts";
import { JsonBytes } from "../../util/json_bytes.ts";
import { Members, readStruct } from "../../util/json_struct.ts";
import { agreedFeatures, type Features } from "./features.ts";
import { type Handshake, PROTOCOL_VERSION } from "./messages.ts";
import { decoding } from "./wire_error.ts";

const HANDSHAKE = new Members("a handshake", ["protocol_version", "features??"]);

/** The payload of a handshake. What offers nothing is written as the reference does. */
export function encodeHandshake(
  features: Features,
  version: number = PROTOCOL_VERSION,
): Uint8Array {
  const extra = features.size === 0 ? "" : `,"features":${JSON.stringify([...features])}`;
  return utf8(`{"protocol_version":${version}${extra}}`);
}

/** Reads a handshake; features that are not known here are left out. Throws `ServiceError` `Undecodable`. */
export function decodeHandshake(payload: Uint8Array): Handshake {
  return decoding("a handshake", () => {
    const reader = new JsonBytes(payload);
    const [version, listed] = readStruct(reader, HANDSHAKE, u32, features);
    reader.end();
    return { version, features: agreedFeatures(listed ?? []) };
  });
}

/** The list is an extra: one that cannot be read offers nothing. */
function features(reader: JsonBytes): string[] {
  const start = reader.position;
  reader.skip();
  try {
    const listed: unknown = JSON.parse(fromUtf8(reader.bytes.subarray(start, reader.position)));
    return Array.isArray(listed) ? listed.filter((item) => typeof item === "string") : [];
  } catch {
    return [];
  }
}

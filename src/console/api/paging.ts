import { Snapshot } from "../../entry/snapshot.ts";
import { decodeBase64, encodeBase64 } from "../../util/base64.ts";
import { fromUtf8, utf8 } from "../../util/bytes.ts";
import { refuse } from "./api_answers.ts";

/** Items on a page unless told. */
export const DEFAULT_LIMIT = 50;
/** Most items on a page. */
export const MAX_LIMIT = 200;

/** How many items are asked for; else why that cannot be. */
export function limitOf(query: URLSearchParams): number | Response {
  const text = query.get("limit");
  if (text === null) return DEFAULT_LIMIT;
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MAX_LIMIT) return limit;
  return refuse(400, "InvalidLimit", `\`limit\` is a number from 1 to ${MAX_LIMIT}`);
}

/** A place in a list as clients hand it back: they need not know what it is. */
export function cursorOf(place: string): string {
  return encodeBase64(utf8(place)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/** The place of a cursor, undefined without one; else why it is none. */
export function placeOf(query: URLSearchParams): string | undefined | Response {
  const text = query.get("cursor");
  if (text === null) return undefined;
  try {
    const base64 = text.replace(/-/g, "+").replace(/_/g, "/");
    return fromUtf8(decodeBase64(base64.padEnd(Math.ceil(base64.length / 4) * 4, "=")));
  } catch {
    return invalidCursor();
  }
}

/** The refusal of a cursor that no answer has given. */
export function invalidCursor(): Response {
  return refuse(400, "InvalidCursor", "`cursor` is what an answer gave as `next`");
}

/** The point in time that is asked for: tips, with commas between them; undefined for now. */
export function pointOf(query: URLSearchParams): Snapshot | undefined | Response {
  const text = query.get("at");
  if (text === null || text === "") return undefined;
  try {
    return Snapshot.fromJSON(text.split(","));
  } catch {
    return refuse(400, "InvalidPoint", "`at` is a list of entry IDs with commas between them");
  }
}

/** A point in time as clients hand it back. */
export function pointText(point: Snapshot): string {
  return point.tips.join();
}

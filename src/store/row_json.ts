import type { StoreError } from "../util/errors.ts";
import { EideticaError } from "../util/errors.ts";
import { parsePlainJson, stringifyJson64 } from "../util/json64.ts";

/** Makes the error for a row that is refused. */
export type Refuse = (reason: string) => StoreError;

/**
 * What the engine's writer may have changed: `null` for a number that JSON lacks, a double that reads
 * back as an exact integer, half a surrogate pair.
 */
const MAY_BE_CHANGED = /null|[0-9]{16}|\\ud[89a-f]/;

/**
 * Compact JSON text of a row. A `bigint` is written as the integer it is; whatever would not come back
 * as it was is refused.
 */
export function writeRow(row: unknown, refuse: Refuse): string {
  const text = writeFast(row);
  return text !== undefined && !MAY_BE_CHANGED.test(text) ? text : writeExact(row, refuse);
}

function writeFast(row: unknown): string | undefined {
  try {
    return JSON.stringify(row);
  } catch {
    return undefined; // a bigint, or something that the exact writer names
  }
}

function writeExact(row: unknown, refuse: Refuse): string {
  try {
    return stringifyJson64(withoutToJson(row, new Set()));
  } catch (error) {
    const reason = error instanceof EideticaError ? error.fields["reason"] : undefined;
    throw refuse(`it cannot be written as JSON (${reason ?? (error as Error).message})`);
  }
}

/** The value with each object that has a `toJSON` replaced by what that says, as JSON does it. */
function withoutToJson(value: unknown, above: Set<object>): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (above.has(value)) throw new TypeError("it contains itself");
  const { toJSON } = value as { toJSON?: unknown };
  above.add(value);
  const plain = typeof toJSON === "function"
    ? withoutToJson(toJSON.call(value), above)
    : copyOf(value, (member) => withoutToJson(member, above));
  above.delete(value);
  return plain;
}

function copyOf(value: object, change: (member: unknown) => unknown): unknown {
  // A member that JSON has no form for is left out of an object, and is null in a list.
  if (Array.isArray(value)) return value.map((item) => hasNoForm(item) ? null : change(item));
  return new Map(
    Object.entries(value).filter(([, member]) => !hasNoForm(member))
      .map(([key, member]) => [key, change(member)]),
  );
}

function hasNoForm(value: unknown): boolean {
  return value === undefined || typeof value === "function" || typeof value === "symbol";
}

/** The row of a JSON text; integers beyond 2^53 − 1 come as `bigint`. */
export function readRow(text: string, refuse: Refuse): unknown {
  try {
    return parsePlainJson(text);
  } catch {
    throw refuse("its text is not JSON");
  }
}

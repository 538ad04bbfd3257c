/**
 * UUIDs as lowercase hyphenated text, whose order equals the order of the 16 bytes (03 §3.3).
 *
 * @module
 */
import { hyphenate, type RandomSource } from "../util/random.ts";

const CANONICAL = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const HYPHENATED = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const SIMPLE = /^[0-9a-f]{32}$/i;
const URN_LENGTH = "urn:uuid:".length + 36;
const BRACED_LENGTH = 38;

/** 2^128: one more than the largest UUID. */
const UUID_END = 1n << 128n;

/**
 * The canonical text of a UUID written hyphenated, as 32 digits, as `urn:uuid:…` or in braces, in any
 * case; `undefined` for anything else.
 */
export function parseUuid(text: string): string | undefined {
  if (CANONICAL.test(text)) return text;
  if (SIMPLE.test(text)) return hyphenate(text.toLowerCase());
  const inner = unwrap(text);
  return HYPHENATED.test(inner) ? inner.toLowerCase() : undefined;
}

function unwrap(text: string): string {
  if (text.length === URN_LENGTH && text.startsWith("urn:uuid:")) return text.slice(9);
  const braced = text.length === BRACED_LENGTH && text.startsWith("{") && text.endsWith("}");
  return braced ? text.slice(1, -1) : text;
}

/**
 * A random UUID strictly between two others (`undefined`: no bound); `undefined` when none is left.
 * It carries no version bits: its only task is to have a place in the order.
 */
export function uuidBetween(
  low: string | undefined,
  high: string | undefined,
  random: RandomSource,
): string | undefined {
  const start = low === undefined ? 0n : toNumber(low) + 1n;
  const size = (high === undefined ? UUID_END : toNumber(high)) - start;
  if (size <= 0n) return undefined;
  const value = start + randomBelow(size, random);
  return hyphenate(value.toString(16).padStart(32, "0"));
}

function toNumber(uuid: string): bigint {
  return BigInt(`0x${uuid.replaceAll("-", "")}`);
}

/** Below `size` ≤ 2^128; 256 random bits make the bias of the remainder negligible. */
function randomBelow(size: bigint, random: RandomSource): bigint {
  let value = 0n;
  for (const byte of random.bytes(32)) value = (value << 8n) | BigInt(byte);
  return value % size;
}

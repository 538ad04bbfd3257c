/**
 * Reads messages of the native protocol by the tables of `docs/protocol.md`, and by nothing else: what the page says
 * is what the bytes are.
 */

import { readFileSync } from "node:fs";

const PAGE = readFileSync(new URL("../../docs/protocol.md", import.meta.url), "utf8");
const ROW = /^\| ([0-9a-f]{2}) \| ([A-Z]+) \| (.+) \|$/gm;

/** A message as the page describes it. */
export interface Documented {
  readonly name: string;
  readonly flags: number;
  readonly parts: Readonly<Record<string, unknown>>;
}

interface Part {
  readonly name: string;
  readonly type: string;
  readonly isThere: (flags: number) => boolean;
}

const TYPE =
  /(integer|id|bytes|text|cursor|list of .+|\d+( or zeros| bytes)?|the rest of the payload)$/;

/** The payloads of the table of messages, by their types. */
const ROWS = new Map(
  [...PAGE.matchAll(ROW)].map(([, type, name, payload]) =>
    [parseInt(type!, 16), { name: name!, parts: partsOf(payload!) }] as const
  ),
);

/** How many kinds of messages the page knows. */
export const KINDS: number = ROWS.size;

function partsOf(payload: string): Part[] {
  let isThere: Part["isThere"] = () => true;
  return payload.split(/ · (?![^(]*\))/).map((text) => {
    const unless = /^unless flag (\d+): /.exec(text);
    if (unless !== null) isThere = (flags) => (flags & Number(unless[1])) === 0;
    const only = / if flag (\d+)$/.exec(text);
    const rest = text.slice(unless?.[0].length ?? 0, only?.index);
    const has = only === null ? isThere : (flags: number) => (flags & Number(only[1])) !== 0;
    return { ...named(rest), isThere: has };
  });
}

function named(text: string): Pick<Part, "name" | "type"> {
  const plain = /^\d+ bytes$/.test(text) ? text : TYPE.exec(text)?.[0];
  if (plain === undefined) throw new Error(`the page says "${text}", which is no type`);
  return { name: text.slice(0, -plain.length).replace(",", "").trim() || plain, type: plain };
}

const hex = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** Bytes that are read from their beginning. */
class Bytes {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  take(length: number): Uint8Array {
    if (length > this.left) throw new Error("it ends too early");
    this.#at += length;
    return this.#bytes.slice(this.#at - length, this.#at);
  }

  integer(): number {
    let [value, shift, byte] = [0n, 0n, 0x80];
    while (byte >= 0x80) {
      [byte] = this.take(1) as unknown as [number];
      value |= BigInt(byte & 127) << shift;
      shift += 7n;
    }
    if (shift > 7n && byte === 0) throw new Error("an integer is not minimal");
    return Number(value);
  }

  word(): string {
    return BigInt(`0x${hex(this.take(8))}`).toString();
  }
}

const LETTERS = "abcdefghijklmnopqrstuvwxyz234567";

/** A CID as text. */
function cid(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return `b${
    bits.match(/.{1,5}/g)!.map((five) => LETTERS[parseInt(five.padEnd(5, "0"), 2)]).join("")
  }`;
}

function read(bytes: Bytes, type: string): unknown {
  if (type.startsWith("list of ")) {
    const item = type.slice("list of ".length);
    const count = bytes.integer();
    const bound = { height: 0 };
    return Array.from(
      { length: count },
      () => item === "range" ? range(bytes, bound) : read(bytes, item),
    );
  }
  if (type.startsWith("(")) return fields(bytes, partsOf(type.slice(1, -1)), 0);
  if (type === "the rest of the payload") return hex(bytes.take(bytes.left));
  if (/^\d/.test(type)) return hex(bytes.take(parseInt(type)));
  switch (type) {
    case "integer":
      return bytes.integer();
    case "bytes":
      return hex(bytes.take(bytes.integer()));
    case "text":
      return new TextDecoder().decode(bytes.take(bytes.integer()));
    case "id":
      return bytes.integer() === 0
        ? cid(Uint8Array.of(0x01, 0x71, 0x1e, 0x20, ...bytes.take(32)))
        : cid(bytes.take(bytes.integer()));
    case "cursor":
      return { logId: hex(bytes.take(8)), position: bytes.integer(), sum: bytes.word() };
  }
  throw new Error(`the page says "${type}", which is no type`);
}

function fields(bytes: Bytes, parts: readonly Part[], flags: number): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  let known = flags;
  for (const { name, type, isThere } of parts) {
    if (!isThere(known)) continue;
    found[name] = read(bytes, type);
    if (name === "flags") known = found[name] as number;
  }
  return found;
}

/** A range, by the section on ranges. */
function range(bytes: Bytes, before: { height: number }): unknown {
  const [mode, isLast] = [bytes.integer(), bytes.integer() === 1];
  let upper: unknown;
  if (!isLast) {
    before.height += bytes.integer();
    upper = { height: before.height, prefix: hex(bytes.take(bytes.integer())) };
  }
  const of = (more: object) => upper === undefined ? more : { upper, ...more };
  if (mode === 0) return of({ mode: "same" });
  if (mode === 1) return of({ mode: "fingerprint", sum: bytes.word(), count: bytes.integer() });
  if (mode === 3) return of({ mode: "wanted", bits: hex(bytes.take(bytes.integer())) });
  return of({
    mode: "list",
    ids: Array.from({ length: bytes.integer() }, () => hex(bytes.take(8))),
  });
}

/** All messages of some bytes that hold whole frames. */
export function documented(message: Uint8Array): Documented[] {
  const bytes = new Bytes(message);
  const found: Documented[] = [];
  while (bytes.left > 0) {
    const [type] = bytes.take(1);
    const payload = new Bytes(bytes.take(bytes.integer()));
    const row = ROWS.get(type!);
    if (row === undefined) throw new Error(`the page does not know the type ${type}`);
    const parts = fields(payload, row.parts, 0);
    if (payload.left > 0) throw new Error(`${row.name}: ${payload.left} bytes are left over`);
    found.push({ name: row.name, flags: Number(parts.flags ?? 0), parts });
  }
  return found;
}

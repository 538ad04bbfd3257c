/**
 * Reading and writing rows that are compact JSON of a known shape.
 *
 * @module
 */

import type { Refuse, RowCodec } from "../store/row_codec.ts";
import { EideticaError } from "../util/errors.ts";
import { parsePlainJson, stringifyJson64 } from "../util/json64.ts";

/** An object out of JSON. */
export type Json = Record<string, unknown>;

/** Why a row is not the record that it should be; the text may be shown. */
export class Shape extends Error {}

/** A value that must be an object. */
export function object(value: unknown, what: string): Json {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
  throw new Shape(`${what} is not an object`);
}

/** A value that must be a text. */
export function text(value: unknown, what: string): string {
  if (typeof value === "string") return value;
  throw new Shape(`${what} is not a text`);
}

/** A text, or nothing. */
export function optionalText(value: unknown, what: string): string | undefined {
  return value === undefined || value === null ? undefined : text(value, what);
}

/** A value that must be an integer. */
export function integer(value: unknown, what: string): number {
  if (Number.isSafeInteger(value)) return value as number;
  throw new Shape(`${what} is not an integer`);
}

/** An integer, or nothing. */
export function optionalInteger(value: unknown, what: string): number | undefined {
  return value === undefined || value === null ? undefined : integer(value, what);
}

/** An integer of at least 0, of up to 64 bits, or nothing. */
export function optionalUnsigned(value: unknown, what: string): number | bigint | undefined {
  if (value === undefined || value === null) return undefined;
  const isInteger = typeof value === "bigint" || Number.isSafeInteger(value);
  if (isInteger && (value as number | bigint) >= 0) return value as number | bigint;
  throw new Shape(`${what} is not an integer of at least 0`);
}

/** A value that must be true or false. */
export function boolean(value: unknown, what: string): boolean {
  if (typeof value === "boolean") return value;
  throw new Shape(`${what} is not true or false`);
}

/** A value that must be an array of bytes. */
export function bytes(value: unknown, what: string): Uint8Array {
  const isByte = (item: unknown) =>
    Number.isInteger(item) && Number(item) >= 0 && Number(item) < 256;
  if (Array.isArray(value) && value.every(isByte)) return Uint8Array.from(value as number[]);
  throw new Shape(`${what} is not an array of bytes`);
}

/** A row codec of one record type: its name, its JSON form, and the way back. What is written can be read. */
export function record<T>(
  name: string,
  write: (value: T) => unknown,
  read: (json: Json) => T,
): RowCodec<T> {
  const attempt = <R>(step: () => R, refuse: Refuse): Promise<R> =>
    Promise.resolve().then(() => {
      try {
        return step();
      } catch (error) {
        // Only texts of our own and of public values: a row may hold private keys.
        const known = error instanceof Shape || error instanceof EideticaError;
        throw refuse(known ? error.message : `it is not a ${name}`);
      }
    });
  const readText = (source: string) => read(object(parsePlainJson(source), name));
  return {
    write: (value, refuse) =>
      attempt(() => {
        const source = stringifyJson64(write(value));
        readText(source);
        return source;
      }, refuse),
    read: (source, refuse) => attempt(() => readText(source), refuse),
  };
}

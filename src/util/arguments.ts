/**
 * Checks of what callers pass. In JavaScript any argument may be missing or of another type, and a check
 * that falls away with its input would be worse than none.
 *
 * @module
 */

import { ArgumentError } from "./errors.ts";

/** What a value is, in words that show nothing of it: it may be a secret. */
function describe(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (Array.isArray(value)) return "a list";
  if (typeof value === "string") return "a text";
  if (typeof value !== "object") return `a ${typeof value}`;
  const name: unknown = value.constructor?.name;
  return typeof name === "string" && name !== "" && name !== "Object" ? `a ${name}` : "an object";
}

/** The error for an argument that is not what it must be. */
export function wrongArgument(
  action: string,
  argument: string,
  expected: string,
  value: unknown,
): ArgumentError {
  const actual = describe(value);
  const message = `Cannot ${action}: ${argument} must be ${expected}, got ${actual}`;
  return new ArgumentError("InvalidArgument", message, { fields: { argument, expected, actual } });
}

/** As {@link wrongArgument}, for a number out of its range, which is told: a count is no secret. */
export function wrongNumber(
  action: string,
  argument: string,
  expected: string,
  value: unknown,
): ArgumentError {
  if (typeof value !== "number") return wrongArgument(action, argument, expected, value);
  const message = `Cannot ${action}: ${argument} must be ${expected}, got ${value}`;
  const fields = { argument, expected, actual: String(value) };
  return new ArgumentError("InvalidArgument", message, { fields });
}

/** Fails unless `value` is a text that UTF-8 can hold: all halves of pairs would become one character. */
export function requireText(
  value: unknown,
  action: string,
  argument: string,
): asserts value is string {
  if (typeof value !== "string") throw wrongArgument(action, argument, "a text", value);
  if (value.isWellFormed()) return;
  const message = `Cannot ${action}: ${argument} holds half of a surrogate pair`;
  const fields = { argument, expected: "a well-formed text", actual: "half of a surrogate pair" };
  throw new ArgumentError("InvalidArgument", message, { fields });
}

/** A class of ours, whether callers can construct it or not. */
export interface ClassOf<T> {
  /** Its instances' prototype. */
  readonly prototype: T;
  /** Its name. */
  readonly name: string;
  /** Whether a value is an instance. */
  [Symbol.hasInstance](value: unknown): boolean;
}

/** Fails unless `value` is an instance of one of our classes. */
export function requireInstance<T>(
  value: unknown,
  type: ClassOf<T>,
  action: string,
  argument: string,
): asserts value is T {
  if (value instanceof type) return;
  throw wrongArgument(action, argument, `a ${type.name}`, value);
}

/** Fails unless `values` is a list of instances of one of our classes. */
export function requireInstances<T>(
  values: unknown,
  type: ClassOf<T>,
  action: string,
  argument: string,
): asserts values is readonly T[] {
  if (!Array.isArray(values)) throw wrongArgument(action, argument, "a list", values);
  for (const value of values) requireInstance(value, type, action, `each of ${argument}`);
}

/** Fails unless `value` can be called. */
export function requireFunction(value: unknown, action: string, argument: string): void {
  if (typeof value !== "function") throw wrongArgument(action, argument, "a function", value);
}

/** Options as they were given, or none. Fails for anything that is no object. */
export function optionsOf<T extends object>(options: T | undefined, action: string): Partial<T> {
  if (options === undefined || options === null) return {};
  if (typeof options === "object") return options;
  throw wrongArgument(action, "the options", "an object", options);
}

/** Fails unless `value` has a method of this name, as what callers bring along must. */
export function requireMethod(
  value: unknown,
  method: string,
  action: string,
  argument: string,
): void {
  if (typeof (value as Record<string, unknown> | null | undefined)?.[method] === "function") return;
  throw wrongArgument(action, argument, `an object with \`${method}()\``, value);
}

/** Fails unless `value` can be gone through. */
export function requireIterable(value: unknown, action: string, argument: string): void {
  if (typeof value === "object" && value !== null && Symbol.iterator in value) return;
  throw wrongArgument(action, argument, "a list", value);
}

/** Fails unless `value` is bytes. */
export function requireBytes(
  value: unknown,
  action: string,
  argument: string,
): asserts value is Uint8Array {
  if (!(value instanceof Uint8Array)) throw wrongArgument(action, argument, "a Uint8Array", value);
}

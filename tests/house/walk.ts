/**
 * Calls a public API as JavaScript may call it: with arguments that are missing or of another type.
 *
 * @module
 */

import assert from "node:assert/strict";
import { inspect } from "node:util";
import { EideticaError } from "../../mod.ts";

/** What is not asked, with the reason. */
export type Exempt = readonly (readonly [RegExp, reason: string])[];

/** Values of every type; at most one of them is right anywhere. */
const WRONG: readonly unknown[] = [
  undefined,
  null,
  5,
  -1.5,
  "x",
  {},
  [],
  [undefined],
  () => undefined,
  5n,
  true,
  new Uint8Array(3),
];

/** Most arguments that are tried. */
const MOST = 3;

/** Methods that end the object which they are called on. */
const ENDS = new Set(["close", "logout", "wipe", "commit"]);

/** Anything that can be called. */
export type Callable = (...args: unknown[]) => unknown;

const isClass = (name: string, value: unknown) =>
  typeof value === "function" && /^[A-Z]/.test(name);

/** The names of the methods of an object, those of its classes included. */
function methodsOf(object: object): [name: string, method: Callable][] {
  const found = new Map<string, Callable>();
  for (
    let place: object | null = object;
    place !== null && place !== Object.prototype && place !== Function.prototype;
    place = Object.getPrototypeOf(place)
  ) {
    for (const name of Object.getOwnPropertyNames(place)) {
      const { value } = Object.getOwnPropertyDescriptor(place, name)!;
      const isMethod = typeof value === "function" && name !== "constructor" &&
        name !== "prototype";
      if (isMethod && !found.has(name)) found.set(name, value);
    }
  }
  return [...found];
}

/** Calls something, waits for its promise, and reads the beginning of what it iterates over. */
async function outcomeOf(call: () => unknown): Promise<unknown> {
  try {
    const result = await call() as { [Symbol.asyncIterator]?: unknown } | undefined;
    if (typeof result?.[Symbol.asyncIterator] === "function") {
      for await (const _ of result as AsyncIterable<unknown>) break;
    }
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Calls what it is shown with arguments that are wrong, and notes foreign errors. */
export class Walk {
  readonly faults: string[] = [];
  readonly #exempt: Exempt;
  calls = 0;

  constructor(exempt: Exempt) {
    this.#exempt = exempt;
  }

  async method(
    name: string,
    self: unknown,
    method: Callable,
    prefix: readonly unknown[] = [],
  ): Promise<void> {
    if (this.#exempt.some(([pattern]) => pattern.test(name))) return;
    const faults = new Set<string>();
    for (const wrong of WRONG) {
      for (let count = 0; count <= MOST - prefix.length; count++) {
        const args = Array(count).fill(wrong);
        this.calls++;
        const error = await outcomeOf(() => method.apply(self, [...prefix, ...args]));
        if (error === undefined || error instanceof EideticaError) continue;
        faults.add(
          `${name}(${args.map((arg) => inspect(arg, { depth: 0 })).join(", ")}): ${error}`,
        );
      }
    }
    this.faults.push(...[...faults].slice(0, 2));
  }

  /** The functions and the static methods of a module. */
  async exports(module: object): Promise<void> {
    for (const [name, value] of Object.entries(module)) {
      if (!isClass(name, value)) {
        if (typeof value === "function") await this.method(name, undefined, value as Callable);
        continue;
      }
      for (const key of Object.getOwnPropertyNames(value)) {
        const { value: method } = Object.getOwnPropertyDescriptor(value, key)!;
        if (typeof method === "function" && key !== "prototype") {
          await this.method(`${name}.${key}`, value, method);
        }
      }
    }
  }

  async object(name: string, make: () => unknown): Promise<void> {
    for (const [method, call] of methodsOf(make() as object)) {
      if (ENDS.has(method) || method.startsWith("_")) continue;
      await this.method(`${name}.${method}`, make(), call);
    }
  }

  assertNone(): void {
    assert.ok(this.calls > 0);
    assert.ok(this.faults.length === 0, `foreign errors:\n${this.faults.join("\n")}`);
  }
}

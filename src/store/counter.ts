/**
 * A number that many raise.
 *
 * ```text
 * delta   what one entry adds, a decimal integer · one space · 16 hex digits, random
 * state   the sum, a decimal integer
 * ```
 *
 * Without the random digits two entries that add the same to the same history would be one and the same
 * entry, and count once.
 *
 * @module
 */

import { setInspection } from "#inspect";
import type { StateType } from "../backend/state/state_type.ts";
import { MAX_INT, MIN_INT } from "../crdt/value.ts";
import { wrongArgument } from "../util/arguments.ts";
import { fromUtf8, utf8 } from "../util/bytes.ts";
import { SerializeError } from "../util/errors.ts";
import { toHex } from "../util/hex.ts";
import { normalizeInteger } from "../util/json64.ts";
import type { StoreContext } from "./context.ts";
import { type HandleWrites, StoreHandle, storeText } from "./store_handle.ts";

/** Longest payload in bytes; a sum of 64-bit numbers with more digits would take 10^40 entries. */
const MAX_BYTES = 80;
const PAYLOAD = /^(0|-?[1-9][0-9]*)(?: ([0-9a-f]{16}))?$/;
const SALT_BYTES = 8;

/** What is added, or was added in all. */
interface Sum {
  readonly value: bigint;
  /** What tells a delta from others that add the same. */
  readonly salt?: string | undefined;
}

const sum: StateType<Sum> = {
  name: "sum",
  empty: () => ({ value: 0n }),
  parse: parsePayload,
  merge: (left, right) => ({ value: left.value + right.value }),
  serialize: ({ value, salt }) => utf8(salt === undefined ? `${value}` : `${value} ${salt}`),
  checkpoint: { version: 1 },
};

/** What a viewer of a counter can do: read. */
export type CounterViewer = Omit<Counter, HandleWrites | "add">;

/**
 * A counter: what is added anywhere is added up, in any order. Nobody waits for anybody and nothing is
 * lost, on branches and on other devices neither, since each entry holds what it adds, and not the result.
 *
 * @example
 * ```ts
 * import { Counter, Instance, NewUser } from "eidetica";
 *
 * const { instance, user } = await Instance.connectOrCreate("memory://", NewUser.passwordless("ada"));
 * const db = await user!.createDatabase({ name: "site" });
 * const visit = () => db.withTransaction(async (tx) => (await tx.getStore(Counter, "visits")).add(1));
 * await Promise.all(Array.from({ length: 50 }, visit));
 * const visits = await db.getStoreViewer(Counter, "visits");
 * if (await visits.value() !== 50) throw new Error("a visit was lost");
 * await instance.close();
 * ```
 */
export class Counter extends StoreHandle {
  /** Type ID of counters, as the registry keeps it. */
  static readonly typeId: string = "counter:v0";

  /** See {@link StoreHandle.typeId}. */
  override get typeId(): string {
    return Counter.typeId;
  }

  /** Builds the handle; called by `getStore`. */
  static load(context: StoreContext, name: string): Counter {
    return new Counter(context, name);
  }

  /** Builds the handle of a viewer; called by `getStoreViewer`. */
  static view(context: StoreContext, name: string): CounterViewer {
    return new Counter(context, name);
  }

  /** What this transaction adds. */
  #staged(): Sum | undefined {
    return this.context.staged<Sum>(this.name);
  }

  /** Adds an integer of at most 64 bits, which may be negative; 1 by default. */
  add(amount: number | bigint = 1): Promise<void> {
    return new Promise((resolve) => {
      const added = this.#toInteger(amount);
      const before = this.#staged();
      const salt = before?.salt ?? toHex(this.context.random.bytes(SALT_BYTES));
      this.context.stage(this.name, { value: (before?.value ?? 0n) + added, salt }, sum);
      resolve();
    });
  }

  /** The sum of all that was added: a `number` up to 2^53 − 1, beyond that a `bigint`. */
  async value(): Promise<number | bigint> {
    const history = await this.context.fullState(this.name, sum);
    return normalizeInteger(history.value + (this.#staged()?.value ?? 0n));
  }

  #toInteger(amount: unknown): bigint {
    const isInteger = typeof amount === "bigint" || Number.isSafeInteger(amount);
    if (isInteger) {
      const exact = BigInt(amount as number | bigint);
      if (exact >= MIN_INT && exact <= MAX_INT) return exact;
    }
    const expected = "an integer of at most 64 bits (a number up to 2^53 - 1, or a bigint)";
    throw wrongArgument(`add to the counter "${this.name}"`, "the amount", expected, amount);
  }

  static {
    setInspection(Counter, "Counter", ({ name, context }) => [storeText(name, context)]);
  }
}

function parsePayload(bytes: Uint8Array): Sum {
  const text = bytes.length <= MAX_BYTES ? tryUtf8(bytes) : undefined;
  const [, value, salt] = PAYLOAD.exec(text ?? "") ?? [];
  if (value !== undefined) return { value: BigInt(value), salt };
  const reason = "it is no decimal integer, with or without 16 hex digits behind it";
  throw new SerializeError("DeserializationFailed", `Cannot read what a counter adds: ${reason}`, {
    fields: { reason },
  });
}

function tryUtf8(bytes: Uint8Array): string | undefined {
  try {
    return fromUtf8(bytes);
  } catch {
    return undefined;
  }
}

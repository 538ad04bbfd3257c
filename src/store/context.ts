/**
 * What a store asks of the transaction that it was opened in, and what a transaction asks of a type
 * of store. The port cuts the circle between the two (04 §1, §2, §11).
 *
 * @module
 */

import type { StateType } from "../backend/state/state_type.ts";
import type { Doc } from "../crdt/doc.ts";
import type { RandomSource } from "../util/random.ts";
import type { DerivedKeys } from "./derived_keys.ts";
import type { Registry } from "./registry.ts";

/** Turns payloads of one store into what is written to entries, and back. */
export interface Encryptor {
  /** Ciphertext of a payload. */
  encrypt(plaintext: Uint8Array): Promise<Uint8Array>;
  /** Payload of a ciphertext. */
  decrypt(ciphertext: Uint8Array): Promise<Uint8Array>;
  /** Forgets its secrets; called when the transaction is committed. */
  wipe?(): void;
}

/** The transaction, as seen by its stores. */
export interface StoreContext {
  /** Source of row IDs, salts and nonces. */
  readonly random: RandomSource;
  /** Keys of encrypted stores that the instance keeps. */
  readonly derivedKeys: DerivedKeys;
  /** The database, as consoles show it: `database "notes"`, and that it is only read. */
  readonly place: string;
  /** The delta that this transaction will write for a store; undefined before the first write. */
  staged<T>(store: string): T | undefined;
  /**
   * Fails unless something can be staged in a store: `TransactionAlreadyCommitted` from the moment that
   * the commit begins, `RequiresTransaction` in a viewer. To be asked before a staged delta is changed.
   */
  requireWritable(store: string): void;
  /** Replaces the delta of a store. Fails as {@link requireWritable}. */
  stage<T>(store: string, delta: T, type: StateType<T>): void;
  /** Merged history of a store before this transaction. The value is shared: do not change it. */
  fullState<T>(store: string, type: StateType<T>): Promise<T>;
  /** As {@link fullState}, if it is in memory; saves a promise where it usually is. */
  peekState<T>(store: string, type: StateType<T>): T | undefined;
  /** The registry of the database's stores. */
  getIndex(): Registry;
  /** Encrypts and decrypts the payloads of a store from now on, within this transaction. */
  registerEncryptor(store: string, encryptor: Encryptor): void;
}

/**
 * A type of store: what `getStore` and `getStoreViewer` take. Store classes are such values.
 *
 * In a viewer the context refuses every write. `view`, if it is there, gives the handles of viewers a type
 * without the methods that write.
 *
 * A store of one's own either wraps a `DocStore`, or brings a data type whose deltas merge. If payloads of
 * that type can hold whole states, too, it may say so with `checkpoint: { version: 1 }`: states are then
 * kept in storage, and the next process need not fold all of history. This one adds up, as the
 * shipped `Counter` does:
 *
 * @example
 * ```ts
 * import { Instance, NewUser, type StoreContext } from "eidetica";
 *
 * const sum = {
 *   name: "sum",
 *   empty: () => 0,
 *   parse: (bytes: Uint8Array) => Number(new TextDecoder().decode(bytes)),
 *   merge: (left: number, right: number) => left + right,
 *   serialize: (value: number) => new TextEncoder().encode(String(value)),
 * };
 *
 * class Tally {
 *   static readonly typeId = "tally:v0";
 *   readonly #context: StoreContext;
 *   readonly #name: string;
 *
 *   constructor(context: StoreContext, name: string) {
 *     this.#context = context;
 *     this.#name = name;
 *   }
 *   static load(context: StoreContext, name: string): Tally {
 *     return new Tally(context, name);
 *   }
 *   add(amount: number): void {
 *     const staged = this.#context.staged<number>(this.#name) ?? 0;
 *     this.#context.stage(this.#name, staged + amount, sum);
 *   }
 *   async value(): Promise<number> {
 *     const staged = this.#context.staged<number>(this.#name) ?? 0;
 *     return await this.#context.fullState(this.#name, sum) + staged;
 *   }
 * }
 *
 * const { instance, user } = await Instance.connectOrCreate("memory://", NewUser.passwordless("ada"));
 * const db = await user!.createDatabase({ name: "site" });
 * for (const visits of [1, 10]) {
 *   await db.withTransaction(async (tx) => (await tx.getStore(Tally, "visits")).add(visits));
 * }
 * const visits = await db.getStoreViewer(Tally, "visits");
 * if (await visits.value() !== 11) throw new Error("miscounted");
 * await instance.close();
 * ```
 */
export interface StoreType<S, V = unknown> {
  /** Name and version of the format, for example `"docstore:v0"`. */
  readonly typeId: string;
  /** Whether data of another type ID can be read; by default only the own one. */
  supportsTypeId?(typeId: string): boolean;
  /** Whether viewers may read data of another type ID; by default as `supportsTypeId`. */
  supportsViewOf?(typeId: string): boolean;
  /** Configuration that is registered with a new store; empty by default. */
  defaultConfig?(): Doc;
  /** Builds the handle of an existing store. */
  load(context: StoreContext, name: string): Promise<S> | S;
  /** Builds the handle of a viewer; by default `load`. */
  view?(context: StoreContext, name: string): Promise<V> | V;
  /** Builds the handle of a new store; by default `load`, after the registration was staged. */
  register?(context: StoreContext, name: string): Promise<S> | S;
}

/** Type of the handles of viewers: `V` if the type of store tells it, else that of its other handles. */
export type ViewOf<S, V> = unknown extends V ? S : V;

/** Whether a store of type `typeId` can be opened as `type`. */
export function supports(type: StoreType<unknown>, typeId: string): boolean {
  return type.supportsTypeId?.(typeId) ?? type.typeId === typeId;
}

/** Whether a store of type `typeId` can be read as `type`. */
export function supportsView(type: StoreType<unknown>, typeId: string): boolean {
  return type.supportsViewOf?.(typeId) ?? supports(type, typeId);
}

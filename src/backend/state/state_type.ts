import type { Crdt } from "../../crdt/crdt.ts";

/** How states of a type are written to storage, so that another process need not fold all of history. */
export interface CheckpointFormat<T> {
  /**
   * Version of the states. Raise it whenever the same deltas give another state or another payload: what
   * was written under any other version is then left alone.
   */
  readonly version: number;
  /**
   * Cuts a state into pieces whose fold, in order, is the state again; by default it is one piece. Small
   * pieces keep other tasks of the process from waiting. It may throw for a state that its payloads
   * would not give back; such a state is not written.
   */
  pieces?(state: T): Iterable<T>;
}

/**
 * A data type as a store reads it.
 *
 * With `checkpoint`, states are written to storage from time to time and read back by the next process.
 * That is right only for a type whose payloads hold all there is in a *state*: parsing what `serialize`
 * makes of a state must give a state that merges and reads the same. A payload needs to hold a delta only,
 * so nothing follows from a type working without; hence it is asked for, with a version that whoever
 * changes the type must think of. States of encrypted stores are never written.
 */
export interface StateType<T> extends Crdt<T> {
  /**
   * For deltas that mean more than their payload can say, such as a list that replaces another one, whose
   * tombstones only history tells: what makes of `delta` one whose payload says all, or undefined if it is
   * one. Asked before a delta is written.
   */
  completion?(delta: T): ((history: T) => T) | undefined;
  /** Name of this reading; states of different readings are never mixed up. */
  readonly name: string;
  /** How states are written to storage; without it every process folds history once. */
  readonly checkpoint?: CheckpointFormat<T>;
}

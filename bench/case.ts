/**
 * What a benchmark is: a prepared step that is timed. `run.ts` times it on any runtime,
 * `eidetica_bench.ts` under `deno bench`.
 *
 * @module
 */

/** How much is measured. */
export interface Scope {
  /** Only tries whether everything runs. */
  readonly quick: boolean;
  /** Also what takes minutes: histories of 100,000 and a million entries. */
  readonly large: boolean;
}

/** A benchmark that is ready to be timed. */
export interface Run {
  /** What is timed. */
  step(): unknown;
  /** What is done before each step and not timed. A run with it is timed step by step. */
  before?(): Promise<void>;
  /** Releases everything. */
  end?(): Promise<void> | void;
}

/** A benchmark. */
export interface Case {
  /** Cases of one group are timed in turns, so that their ratios hold whatever else the machine does. */
  readonly group: string;
  /** What is done in a step; unique in its group. */
  readonly name: string;
  /** What a step does, in the plural: `"commits"`. */
  readonly unit: string;
  /** How many of them a step does; 1 when absent. */
  readonly each?: number;
  /** Whether the others of the group are compared with this one. */
  readonly baseline?: boolean;
  /** Most samples, for steps that take long or leave much behind. */
  readonly samples?: number;
  /** Gets everything ready; not timed. */
  prepare(): Promise<Run> | Run;
}

/** A figure that is counted, or timed once in a process of its own. */
export interface Figure {
  /** Group, as of a {@link Case}. */
  readonly group: string;
  /** What is measured; unique in its group. */
  readonly name: string;
  /** Unit of the value. */
  readonly unit: string;
  /** The value. */
  measure(): Promise<number> | number;
}

/** Some benchmarks that belong together. */
export interface Suite {
  /** Name, by which `--only` picks them. */
  readonly name: string;
  /** Timed cases. */
  readonly cases?: readonly Case[];
  /** Counted figures. */
  readonly figures?: readonly Figure[];
}

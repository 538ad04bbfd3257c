import { readFileSync } from "node:fs";

/** A step of a scenario: what a raw client did, and what it received. */
export interface Step {
  /** The connection. */
  readonly c: string;
  readonly do?: string;
  readonly send?: string | readonly string[];
  readonly send_hex?: readonly string[];
  readonly then?: string;
  readonly recv?: readonly string[];
  readonly eof?: boolean;
  readonly note?: string;
  readonly vary?: readonly string[];
  readonly json_in_bytes?: readonly string[];
  readonly exit?: number;
  readonly sign?: {
    readonly at: string;
    readonly challenge_of_step: number;
    readonly seed: string;
    readonly then_flip_lowest_bit_of_byte?: number;
    readonly then_cut_or_zero_pad_to?: number;
  };
}

/** What raw clients did with one daemon. */
export interface Scenario {
  readonly name: string;
  readonly about: string;
  readonly steps: readonly Step[];
  readonly inmemory_engine?: Readonly<Record<string, readonly string[]>>;
}

/** A command of the reference's own client: what it sent and received. */
export interface ClientCase {
  readonly what: string;
  readonly frames: readonly (readonly [
    direction: ">" | "<",
    payload: string,
    connection?: number,
  ])[];
}

function vector<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../vectors/${name}`, import.meta.url), "utf8")) as T;
}

/** Scenarios of raw clients and a daemon of the reference. */
export const scenarios: readonly Scenario[] = vector<{ scenarios: Scenario[] }>(
  "service-frames.json",
).scenarios;

/** Commands of the reference's own client. */
export const clientCases: readonly ClientCase[] = vector<{ cases: ClientCase[] }>(
  "service-client.json",
).cases;

/** All texts that a step sends. */
export function sentBy({ send = [] }: Step): readonly string[] {
  return typeof send === "string" ? [send] : send;
}

/**
 * The place of a list item: an exact fraction and, for equal fractions, a UUID (03 §3.3).
 *
 * Positions are chosen once by the writer and never change; readers only compare them.
 *
 * @module
 */
import { setInspection } from "#inspect";
import { optionsOf, requireInstance, requireMethod } from "../util/arguments.ts";
import { CrdtError } from "../util/errors.ts";
import { normalizeInteger } from "../util/json64.ts";
import { type RandomSource, systemRandom, uuidV4 } from "../util/random.ts";
import { compareStrings } from "../util/btree.ts";
import { compareFractions, floorDiv, gcd, simplestBetween } from "./fraction.ts";
import { parseUuid, uuidBetween } from "./uuid.ts";
import { type Int, MAX_DENOMINATOR, MAX_INT, MIN_INT } from "./value.ts";

/** Where a position takes its UUID from. */
export interface PositionOptions {
  /** Source of the random UUID; the system's unless told. */
  readonly random?: RandomSource;
}

/** An immutable place in a list. */
export class Position {
  /** Numerator of the fraction, signed 64-bit. */
  readonly numerator: Int;
  /** Denominator of the fraction, unsigned 64-bit. Zero only in positions read from others. */
  readonly denominator: Int;
  /** UUID, lowercase and hyphenated. */
  readonly uniqueId: string;

  private constructor(numerator: Int, denominator: Int, uniqueId: string) {
    this.numerator = numerator;
    this.denominator = denominator;
    this.uniqueId = uniqueId;
  }

  /**
   * A position at numerator / denominator, reduced, with a fresh random UUID.
   * Throws {@link CrdtError} `InvalidValue` when the parts do not fit 64 bits or the denominator is not
   * positive.
   */
  static of(numerator: Int, denominator: Int = 1, options?: PositionOptions): Position {
    const random = randomOf(options);
    const n = fitInt(numerator, MIN_INT, MAX_INT);
    const d = fitInt(denominator, 1n, MAX_DENOMINATOR);
    if (n === undefined || d === undefined) throw invalidPosition(numerator, denominator);
    return new Position(...reduce(n, d), uuidV4(random));
  }

  /** A position at 0/1. */
  static beginning(options?: PositionOptions): Position {
    return Position.of(0, 1, options);
  }

  /** A position at (2^63 − 1)/1. */
  static end(options?: PositionOptions): Position {
    return Position.of(MAX_INT, 1, options);
  }

  /**
   * The position with exactly these parts, as a reader meets them: not reduced, denominator 0 allowed.
   * Throws {@link CrdtError} `InvalidUuid` or `InvalidValue`.
   */
  static fromParts(numerator: Int, denominator: Int, uniqueId: string): Position {
    const id = typeof uniqueId === "string" ? parseUuid(uniqueId) : undefined;
    if (id === undefined) {
      throw new CrdtError("InvalidUuid", `Cannot read the UUID "${uniqueId}" of a list position`, {
        fields: { uuid: uniqueId },
      });
    }
    const n = fitInt(numerator, MIN_INT, MAX_INT);
    const d = fitInt(denominator, 0n, MAX_DENOMINATOR);
    if (n === undefined || d === undefined) throw invalidPosition(numerator, denominator);
    return new Position(n, d, id);
  }

  /** As {@link Position.fromParts} for parts that were checked already. Internal. */
  static restore(numerator: Int, denominator: Int, uniqueId: string): Position {
    return new Position(numerator, denominator, uniqueId);
  }

  /**
   * A fresh position strictly between two others; `undefined` stands for an open end.
   *
   * Takes the simplest fraction in the gap, so that repeated insertions at one place keep small numbers.
   * Where no fraction of 64 bits is left, or both ends hold the same one, the UUID decides.
   * Throws {@link CrdtError} `ListOperationFailed` if the ends are not in order, or no place is left.
   */
  static between(
    left: Position | undefined,
    right: Position | undefined,
    options?: PositionOptions,
  ): Position {
    const random = randomOf(options);
    if (left !== undefined) requireInstance(left, Position, PLACE, "the left end");
    if (right !== undefined) requireInstance(right, Position, PLACE, "the right end");
    if (left !== undefined && right !== undefined && left.compare(right) >= 0) {
      throw noPlace(left, right, "the ends are not in ascending order");
    }
    const place = fractionBetween(left, right);
    if (place !== undefined) return new Position(...place, uuidV4(random));
    return Position.#besides(left, right, random);
  }

  /** A position with the fraction of one end, told from it by the UUID. */
  static #besides(
    left: Position | undefined,
    right: Position | undefined,
    random: RandomSource,
  ): Position {
    const same = left !== undefined && right !== undefined && compareFractions(left, right) === 0;
    const base = left ?? right!;
    const low = left?.uniqueId;
    const high = left === undefined || same ? right?.uniqueId : undefined;
    const id = base.denominator === 0 ? undefined : uuidBetween(low, high, random);
    if (id === undefined) throw noPlace(left, right, "no fraction of 64 bits and no UUID is left");
    return new Position(base.numerator, base.denominator, id);
  }

  /** Order of positions: the exact fractions, then the UUID bytes. Negative, zero or positive. */
  compare(other: Position): number {
    requireInstance(other, Position, "compare positions", "the other one");
    return compareFractions(this, other) || compareStrings(this.uniqueId, other.uniqueId);
  }

  /** Whether both hold the same fraction and the same UUID. */
  equals(other: Position): boolean {
    return other instanceof Position && this.compare(other) === 0;
  }

  /** Text for people: `numerator/denominator (uuid)`. */
  toString(): string {
    return `${this.numerator}/${this.denominator} (${this.uniqueId})`;
  }
}

setInspection(Position, "Position", (position) => [position]);

const PLACE = "make a position in a list";

function randomOf(options: PositionOptions | undefined): RandomSource {
  const { random = systemRandom } = optionsOf(options, PLACE);
  requireMethod(random, "bytes", PLACE, "the source of randomness");
  return random;
}

function reduce(numerator: Int, denominator: Int): [Int, Int] {
  if (denominator === 1) return [numerator, denominator];
  const n = BigInt(numerator);
  const d = BigInt(denominator);
  const divisor = gcd(n < 0n ? -n : n, d);
  return [normalizeInteger(n / divisor), normalizeInteger(d / divisor)];
}

function fitInt(value: Int, min: bigint, max: bigint): Int | undefined {
  if (!(value >= min && value <= max)) return undefined;
  if (typeof value === "bigint") return normalizeInteger(value);
  return Number.isSafeInteger(value) ? value + 0 : undefined;
}

/** The parts of a fraction in their stored form; `undefined` when they do not fit 64 bits. */
export function fitFraction(
  [numerator, denominator]: readonly [bigint, bigint],
): [Int, Int] | undefined {
  const n = fitInt(numerator, MIN_INT, MAX_INT);
  const d = fitInt(denominator, 1n, MAX_DENOMINATOR);
  return n === undefined || d === undefined ? undefined : [n, d];
}

/** A fraction strictly between two positions, or `undefined` when there is none of 64 bits. */
function fractionBetween(
  left: Position | undefined,
  right: Position | undefined,
): [Int, Int] | undefined {
  if (left?.denominator === 0 || right?.denominator === 0) return undefined;
  const low = left === undefined ? undefined : parts(left);
  const high = right === undefined ? undefined : parts(right);
  if (low === undefined && high === undefined) return [0, 1];
  if (high === undefined) return fitFraction([floorDiv(...low!) + 1n, 1n]);
  if (low === undefined) return fitFraction([-floorDiv(-high[0], high[1]) - 1n, 1n]);
  if (compareFractions(left!, right!) === 0) return undefined;
  return fitFraction(simplestBetween(low, high));
}

function parts(position: Position): [bigint, bigint] {
  return [BigInt(position.numerator), BigInt(position.denominator)];
}

function invalidPosition(numerator: Int, denominator: Int): CrdtError {
  const reason = "a list position needs a 64-bit numerator and a positive 64-bit denominator";
  return new CrdtError(
    "InvalidValue",
    `Cannot make the position ${numerator}/${denominator}: ${reason}`,
    { fields: { reason } },
  );
}

function noPlace(
  left: Position | undefined,
  right: Position | undefined,
  reason: string,
): CrdtError {
  const ends = `${left ?? "the beginning"} and ${right ?? "the end"}`;
  return new CrdtError(
    "ListOperationFailed",
    `Cannot find a position between ${ends}: ${reason}`,
    { fields: { operation: "between", reason } },
  );
}

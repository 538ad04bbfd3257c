import type { Entry } from "../entry/entry.ts";
import { CheckedSignatures } from "./checked_signatures.ts";

/** A part of a batch, with its signatures. */
export interface CheckedBlock {
  /** The entries, in their order. */
  readonly entries: readonly Entry[];
  /** Their signatures. */
  readonly signatures: CheckedSignatures;
}

/** Blocks that are checked while one is stored: with the second, threads have work when the first is done too early. */
export const BLOCKS_AHEAD = 2;

/** Checks the signatures of entries; the tests replace it. */
export type CheckSignatures = typeof CheckedSignatures.of;

/**
 * The parts of a batch in their order, of at most `most` entries each. While the caller is at work on one, the
 * signatures of the next are checked. What a check throws is thrown in its turn, behind all blocks before it;
 * of a caller who leaves at most {@link BLOCKS_AHEAD} checks go on, and nobody hears of them.
 */
export async function* inCheckedBlocks(
  entries: readonly Entry[],
  most: number,
  check: CheckSignatures = CheckedSignatures.of,
): AsyncGenerator<CheckedBlock, void> {
  // Of one size, so that none is too small to be spread over threads.
  const size = Math.ceil(entries.length / Math.ceil(entries.length / most));
  const ahead: Promise<CheckedBlock>[] = [];
  let begun = 0;
  const begin = () => {
    const block = checked(entries.slice(begun, begun += size), check);
    // It fails where it is waited for.
    block.catch(() => undefined);
    ahead.push(block);
  };
  while (begun < entries.length || ahead.length > 0) {
    if (ahead.length === 0) begin();
    const block = await ahead.shift()!;
    while (begun < entries.length && ahead.length < BLOCKS_AHEAD) begin();
    yield block;
  }
}

async function checked(entries: readonly Entry[], check: CheckSignatures): Promise<CheckedBlock> {
  return { entries, signatures: await check(entries) };
}

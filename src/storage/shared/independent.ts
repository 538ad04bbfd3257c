import { buffer } from "#node";
import type { Batch } from "../driver.ts";

/** Text with one character for each byte of a key, to look it up by. */
export function nameOf(key: Uint8Array): string {
  return buffer.Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");
}

/** Runs of batches in which none checks or changes a key that an earlier one of it changes. */
export function independentRuns(batches: readonly Batch[]): Batch[][] {
  const runs: Batch[][] = [];
  let written = new Set<string>();
  for (const batch of batches) {
    const changed = changedKeys(batch);
    const checked = (batch.checks ?? []).map(({ key }) => nameOf(key));
    const depends = [...changed, ...checked].some((name) => written.has(name));
    if (depends || runs.length === 0) {
      runs.push([]);
      written = new Set();
    }
    runs.at(-1)!.push(batch);
    for (const name of changed) written.add(name);
  }
  return runs;
}

function changedKeys({ set = [], delete: remove = [] }: Batch): string[] {
  return [...remove.map(nameOf), ...set.map(([key]) => nameOf(key))];
}

import { Entry } from "../../mod.ts";
import { type Bed, bed } from "../bed.ts";
import type { Case, Run, Scope, Suite } from "../case.ts";
import { commitMany, ingestInto } from "../workloads.ts";

/** Entries per storage commit. */
const BATCH = 500;

/** Entries from elsewhere, decoded, verified and stored. */
async function verified(count: number): Promise<Run> {
  const source = await bed("memory");
  await commitMany(source.database, 0, count - 1);
  const encoded = (await source.database.getAllEntries()).map((entry) => entry.bytes);
  await source.remove();
  let target: Bed | undefined;
  return {
    async before(): Promise<void> {
      await target?.remove();
      target = await bed("sqlite");
    },
    step: () => ingestInto(target!, encoded.map((bytes) => Entry.decode(bytes)), BATCH),
    end: () => target?.remove(),
  };
}

/** Verified ingest of histories of several lengths: the cost of an entry must not grow with them. */
export function ingestion({ quick, large }: Scope): Suite {
  const sizes = quick ? [100, 200] : [1000, 10_000, ...(large ? [100_000] : [])];
  const cases = sizes.map((count, at): Case => ({
    group: "verified ingest",
    name: `${count.toLocaleString("en")} entries in batches of ${BATCH}, sqlite`,
    unit: "entries",
    each: count,
    baseline: at === 0,
    samples: 7,
    prepare: () => verified(count),
  }));
  return { name: "ingest", cases };
}

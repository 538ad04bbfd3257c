import type { Case, Scope, Suite } from "../case.ts";
import { verifiedIngest } from "../workloads.ts";

/** Entries per storage commit. */
const BATCH = 500;

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
    prepare: () => verifiedIngest(count, BATCH),
  }));
  const most = sizes.at(-1)!;
  const atOnce: Case = {
    group: "verified ingest",
    name: `${most.toLocaleString("en")} entries at once, sqlite`,
    unit: "entries",
    each: most,
    samples: 7,
    // One block is stored while the next are checked.
    prepare: () => verifiedIngest(most, most),
  };
  return { name: "ingest", cases: [...cases, atOnce] };
}

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LARGE_BATCH } from "../../wasm/batch.ts";
import { CORES } from "./cores.ts";
import { Counted, oneByOne, oneProcessor } from "./counted.ts";
import { expectedVerdicts, SIGNATURE_FILES, SIGNATURES, skip } from "./signature_vectors.ts";

/** The list again and again, until it is long enough to be spread over threads. */
function repeated<T>(list: readonly T[]): T[] {
  const times = Math.ceil(LARGE_BATCH / list.length);
  return Array.from({ length: times }, () => list).flat();
}

for (const [engine, load] of CORES.slice(0, 2)) {
  describe(`threads on the ${engine} engine`, () => {
    for (const [file, count] of SIGNATURE_FILES) {
      test(`give the reference's verdicts on ${file}, in order (00 §B3)`, {
        skip: skip || oneProcessor,
        timeout: 60_000,
      }, async () => {
        const core = await load();
        assert.deepEqual([core.engine, SIGNATURES[file].length], [engine, count]);
        const counted = new Counted(core);
        try {
          await counted.warmUp();
          const verdicts = await counted.batches.verifyBatch(repeated(SIGNATURES[file]));
          assert.equal(counted.inPlace, 0);
          assert.deepEqual(verdicts, repeated(expectedVerdicts(file)));
          assert.deepEqual(verdicts, repeated(oneByOne(core, SIGNATURES[file])));
        } finally {
          counted.batches.stop();
        }
      });
    }
  });
}

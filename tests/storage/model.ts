import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "../helpers/fast_check.ts";
import type { Batch, Pair, StorageDriver, Version } from "../../src/storage/driver.ts";
import { compareBytes } from "../../src/util/bytes.ts";
import { cases } from "../helpers/thorough.ts";

/** Few and short keys, so that batches meet; zeros and 255 are where orders go wrong. */
const KEY = fc.uint8Array({ minLength: 1, maxLength: 3 }).map((key) =>
  key.map((byte) => [0, 1, 127, 128, 255][byte % 5]!)
);
const VALUE = fc.uint8Array({ maxLength: 40 });
const BATCH = fc.record({
  set: fc.array(fc.tuple(KEY, VALUE), { maxLength: 5 }),
  delete: fc.array(KEY, { maxLength: 3 }),
  /** Keys to check, each with its present version or with a wrong one. */
  checks: fc.array(fc.tuple(KEY, fc.integer({ min: 0, max: 9 })), { maxLength: 2 }),
});
const RANGE = fc.record({
  start: KEY,
  end: KEY,
  reverse: fc.boolean(),
  limit: fc.option(fc.integer({ min: 0, max: 8 }), { nil: undefined }),
});

type RandomBatch = Omit<Batch, "checks"> & { checks: [Uint8Array, number][] };
type Model = Map<string, { key: Uint8Array; value: Uint8Array; version: Version }>;

/** A law: whatever is committed, a driver shows what a plain map shows. */
export function testModel(open: () => Promise<StorageDriver>, runs = 30): void {
  it("random batches and ranges agree with a plain map", { timeout: 240_000 }, async () => {
    const steps = fc.array(BATCH, { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(steps, RANGE, async (batches, range) => {
        const storage = await open();
        try {
          const model: Model = new Map();
          for (const batch of batches) await step(storage, model, batch);
          await compare(storage, model, { ...range, start: new Uint8Array(), end: END });
          await compare(storage, model, range);
        } finally {
          await storage.close();
        }
      }),
      { numRuns: cases(runs) },
    );
  });
}

const END = new Uint8Array(4).fill(255);
const name = (key: Uint8Array) => key.join(",");

async function step(
  storage: StorageDriver,
  model: Model,
  { checks, ...changes }: RandomBatch,
): Promise<void> {
  const right = checks.every(([, dice]) => dice > 1);
  const stale = (dice: number, version: Version | undefined) =>
    dice > 1 ? version : version === undefined ? 0 : undefined;
  const result = await storage.commit({
    ...changes,
    checks: checks.map(([key, dice]) => ({
      key,
      version: stale(dice, model.get(name(key))?.version),
    })),
  });
  assert.equal(result.ok, right);
  if (!result.ok) return;
  for (const key of changes.delete ?? []) model.delete(name(key));
  for (const [key, value] of changes.set ?? []) {
    model.set(name(key), { key, value, version: result.version });
  }
}

async function compare(
  storage: StorageDriver,
  model: Model,
  range: { start: Uint8Array; end: Uint8Array; reverse: boolean; limit: number | undefined },
): Promise<void> {
  const wanted = [...model.values()].sort((a, b) => compareBytes(a.key, b.key))
    .filter(({ key }) => compareBytes(range.start, key) <= 0 && compareBytes(key, range.end) < 0);
  if (range.reverse) wanted.reverse();
  const found: Pair[] = [];
  for await (const page of storage.list(range)) found.push(...page);
  assert.deepEqual(found.map(plain), wanted.slice(0, range.limit).map(plain));
  const read = await storage.getMany(wanted.map(({ key }) => key));
  assert.deepEqual(read.map((stored) => stored?.version), wanted.map(({ version }) => version));
}

function plain({ key, value, version }: Pair): unknown {
  return { key: [...key], value: [...value], version };
}

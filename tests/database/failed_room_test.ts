/** Entries that are not valid: how many are kept, and that their counts are right (06 §7, docs/security.md). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "../helpers/fast_check.ts";
import { Entry, type ID, Snapshot } from "../../mod.ts";
import type { LocalBackend } from "../../src/backend/local.ts";
import { EntryMetadata } from "../../src/entry/metadata.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { junk, node, source, statuses } from "./backlog_bed.ts";
import { cases } from "../helpers/thorough.ts";

/** Entries that nobody has signed, next to each other or on top of each other: they fail at once. */
function unsigned(root: Entry, count: number, { chain = false, label = "forged" } = {}): Entry[] {
  const made: Entry[] = [];
  for (let at = 0; at < count; at++) {
    const parent = (chain ? made.at(-1) : undefined) ?? root;
    const builder = Entry.builder(root.id).setParents([parent.id]).setHeight(parent.height + 1)
      .setMetadata(new EntryMetadata(Snapshot.of([root.id])).encode())
      .setSubtreeData("s", utf8(`{"children":{"${label}":{"Int":${at}}}}`));
    if (parent !== root) builder.setSubtreeParents("s", [parent.id]);
    made.push(builder.build());
  }
  return made;
}

/** What a tree holds that has failed, or that waits, counted entry by entry. */
async function recount(backend: LocalBackend, tree: ID) {
  const counts = { unverified: 0, unverifiedBytes: 0, failed: 0, failedBytes: 0 };
  for (const entry of await backend.getTree(tree)) {
    const status = await backend.getVerificationStatus(entry.id);
    if (status === "Verified") continue;
    const name = status === "Failed" ? "failed" : "unverified";
    counts[name]++;
    counts[`${name}Bytes`] += entry.bytes.length;
  }
  return counts;
}

async function counted(backend: LocalBackend, tree: ID) {
  const { unverified, unverifiedBytes, failed, failedBytes } = await backend.pending(tree);
  return { unverified, unverifiedBytes, failed, failedBytes };
}

describe("the room for what is not valid", () => {
  it("00 §B6 beyond each limit it is refused with EntryInvalid, honest work goes on", () =>
    source(async (root, honest) => {
      const chain = unsigned(root, 8, { chain: true });
      const failedBytes = chain.slice(0, 3).reduce((sum, entry) => sum + entry.bytes.length, 0);
      const cases = [
        [{ failed: 5 }, chain, 5],
        [{ failedBytes }, chain, 3],
        [{ tips: 4 }, unsigned(root, 8), 4],
      ] as const;
      for (const [limits, entries, kept] of cases) {
        const { backend, writes, close } = await node(root, limits);
        const report = await writes.putRemoteEntries(root.id, entries);
        // What builds on one that was refused waits for it, in the room for that.
        assert.deepEqual([report.failed, report.rejected.length + report.unverified], [
          kept,
          8 - kept,
        ]);
        assert.ok(report.rejected.length > 0);
        for (const { error } of report.rejected) assert.equal(error.code, "EntryInvalid");
        const again = await writes.putRemoteEntries(root.id, [...entries, ...honest]);
        assert.equal(again.verified, honest.length);
        const found = await statuses(backend, honest);
        assert.ok(found.every((status) => status === "Verified"));
        assert.deepEqual(await counted(backend, root.id), await recount(backend, root.id));
        await close();
      }
    }));

  it("00 §B6 what fails after it has waited takes the room of what waits", () =>
    source(async (root, honest) => {
      const { backend, writes, close } = await node(root, { failed: 3, entries: 10 });
      const [base, ...late] = unsigned(root, 9, { chain: true });
      const waiting = await writes.putRemoteEntries(root.id, late);
      assert.deepEqual([waiting.unverified, waiting.rejected.length], [8, 0]);
      await writes.putRemoteEntries(root.id, [base!]);
      const { unverified, failed } = await counted(backend, root.id);
      assert.deepEqual([unverified, failed], [0, 9]);
      const more = await writes.putRemoteEntries(root.id, [...junk(root, 10), ...honest]);
      assert.deepEqual([more.unverified, more.rejected.length], [4, 6]);
      assert.equal(more.verified, honest.length);
      await close();
    }));

  it("00 §B6 ten thousand entries that fail, sent again and again, leave the storage bounded", () =>
    source(async (root, honest) => {
      const driver = memoryStorage();
      const limits = { failed: 200, failedBytes: 1 << 20, entries: 50, bytes: 1 << 20 };
      const { backend, writes, close } = await node(root, limits, driver);
      let [most, rows] = [0, 0];
      for (let round = 0; round < 20; round++) {
        const flood = unsigned(root, 500, { chain: round % 2 === 0, label: `round ${round}` });
        await writes.putRemoteEntries(root.id, flood);
        rows = 0;
        for await (
          const page of driver.list({ start: new Uint8Array(0), end: new Uint8Array([255]) })
        ) rows += page.length;
        if (round === 1) most = rows;
      }
      assert.ok(rows <= most, `${rows} rows after the first ${most}`);
      assert.equal((await writes.putRemoteEntries(root.id, honest)).verified, honest.length);
      assert.deepEqual(await counted(backend, root.id), await recount(backend, root.id));
      await close();
    }));
});

describe("the counts of what is not valid", () => {
  it("06#41 law: they are those of the entries, in any order, after restarts and demotions", () =>
    source(async (root, honest) => {
      const forged = [...unsigned(root, 4), ...unsigned(root, 4, { chain: true, label: "deep" })];
      const all = [...honest, ...forged, ...junk(root, 4)];
      const steps = fc.array(
        fc.oneof(
          { weight: 6, arbitrary: fc.subarray([...all.keys()], { minLength: 1 }) },
          { weight: 1, arbitrary: fc.constant("restart" as const) },
          { weight: 1, arbitrary: fc.constant("demote" as const) },
        ),
        { maxLength: 8 },
      );
      const limits = { failed: 5, entries: 12 };
      await fc.assert(
        fc.asyncProperty(steps, async (script) => {
          let { backend, writes, driver } = await node(root, limits);
          for (const step of script) {
            if (step === "restart") {
              await writes.close();
              ({ backend, writes } = await node(root, limits, driver));
            } else if (step === "demote") await backend.demoteToUnverified(root.id, root.id);
            else await writes.putRemoteEntries(root.id, step.map((at) => all[at]!));
            assert.deepEqual(await counted(backend, root.id), await recount(backend, root.id));
          }
          await writes.close();
          await backend.close();
        }),
        { numRuns: cases(60) },
      );
    }));
});

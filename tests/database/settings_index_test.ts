/** What is remembered of settings says the same as the settings themselves (02 §10.2, 06 §7.1). */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "../helpers/fast_check.ts";
import { AuthKey, Doc, Entry, ID, Permission, ready } from "../../mod.ts";
import type { LocalBackend } from "../../src/backend/local.ts";
import { collect, type EntryReader, storeParents } from "../../src/backend/tree/walk.ts";
import { SettingsIndex } from "../../src/settings/settings_index.ts";
import { pinCovers } from "../../src/settings/pin_covers.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { keyOf } from "../hostile/craft.ts";

before(async () => {
  await ready();
});

const tree = ID.ofRaw(utf8("tree"));
/** A backend only stands for itself here: the entries come from a reader. */
const newBackend = (): LocalBackend => ({}) as LocalBackend;

/** Entries of `_settings` of which each lists those of `parents[i]` before it as parents in the store. */
function entriesOf(
  parents: readonly (readonly number[])[],
  payload: (at: number) => string = () => "{}",
): Entry[] {
  const made: Entry[] = [];
  for (const [at, below] of parents.entries()) {
    const builder = Entry.builder(tree).setParents([tree]).setHeight(1)
      .setSubtreeData("_settings", utf8(payload(at))).setSubtreeData("n", utf8(`${at}`))
      .setSubtreeParents("_settings", below.map((of) => made[of]!.id));
    made.push(builder.build());
  }
  return made;
}

function readerOf(entries: readonly Entry[]): EntryReader & { count(): number } {
  const byId = new Map(entries.map((entry) => [`${entry.id}`, entry]));
  let count = 0;
  return {
    find: (id) => (count++, Promise.resolve(byId.get(`${id}`))),
    count: () => count,
  };
}

/** Graphs of up to 40 entries: lines, branches, merges, and roots of their own. */
const graphs = fc.array(
  fc.array(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 40 })), { maxLength: 3 }),
  { minLength: 1, maxLength: 40 },
).map((lists) =>
  lists.map((back, at) => [...new Set(back.filter((by) => by <= at).map((by) => at - by))])
);

test("06 §7.1 law: what a pin covers, and its highest tips, are those of a walk", async () => {
  const picks = fc.array(fc.nat(1000), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(
      graphs,
      fc.array(fc.tuple(picks, picks), { maxLength: 8 }),
      async (graph, questions) => {
        const entries = entriesOf(graph);
        const reader = readerOf(entries);
        const backend = newBackend();
        const ids = (at: readonly number[]) => at.map((of) => entries[of % entries.length]!.id);
        const below = async (tips: readonly ID[]) => {
          const found = await collect(reader, tips, (entry) => storeParents(entry, "_settings"));
          return new Set(found.map((entry) => `${entry.id}`));
        };
        for (const [pin, wanted] of questions.map(([a, b]) => [ids(a), ids(b)] as const)) {
          const index = await SettingsIndex.of(backend, reader, tree, pin);
          const covered = await below(pin);
          const isCovered = wanted.every((id) => covered.has(`${id}`));
          assert.equal(index.covers(pin, wanted), isCovered);
          assert.equal(await pinCovers(backend, reader, tree, pin, wanted), isCovered);
          const highest = index.highest(pin);
          assert.deepEqual(await below(highest), covered);
          for (const tip of highest) {
            const others = highest.filter((other) => !other.equals(tip));
            assert.equal((await below(others)).has(`${tip}`), false, "none lies below another");
          }
        }
      },
    ),
  );
});

test("06 §7.1 each entry is read for the index a bounded number of times, also 10,000 branches", async () => {
  const count = 10_000;
  const branches = entriesOf(Array.from({ length: count }, (_, at) => at === 0 ? [] : [0]));
  const reader = readerOf(branches);
  const backend = newBackend();
  const pin = branches.slice(1).map(({ id }) => id);
  for (let at = 0; at < 3; at++) {
    const index = await SettingsIndex.of(backend, reader, tree, pin);
    assert.equal(index.covers(pin, [branches[0]!.id, branches[at + 1]!.id]), true);
    assert.equal(index.covers([pin[0]!], [branches[2]!.id]), false);
  }
  assert.ok(reader.count() <= 3 * count, `${reader.count()} reads`);
});

test("00 §B6 what is not held is not remembered as if it had said nothing", async () => {
  const [first, second] = entriesOf([[], [0]]) as [Entry, Entry];
  const backend = newBackend();
  const gap = await SettingsIndex.of(backend, readerOf([second]), tree, [second.id]);
  assert.equal(gap.covers([second.id], [first.id]), false);
  const whole = await SettingsIndex.of(backend, readerOf([first, second]), tree, [second.id]);
  assert.equal(whole.covers([second.id], [first.id]), true);
});

test("02 §9.1 law: whom the settings list at any time is among whom they have ever named", async () => {
  const names = fc.constantFrom("a", "*", "", "__proto__", "constructor", "toString");
  const change = fc.record({
    key: fc.integer({ min: 1, max: 5 }),
    name: fc.option(names, { nil: undefined }),
    isAtomic: fc.boolean(),
    hasGlobal: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (changes) => {
      const payloads = changes.map(({ key, name, isAtomic, hasGlobal }) => {
        const keys = isAtomic ? Doc.atomic() : new Doc();
        const grant = AuthKey.active(name, Permission.write(key)).toDoc();
        keys.set([keyOf(key).publicKey.toString()], grant);
        const auth = new Doc();
        auth.set("keys", keys);
        if (hasGlobal) auth.set("global", grant);
        const doc = new Doc();
        doc.set("auth", auth);
        return doc;
      });
      const entries = entriesOf(
        payloads.map((_, at) => at === 0 ? [] : [at - 1]),
        (at) => payloads[at]!.stringify(),
      );
      const tip = entries.at(-1)!;
      const index = await SettingsIndex.of(newBackend(), readerOf(entries), tree, [tip.id]);
      for (const [at, { key, name }] of changes.entries()) {
        const pubkey = keyOf(key).publicKey;
        const text = pubkey.toString();
        assert.deepEqual(index.everMeantBy({ pubkey }).map(String), [text]);
        if (name === undefined) continue;
        assert.ok(index.everMeantBy({ name }).some((one) => one.equals(pubkey)), `${at}`);
      }
      const anybody = { pubkey: keyOf(9).publicKey };
      assert.deepEqual(index.everMeantBy(anybody), []);
      const isOpen = changes.some(({ hasGlobal }) => hasGlobal);
      assert.equal(index.everMeantBy({ ...anybody, isGlobal: true }).length, isOpen ? 1 : 0);
      assert.deepEqual(index.everMeantBy({ isGlobal: true }), []);
      assert.deepEqual(index.everMeantBy({ name: "never" }), []);
      assert.deepEqual(index.everMeantBy({}), []);
    }),
  );
});

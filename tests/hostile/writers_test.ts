/** What somebody who may write can do to the others, and what not (docs/security.md). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Database, DocStore, type Entry } from "../../mod.ts";
import { MAX_CHOSEN_HEIGHT, MAX_HEIGHT, MAX_PARENTS } from "../../src/entry/constants.ts";
import { FixedClock } from "../../src/testing/fixed_clock.ts";
import { nextHeight } from "../../src/entry/height.ts";
import {
  commit,
  expectAll,
  expectUnharmed,
  inWorld,
  onTip,
  send,
  setting,
  statusOf,
} from "./world.ts";

const quiet = { t: { data: '{"children":{}}' } };

describe("a writer who turns against the others", () => {
  it("00 §B5 cannot use up the heights: a leap beyond half of them fails", () =>
    inWorld((world) =>
      expectAll(world, "Failed", {
        highest: onTip(world, { height: MAX_HEIGHT }),
        "one too many": onTip(world, { height: MAX_CHOSEN_HEIGHT + 1 }),
        "by the owner": onTip(world, { height: MAX_HEIGHT, key: world.people.owner }),
      })
    ));

  it("00 §B5 leaves room after the highest leap: heights go on one by one", () =>
    inWorld(async (world) => {
      const leap = onTip(world, { height: MAX_CHOSEN_HEIGHT, stores: quiet });
      const next = onTip(world, { parents: [leap], stores: quiet });
      const far = onTip(world, { parents: [leap], height: next.height + 1 });
      await send(world, far, next, leap);
      const found = await Promise.all([leap, next, far].map(({ id }) => statusOf(world, id)));
      assert.deepEqual(found, ["Verified", "Verified", "Failed"]);
      await expectUnharmed(world);
      const mad = new FixedClock(MAX_HEIGHT);
      assert.equal(nextHeight("timestamp", undefined, mad), MAX_CHOSEN_HEIGHT);
      assert.equal(nextHeight("timestamp", MAX_CHOSEN_HEIGHT, mad), MAX_CHOSEN_HEIGHT + 1);
    }));

  it(
    "06 §5 cannot stop commits by more branches than an entry has parents",
    { timeout: 120_000 },
    () =>
      inWorld(async (world) => {
        const { last, root, people } = world;
        const branches: Entry[] = [];
        for (let at = 0; at < MAX_PARENTS + 10; at++) {
          const data = `{"children":{"k${at}":{"Text":"v"}}}`;
          branches.push(onTip(world, { stores: { s: { data, parents: [last.id] } } }));
        }
        const report = await send(world, ...branches);
        assert.equal(report.verified, branches.length);
        const db = (await Database.open(world.node, root.id)).withKey(people.owner);
        const first = await commit(db, setting("first"));
        assert.equal(first.parents.length, MAX_PARENTS);
        const second = await commit(db, setting("second"));
        assert.ok(
          second.parents.some((id) => id.equals(first.id)),
          "one's own entry is among them",
        );
        assert.deepEqual((await db.snapshot()).toJSON(), [`${second.id}`]);
        const store = await db.getStoreViewer(DocStore, "s");
        assert.equal((await store.getAll()).len(), branches.length + 4);
      }),
  );

  it("06 §6.1 cannot write the registry for good: system stores have the height of their entry", () =>
    inWorld(async (world) => {
      const record =
        '{"Doc":{"_a":true,"children":{"type":{"Text":"table:v0"},"config":{"Text":"{}"}}}}';
      const data = `{"children":{"s":${record}}}`;
      const at = (name: string, height: number) =>
        onTip(world, { stores: { [name]: { data, height } } });
      await expectAll(world, "Failed", {
        "the registry, last": at("_index", MAX_HEIGHT),
        "the registry, first": at("_index", 0),
        "another system store": at("_more", MAX_HEIGHT),
      });
      const same = at("_same", onTip(world).height);
      const own = at("t", MAX_HEIGHT);
      await send(world, same, own);
      for (const { id } of [same, own]) assert.equal(await statusOf(world, id), "Verified");
    }));
});

/** What bytes, lists, heights and trees can be (00 §B4, §B5, docs/security.md). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EideticaError, Entry, ID, Permission, Snapshot } from "../../mod.ts";
import {
  MAX_ENTRY_BYTES,
  MAX_HEIGHT,
  MAX_NAME_BYTES,
  MAX_PARENTS,
  MAX_PATH_STEPS,
  MAX_SUBTREES,
} from "../../src/entry/constants.ts";
import { MAX_SIG_BYTES } from "../../src/entry/entry_codec.ts";
import { EntryMetadata } from "../../src/entry/metadata.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { STORAGE } from "../helpers/storages.ts";
import { craft, granting, keyOf, nodeOf, PAYLOAD, rawBytes, rootOf, withModel } from "./craft.ts";
import { expectAll, expectUnharmed, inWorld, newNode, onTip, send, statusOf } from "./world.ts";

const nowhere = (label: string): ID => ID.ofDagCbor(utf8(label));
const many = (count: number): ID[] =>
  Array.from({ length: count }, (_, at) => nowhere(`${at}`)).sort(ID.compare);
/** Most entries that one entry waits for: Deno KV changes no more keys at once. */
const MOST_AWAITED = STORAGE === "deno-kv" ? 125 : MAX_PARENTS;

/** Nobody reads these bytes: not as an entry, and with no error but one of ours. */
function refused(name: string, bytes: () => Uint8Array): void {
  assert.throws(() => Entry.decode(bytes()), EideticaError, name);
}

/** An entry with changed JSON, as JSON text. */
function json(
  entry: Entry,
  change: (json: Record<string, Record<string, unknown>>) => void,
): string {
  const copy = JSON.parse(entry.stringify());
  change(copy);
  return JSON.stringify(copy);
}

describe("bytes that are no entry", () => {
  it("00 §B4 lists out of order or with something twice are refused before they are hashed", () =>
    inWorld(async (world) => {
      const { last, granted } = world;
      const entry = onTip(world);
      const two = [last.id, granted.id].sort(ID.compare);
      const back = two.toReversed();
      const changes: Readonly<Record<string, Parameters<typeof rawBytes>[1]>> = {
        "parents out of order": { parents: back },
        "a parent twice": { parents: [last.id, last.id] },
        "stores out of order": { nodes: [nodeOf("t"), nodeOf("s")] },
        "a store twice": { nodes: [nodeOf("s"), nodeOf("s")] },
        "store parents out of order": { nodes: [nodeOf("s", back)] },
        "a store parent twice": { nodes: [nodeOf("s", [last.id, last.id])] },
        "settings twice": { nodes: [nodeOf("_settings"), nodeOf("_settings")] },
      };
      assert.ok(Entry.decode(rawBytes(entry, { parents: two })), "sorted is fine");
      for (const [name, change] of Object.entries(changes)) {
        refused(name, () => rawBytes(entry, change));
      }
      const backwards = back.map(String);
      const text = json(entry, ({ tree }) => tree!.parents = backwards);
      assert.throws(() => Entry.fromJSON(text), EideticaError);
      await expectUnharmed(world);
    }));

  it("00 §B4 every single bit that is flipped gives another entry that is not valid, or none", () =>
    inWorld(async (world) => {
      const entry = onTip(world);
      const forged: Entry[] = [];
      for (let bit = 0; bit < entry.bytes.length * 8; bit += 3) {
        const bytes = entry.bytes.slice();
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        try {
          forged.push(Entry.decode(bytes));
        } catch (error) {
          assert.ok(error instanceof EideticaError, `bit ${bit}: ${error}`);
        }
      }
      assert.ok(forged.length > 100);
      await send(world, ...forged);
      for (const { id } of forged) assert.notEqual(await statusOf(world, id), "Verified");
      await expectUnharmed(world);
    }));

  it("00 §B4 every prefix, and what hangs behind the end, is refused", () =>
    inWorld((world) => {
      const { bytes } = onTip(world);
      for (let end = 0; end < bytes.length; end++) {
        refused(`prefix ${end}`, () => bytes.subarray(0, end));
      }
      refused("a byte too many", () => Uint8Array.of(...bytes, 0));
      return Promise.resolve();
    }));

  it("01 §3 beyond the limits nothing is decoded", () =>
    inWorld(async (world) => {
      const entry = onTip(world);
      const nodes = Array.from({ length: MAX_SUBTREES + 1 }, (_, at) => nodeOf(`${1e6 + at}`));
      const parents = many(MAX_PARENTS + 1);
      const step = { tree: world.root.id, tips: [] };
      const path = Array.from({ length: MAX_PATH_STEPS + 1 }, () => step);
      const texts: Readonly<Record<string, string>> = {
        "parents": json(entry, ({ tree }) => tree!.parents = parents.map(String)),
        "stores": json(entry, (all) => {
          Object.assign(all, { subtrees: nodes.map(({ name }) => ({ name, parents: [] })) });
        }),
        "store parents": json(entry, (all) => {
          Object.assign(all, { subtrees: [{ name: "s", parents: parents.map(String) }] });
        }),
        "a store's name": json(entry, (all) => {
          Object.assign(all, { subtrees: [{ name: "x".repeat(MAX_NAME_BYTES + 1), parents: [] }] });
        }),
        "the signature": json(entry, ({ sig }) => sig!.sig = "A".repeat(MAX_SIG_BYTES + 1)),
        "the name of a key": json(entry, ({ sig }) => {
          sig!.key = { Direct: { hint: { name: "x".repeat(MAX_NAME_BYTES + 1) } } };
        }),
        "a height": json(entry, ({ tree }) => tree!.h = MAX_HEIGHT + 1),
        "a height below 0": json(entry, ({ tree }) => tree!.h = -1),
        "a height with a fraction": json(entry, ({ tree }) => tree!.h = 1.5),
        "steps": json(entry, ({ sig }) => {
          sig!.key = { Delegation: { path: path.map(() => step), hint: { name: "x" } } };
        }),
      };
      for (const [name, text] of Object.entries(texts)) {
        assert.throws(() => Entry.fromJSON(text), EideticaError, name);
      }
      refused("its size", () => new Uint8Array(MAX_ENTRY_BYTES + 1));
      assert.throws(() => Entry.fromJSON("[".repeat(1_000_000)), EideticaError);
      assert.throws(() => Entry.fromJSON('{"tree":'.repeat(100_000)), EideticaError);
      await expectUnharmed(world);
    }));

  it("a head that promises more than there is takes no memory", () => {
    for (const kind of [0x40, 0x60, 0x80, 0xa0]) {
      for (
        const length of [[0x1a, 0xff, 0xff, 0xff, 0xff], [0x1b, 0, 0x1f, ...Array(6).fill(255)]]
      ) {
        const [size, ...rest] = length;
        refused(`${kind}`, () => Uint8Array.of(kind | size!, ...rest as number[]));
      }
    }
  });
});

describe("entries as large as can be", () => {
  it("are stored and judged in their turn, and harm nobody", () =>
    inWorld(async (world) => {
      const { stranger } = world.people;
      const ids = many(MOST_AWAITED);
      const wide = withModel(onTip(world, { key: undefined }), { parents: ids });
      const nodes = Array.from({ length: MAX_SUBTREES }, (_, at) => nodeOf(`${1e6 + at}`));
      const deep = '{"a":'.repeat(120) + "1" + "}".repeat(120);
      const large = { s: { data: `{"children":{"a":{"Text":"${"x".repeat(1 << 20)}"}}}` } };
      await send(world, wide);
      assert.equal(await statusOf(world, wide.id), "Unverified", "its parents are not held");
      // What no single change of the storage holds is refused, and what came with it is not.
      const spread = withModel(onTip(world), { nodes }).sign(stranger);
      const report = await send(world, spread, onTip(world, { key: stranger }));
      assert.deepEqual(
        [report.failed, report.rejected.map(({ entry, error }) => [entry.id, error.code])],
        STORAGE === "deno-kv" ? [1, [[spread.id, "TooLarge"]]] : [2, []],
      );
      await expectAll(world, "Failed", {
        "deep metadata": onTip(world, { metadata: deep, key: stranger }),
        "deeper metadata": onTip(world, { metadata: "[".repeat(100_000), key: stranger }),
        "a large payload": onTip(world, { stores: large, key: stranger }),
        "tips beyond the limit": onTip(world, {
          metadata: `{"settings_tips":[${many(MAX_PARENTS + 1).map((id) => `"${id}"`)}]}`,
        }),
      });
    }));

  it("pins with as many tips as can be wait in bounded time", () =>
    inWorld((world) => {
      const pin = [world.revoked.id, ...many(MOST_AWAITED - 1)];
      return expectAll(world, "Unverified", { pin: onTip(world, { pin }) });
    }));

  it("wait for no more entries than one change of the storage can name", () =>
    inWorld(async (world) => {
      const pin = [world.revoked.id, ...many(MAX_PARENTS - 1)];
      const { stored, rejected } = await send(world, onTip(world, { pin }));
      const codes = rejected.map(({ error }) => error.code);
      assert.deepEqual(codes, MOST_AWAITED < MAX_PARENTS ? ["BacklogFull"] : []);
      assert.equal(stored, 1 - codes.length);
      await expectUnharmed(world);
    }));
});

describe("metadata that does not parse", () => {
  const texts = ["", "{", "null", "[]", '"x"', '{"settings_tips":{}}', '{"settings_tips":[1]}'];
  it("00 §B10 fails for good", () =>
    inWorld(async (world) => {
      const forged: Record<string, Entry> = {};
      for (const metadata of texts) forged[metadata] = onTip(world, { metadata });
      const tips = `"${world.revoked.id}"`;
      const odd = (text: string) => onTip(world, { metadata: text });
      forged["twice"] = odd(`{"settings_tips":[${tips}],"settings_tips":[]}`);
      forged["entropy"] = odd(`{"settings_tips":[${tips}],"entropy":"x"}`);
      forged["no id"] = odd('{"settings_tips":["x"]}');
      forged["none"] = withModel(onTip(world), { metadata: undefined }).sign(world.people.writer);
      await expectAll(world, "Failed", forged);
    }));
});

describe("heights", () => {
  it("00 §B5 that do not exceed every parent's fail, whoever arrives first", () =>
    inWorld(async (world) => {
      const { last, granted, root } = world;
      for (const height of [0, 1, last.height - 1, last.height]) {
        const low = onTip(world, { height });
        const report = await send(world, low);
        assert.deepEqual([report.failed, report.rejected], [1, []], `${height}`);
        assert.equal(await statusOf(world, low.id), "Failed");
      }
      const high = onTip(world, { height: 2000, stores: { t: { data: "{}" } } });
      const zero = onTip(world, { height: 0 });
      const fresh = await newNode();
      const report = await fresh.putRemoteEntries(root.id, [zero, ...world.honest]);
      assert.deepEqual([report.failed, report.unverified], [1, 0], "with its parent");
      await fresh.close();
      const child = craft({
        root: world.root.id,
        parents: [granted],
        pin: [world.revoked.id],
        key: world.people.writer,
        height: 1000,
        stores: { t: { data: "{}" } },
      });
      const under = withModel(child, {
        parents: [granted.id, high.id].sort(ID.compare),
      }).sign(world.people.writer);
      await send(world, under);
      assert.equal(await statusOf(world, under.id), "Unverified", "one parent is not held yet");
      await send(world, high);
      assert.equal(await statusOf(world, under.id), "Failed");
      await expectUnharmed(world);
    }));

  it("01 §8 of a stranger who claims the highest stop nobody: it fails and nothing is built on it", () =>
    inWorld((world) =>
      expectAll(world, "Failed", {
        highest: onTip(world, { height: MAX_HEIGHT, key: world.people.stranger }),
        "in a store": onTip(world, {
          key: world.people.stranger,
          stores: { s: { data: PAYLOAD, height: MAX_HEIGHT } },
        }),
      })
    ));
});

describe("entries of another tree", () => {
  it("are refused where they do not belong, whatever they say", () =>
    inWorld(async (world) => {
      const { foreign, root, people } = world;
      const elsewhere = foreign[0]!.id;
      const wrong: Readonly<Record<string, Entry>> = {
        "a foreign root": foreign[0]!,
        "a foreign entry": foreign[1]!,
        "ours with a foreign root": onTip(world, { root: elsewhere }),
        "a root that is no entry": onTip(world, { root: nowhere("root") }),
        "a root that is no root": onTip(world, { root: world.last.id }),
        "a second root": rootOf(people.stranger, granting({})),
      };
      for (const [name, entry] of Object.entries(wrong)) {
        const { rejected } = await send(world, entry);
        assert.equal(rejected[0]?.error.code, "EntryNotInTree", name);
      }
      const { rejected } = await world.node.putRemoteEntries(elsewhere, [onTip(world), root]);
      assert.equal(rejected.length, 2);
      await expectUnharmed(world);
    }));

  it("are no parents here: neither in the tree nor in a store", () =>
    inWorld(async (world) => {
      const { foreign, last } = world;
      const theirs = foreign[1]!;
      const metadata = new EntryMetadata(Snapshot.EMPTY, 1n).encode();
      const bare = Entry.rootBuilder().setMetadata(metadata).build();
      const report = await world.node.putRemoteEntries(bare.id, [bare]);
      assert.equal(report.verified, 1);
      await expectAll(world, "Failed", {
        "a parent": onTip(world, { parents: [last, theirs] }),
        "the only parent": onTip(world, { parents: [theirs], height: 50 }),
        "a parent that has seen no settings": onTip(world, { parents: [last, bare] }),
        "a store parent": onTip(world, {
          stores: { s: { data: PAYLOAD, parents: [theirs.id] } },
        }),
        "their settings as ours": onTip(world, {
          key: world.people.owner,
          stores: { _settings: { data: '{"children":{}}', parents: [foreign[0]!.id] } },
        }),
        "a store parent of another store": onTip(world, {
          stores: { s: { data: PAYLOAD, parents: [world.revoked.id] } },
        }),
      });
    }));

  it("06 §7 a tree that names a data entry as its root never has a Verified entry", () =>
    inWorld(async (world) => {
      const { last, people } = world;
      const entry = craft({ root: last.id, parents: [last], pin: [], key: people.stranger });
      const settings = { _settings: { data: granting({}) } };
      const own = craft({
        root: last.id,
        parents: [last],
        key: people.stranger,
        stores: settings,
      });
      const report = await world.node.putRemoteEntries(last.id, [entry, own]);
      assert.equal(report.verified, 0);
      for (const { id } of [entry, own]) assert.notEqual(await statusOf(world, id), "Verified");
      await expectUnharmed(world);
    }));

  it("02#29 a root of its own makes a stranger owner of its own tree and of nothing else", () =>
    inWorld(async (world) => {
      const key = keyOf(77);
      const data = granting({ [key.publicKey.toString()]: Permission.admin(0) });
      const claim = rootOf(key, data);
      const report = await world.node.putRemoteEntries(claim.id, [claim]);
      assert.equal(report.verified, 1);
      await expectUnharmed(world);
    }));
});

/** What can be said of the settings that an entry stands on, and of rights (00 §B6, docs/security.md). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Database, ID, Permission, SigKey } from "../../mod.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { craft, granting, keyOf } from "./craft.ts";
import {
  commit,
  expectAll,
  expectUnharmed,
  inWorld,
  onTip,
  send,
  statusOf,
  type World,
} from "./world.ts";

const nowhere = (label: string): ID => ID.ofDagCbor(utf8(label));

/** Settings by which the stranger becomes an administrator. */
function selfGrant({ people }: World): string {
  return granting({ [people.stranger.publicKey.toString()]: Permission.admin(0) });
}

describe("a stranger's pin", () => {
  it("is refused when it is empty, signed or not", () =>
    inWorld(async (world) => {
      const { stranger, writer } = world.people;
      await expectAll(world, "Failed", {
        unsigned: onTip(world, { pin: [], key: undefined }),
        "signed by a stranger": onTip(world, { pin: [], key: stranger }),
        "signed by a writer": onTip(world, { pin: [], key: writer }),
        "no settings_tips": onTip(world, { metadata: "{}" }),
      });
    }));

  it("is refused when it names a data entry, a foreign entry, or settings older than its parents have seen", () =>
    inWorld(async (world) => {
      const { last, foreign, root, people } = world;
      await expectAll(world, "Failed", {
        "data entry": onTip(world, { pin: [last.id] }),
        "foreign settings": onTip(world, { pin: [foreign[0]!.id], key: people.stranger }),
        "foreign settings beside ours": onTip(world, {
          pin: [world.revoked.id, foreign[0]!.id],
          key: people.stranger,
        }),
        "settings older than the parents": onTip(world, { pin: [root.id], key: people.owner }),
      });
    }));

  it("waits when it names what nobody has, and stays harmless", () =>
    inWorld((world) =>
      expectAll(world, "Unverified", {
        unsigned: onTip(world, { pin: [nowhere("a")], key: undefined }),
        stranger: onTip(world, { pin: [nowhere("b")], key: world.people.stranger }),
        "beside ours": onTip(world, { pin: [world.revoked.id, nowhere("c")] }),
      })
    ));

  it("fails as soon as the future settings that it names arrive and turn out forged", () =>
    inWorld(async (world) => {
      const { stranger } = world.people;
      const grant = onTip(world, {
        key: stranger,
        stores: { _settings: { data: selfGrant(world), parents: [world.revoked.id] } },
      });
      const later = craft({
        root: world.root.id,
        parents: [world.last],
        pin: [grant.id],
        key: stranger,
      });
      await send(world, later);
      assert.equal(await statusOf(world, later.id), "Unverified");
      await send(world, grant);
      assert.equal(await statusOf(world, grant.id), "Failed");
      assert.equal(await statusOf(world, later.id), "Failed");
      await expectUnharmed(world);
    }));

  it("cannot name its own entry: that would need a hash of itself", () =>
    inWorld(async (world) => {
      const { stranger } = world.people;
      const first = onTip(world, {
        key: stranger,
        pin: [],
        stores: { _settings: { data: selfGrant(world) } },
      });
      await expectAll(world, "Failed", { "02 §10.2: empty pin, own settings": first });
    }));

  it("that goes behind a revocation does not bring the revoked key back", () =>
    inWorld(async (world) => {
      const { granted, revoked, people } = world;
      const { former: key } = people;
      await expectAll(world, "Failed", {
        "pin before the revocation": onTip(world, { pin: [granted.id], key }),
        "pin at the revocation": onTip(world, { pin: [revoked.id], key }),
        "under its name": onTip(world, { key, identity: SigKey.fromName("former") }),
        "right on the revocation, pin before it": onTip(world, {
          parents: [revoked],
          pin: [granted.id],
          key,
        }),
      });
    }));

  it("02 §13 beside the revocation is the known gap: valid, on a branch of its own, and harmless to settings", () =>
    inWorld(async (world) => {
      const { granted, people } = world;
      const late = craft({
        root: world.root.id,
        parents: [granted],
        pin: [granted.id],
        key: people.former,
        stores: { elsewhere: { data: '{"children":{}}' } },
      });
      await send(world, late);
      assert.equal(await statusOf(world, late.id), "Verified");
      const settings = onTip(world, {
        parents: [granted],
        pin: [granted.id],
        key: people.former,
        stores: { _settings: { data: '{"children":{}}', parents: [granted.id] } },
      });
      await expectAll(world, "Failed", { settings });
    }));
});

describe("a stranger's rights", () => {
  it("are none, whatever the entry grants to itself", () =>
    inWorld(async (world) => {
      const { stranger, writer, reader } = world.people;
      const stores = { _settings: { data: selfGrant(world), parents: [world.revoked.id] } };
      const orphan = { _settings: { data: selfGrant(world) } };
      await expectAll(world, "Failed", {
        "by the stranger": onTip(world, { key: stranger, stores }),
        "without store parents": onTip(world, { key: stranger, stores: orphan }),
        "by a writer": onTip(world, { key: writer, stores }),
        "by a reader": onTip(world, { key: reader, stores }),
        unsigned: onTip(world, { key: undefined, stores }),
        "a writer raises itself": onTip(world, {
          stores: {
            _settings: {
              data: granting({ [writer.publicKey.toString()]: Permission.admin(0) }),
              parents: [world.revoked.id],
            },
          },
        }),
        "takes part in settings without a payload": onTip(world, {
          stores: { _settings: { parents: [world.revoked.id] }, s: { data: "{}" } },
        }),
      });
    }));

  it("are none under a name, a grant to everybody, or a key that the database does not list", () =>
    inWorld(async (world) => {
      const { stranger, writer, reader } = world.people;
      const named = (name: string) => ({ key: stranger, identity: SigKey.fromName(name) });
      await expectAll(world, "Failed", {
        "owner by its key": onTip(world, {
          key: stranger,
          identity: SigKey.fromPubkey(world.people.owner.publicKey),
        }),
        "writer by name": onTip(world, named("writer")),
        "nobody by name": onTip(world, named("nobody")),
        "the name *": onTip(world, named("*")),
        "the empty name": onTip(world, named("")),
        "everybody": onTip(world, {
          key: stranger,
          identity: SigKey.global(stranger.publicKey),
        }),
        "everybody, as the writer": onTip(world, {
          key: stranger,
          identity: SigKey.global(writer.publicKey),
        }),
        "a reader": onTip(world, { key: reader }),
        "a reader by the writer's name": onTip(world, {
          key: reader,
          identity: SigKey.fromName("writer"),
        }),
      });
    }));

  it("02#22 a name that many keys have is tried key by key, and helps nobody else", () =>
    inWorld(async (world) => {
      const { owner, reader, stranger } = world.people;
      const twins = [keyOf(40), keyOf(41), keyOf(42)] as const;
      const text = (at: 0 | 1 | 2) => twins[at].publicKey.toString();
      const same = granting({
        [text(0)]: Permission.write(5),
        [text(1)]: Permission.read,
        [text(2)]: Permission.admin(1),
      }, "twin");
      const change = onTip(world, {
        key: owner,
        stores: { _settings: { data: same, parents: [world.revoked.id] } },
      });
      await send(world, change);
      assert.equal(await statusOf(world, change.id), "Verified");
      const identity = SigKey.fromName("twin");
      const parents = [change];
      const by = (key: typeof owner) => onTip(world, { parents, pin: [change.id], key, identity });
      const quiet = { t: { data: '{"children":{}}' } };
      const good = [twins[0], twins[2]].map((key) =>
        onTip(world, { parents, pin: [change.id], key, identity, stores: quiet })
      );
      await send(world, ...good);
      for (const { id } of good) assert.equal(await statusOf(world, id), "Verified");
      for (const key of [twins[1], reader, stranger]) {
        const entry = by(key);
        await send(world, entry);
        assert.equal(await statusOf(world, entry.id), "Failed");
      }
      await expectUnharmed(world);
    }));
});

describe("a stranger's settings", () => {
  const broken: Readonly<Record<string, string>> = {
    "not JSON": "settings",
    empty: "",
    "a list": "[]",
    "a text": '"auth"',
    "deeply nested": `${'{"children":{"a":{"Doc":'.repeat(5000)}{}${"}}}".repeat(5000)}`,
    "auth is a text": '{"children":{"auth":{"Text":"x"}}}',
    "auth is deleted": '{"children":{"auth":"Deleted"}}',
    "nobody is listed": '{"_a":true,"children":{}}',
    "an integer beyond 64 bits": '{"children":{"a":{"Int":99999999999999999999999}}}',
  };
  for (const [name, data] of Object.entries(broken)) {
    it(`06#52c fail, even an owner's, when the payload is not one: ${name}`, () =>
      inWorld(async (world) => {
        const { owner, stranger } = world.people;
        const stores = { _settings: { data, parents: [world.revoked.id] } };
        const mine = onTip(world, { key: owner, stores });
        const on = craft({
          root: world.root.id,
          parents: [mine],
          pin: [mine.id],
          key: world.people.writer,
        });
        await expectAll(world, "Failed", {
          "by the owner": mine,
          "by a stranger": onTip(world, { key: stranger, stores }),
          "what pins it": on,
        });
      }));
  }

  it("06 §6.1 are never parents through raw tips: forged settings are in no honest pin", () =>
    inWorld(async (world) => {
      const { owner, stranger } = world.people;
      const forged = onTip(world, {
        key: stranger,
        stores: { _settings: { data: selfGrant(world), parents: [world.revoked.id] } },
      });
      await send(world, forged);
      const over = onTip(world, {
        key: owner,
        stores: { _settings: { data: '{"children":{}}', parents: [forged.id] } },
      });
      const data = onTip(world, {
        stores: { s: { data: '{"children":{}}', parents: [forged.id] } },
      });
      await expectAll(world, "Failed", { forged, "over forged settings": over, data });
      const db = (await Database.open(world.node, world.root.id)).withKey(owner);
      const next = await commit(db, (tx) => tx.getSettings().setName("honest"));
      assert.deepEqual(next.subtreeParents("_settings").map(String), [`${world.revoked.id}`]);
    }));

  it("with a height of their own, to be folded last for ever, fail even by an owner", () =>
    inWorld(async (world) => {
      const { owner, stranger } = world.people;
      const stores = (height: number) => ({
        _settings: { data: selfGrant(world), parents: [world.revoked.id], height },
      });
      await expectAll(world, "Failed", {
        highest: onTip(world, { key: owner, stores: stores(Number.MAX_SAFE_INTEGER) }),
        zero: onTip(world, { key: owner, stores: stores(0) }),
        "by a stranger": onTip(world, { key: stranger, stores: stores(9) }),
      });
    }));
});

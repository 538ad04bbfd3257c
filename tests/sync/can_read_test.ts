/** Who may read: each row of the decision, on real databases (09 §9). */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import {
  AuthKey,
  Database,
  DelegatedTreeRef,
  Doc,
  Entry,
  type ID,
  Instance,
  NewUser,
  Permission,
  PrivateKey,
  ready,
  type SettingsStore,
  Snapshot,
} from "../../mod.ts";
import {
  type BootstrapVerdict,
  NonceStore,
  proveRequest,
  ReadAccess,
  type ReadRequest,
} from "./parts.ts";
import { FixedClock } from "../../src/testing/mod.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { SyncError } from "../../src/util/errors.ts";
import { newStorage } from "../helpers/storages.ts";
import { rawId } from "../entry/helpers.ts";
import { accessTo, errorOf } from "./wire_bed.ts";

const { read } = Permission;
const write = (priority: number) => Permission.write(priority);
const admin = (priority: number) => Permission.admin(priority);
const keyOf = (n: number) => PrivateKey.fromSeed(new Uint8Array(32).fill(n));
const creator = keyOf(1);
const reader = keyOf(2);
const writer10 = keyOf(3);
const revoked = keyOf(4);
const member = keyOf(5);
const stranger = keyOf(6);
const writer5 = keyOf(7);

const LONG =
  "Authentication required: This database requires authenticated access. Please provide " +
  "credentials (requesting_key, requesting_key_name, requested_permission) to bootstrap sync.";
const UNKNOWN = "Authentication required: provided key is not authorized for this database";

/** The databases of the tests, on one node. */
interface World {
  readonly instance: Instance;
  readonly access: ReadAccess;
  readonly clock: FixedClock;
  readonly trees: Readonly<
    Record<"plain" | "wildcard" | "closed" | "open" | "team" | "far" | "hidden" | "gone", ID>
  >;
}

async function database(
  instance: Instance,
  rules: (settings: SettingsStore) => Promise<void>,
): Promise<ID> {
  const made = await Database.create(instance, creator, new Doc());
  await made.withTransaction(async (transaction) => await rules(transaction.getSettings()));
  return made.rootId;
}

/** A delegation to the newest state of a database. */
async function delegationTo(
  instance: Instance,
  root: ID,
  max: Permission,
): Promise<DelegatedTreeRef> {
  const { tips } = await (await Database.open(instance, root)).snapshot();
  return new DelegatedTreeRef({ max, min: undefined }, { root, tips });
}

async function inWorld(test: (world: World) => Promise<void>): Promise<void> {
  const { instance } = await Instance.createBackend(
    await newStorage(),
    NewUser.passwordless("ada"),
  );
  try {
    const clock = new FixedClock();
    clock.hold();
    const trees = await makeTrees(instance);
    const { hidden: _, ...shared } = trees;
    const access = new ReadAccess(accessTo(instance, ...Object.values(shared)), {
      clock,
      nonces: new NonceStore({ clock }),
    });
    await test({ instance, access, clock, trees });
  } finally {
    await instance.close();
  }
}

async function makeTrees(instance: Instance): Promise<World["trees"]> {
  const plain = await database(instance, async (settings) => {
    await settings.setAuthKey(reader.publicKey, AuthKey.active("reader", read));
    await settings.setAuthKey(writer10.publicKey, AuthKey.active("writer", write(10)));
    await settings.setAuthKey(revoked.publicKey, new AuthKey("old", admin(0), "Revoked"));
  });
  const wildcard = await database(instance, async (settings) => {
    await settings.setGlobalAuthKey(AuthKey.active(undefined, write(10)));
    await settings.setAuthKey(writer5.publicKey, AuthKey.active("writer", write(5)));
  });
  const closed = await database(instance, async (settings) => {
    await settings.setGlobalAuthKey(new AuthKey(undefined, read, "Revoked"));
  });
  const identity = await database(instance, async (settings) => {
    await settings.setAuthKey(member.publicKey, AuthKey.active("member", write(3)));
  });
  const towards = await delegationTo(instance, identity, write(7));
  const team = await database(instance, (settings) => settings.addDelegatedTree(towards));
  const further = await delegationTo(instance, team, write(7));
  const far = await database(instance, (settings) => settings.addDelegatedTree(further));
  const hidden = await database(instance, async () => {});
  return {
    plain,
    wildcard,
    closed,
    team,
    far,
    hidden,
    open: await unsigned(instance),
    gone: rawId("gone"),
  };
}

/** A database that nothing was ever said about access to. */
async function unsigned(instance: Instance): Promise<ID> {
  const metadata = utf8('{"settings_tips":[],"entropy":7}');
  const root = Entry.rootBuilder().setMetadata(metadata)
    .setSubtreeData("_settings", utf8('{"children":{"name":{"Text":"open"}}}')).build();
  await instance.putRemoteEntries(root.id, [root]);
  assert.equal(await instance.backend.getVerificationStatus(root.id), "Verified");
  return root.id;
}

interface Asking {
  readonly tips?: readonly ID[];
  readonly key?: PrivateKey;
  readonly name?: string;
  readonly permission?: Permission;
  /** Who signs; nobody unless told. */
  readonly by?: PrivateKey;
}

function asking({ instance, clock }: World, treeId: ID, asked: Asking): ReadRequest {
  const ourTips = Snapshot.of(asked.tips ?? []);
  const about = { server: instance.id, tree: treeId, tips: ourTips };
  return {
    treeId,
    ourTips,
    requestingKey: asked.key?.publicKey,
    requestingKeyName: asked.name,
    requestedPermission: asked.permission,
    auth: asked.by && proveRequest(asked.by, about, { clock }),
  };
}

type Outcome = string | { approved: boolean; granted: string | undefined };

function shown(verdict: BootstrapVerdict): Outcome {
  if (verdict.verdict === "pending") return "pending";
  return { approved: verdict.keyApproved, granted: verdict.grantedPermission?.toString() };
}

/** What becomes of a request for a whole database: a verdict, or the text that goes over the wire. */
async function bootstrap(world: World, tree: ID, asked: Asking = {}): Promise<Outcome> {
  try {
    return shown(await world.access.judgeBootstrap(asking(world, tree, asked)));
  } catch (error) {
    assert.ok(error instanceof SyncError, String(error));
    return error.message;
  }
}

async function incremental(world: World, tree: ID, asked: Asking = {}): Promise<string> {
  try {
    await world.access.requireIncremental(
      asking(world, tree, { tips: [rawId("a tip")], ...asked }),
    );
    return "served";
  } catch (error) {
    assert.ok(error instanceof SyncError, String(error));
    return error.message;
  }
}

const anonymous = { approved: false, granted: undefined };
const approved = (granted: Permission) => ({ approved: true, granted: granted.toString() });

before(async () => {
  await ready();
});

describe("who may read", () => {
  it("09#22,#23 one text for what is not known, not shared or not held, in both branches", async () => {
    await inWorld(async (world) => {
      for (const tree of [world.trees.hidden, world.trees.gone, rawId("never seen")]) {
        const text = `Tree not found: ${tree}`;
        assert.equal(await bootstrap(world, tree), text);
        assert.equal(await incremental(world, tree), text);
        assert.equal(await bootstrap(world, tree, { key: creator, name: "n", by: creator }), text);
        assert.equal(await incremental(world, tree, { by: creator }), text);
      }
    });
  });

  it("09#22 nothing that is held but no database, or not verified, counts as open to everybody", async () => {
    await inWorld(async ({ instance, trees }) => {
      const { tips } = await (await Database.open(instance, trees.plain)).snapshot();
      const forged = Entry.rootBuilder().setSubtreeData("_settings", utf8("no document")).build();
      await instance.putRemoteEntries(forged.id, [forged]);
      assert.notEqual(await instance.backend.getVerificationStatus(forged.id), "Verified");
      for (const id of [...tips, forged.id]) {
        const access = new ReadAccess(accessTo(instance, id));
        const request = { treeId: id, ourTips: Snapshot.EMPTY } as ReadRequest;
        const error = await errorOf(() => access.judgeBootstrap(request));
        assert.equal(error.code, "TreeNotFound");
      }
    });
  });

  it("09#22 a gate that fails is a closed one", async () => {
    await inWorld(async ({ instance, trees }) => {
      const port = accessTo(instance, trees.open);
      const isShared = () => Promise.reject(new Error("no answer"));
      const access = new ReadAccess({
        device: port.device,
        accessRules: (tree) => port.accessRules(tree),
        strongestPermission: (tree, key) => port.strongestPermission(tree, key),
        isShared,
      });
      const request = { treeId: trees.open, ourTips: Snapshot.EMPTY } as ReadRequest;
      assert.equal((await errorOf(() => access.judgeBootstrap(request))).code, "TreeNotFound");
    });
  });

  it("09#14-#17,#20 entries beyond tips need a proof of a key that may read", async () => {
    await inWorld(async (world) => {
      const { plain, wildcard, open, closed, team } = world.trees;
      const required = `Authentication required to read database '${plain}'`;
      assert.equal(await incremental(world, plain), required);
      assert.equal(await incremental(world, plain, { key: reader, name: "reader" }), required);
      for (const by of [creator, reader, writer10]) {
        assert.equal(await incremental(world, plain, { by }), "served");
      }
      for (const by of [stranger, revoked, member]) {
        assert.equal(
          await incremental(world, plain, { by }),
          `Permission denied: key ${by.publicKey} is not authorized to read ${plain}`,
        );
      }
      assert.equal(await incremental(world, plain, { by: reader, key: stranger }), "served");
      for (const tree of [wildcard, open]) assert.equal(await incremental(world, tree), "served");
      assert.match(await incremental(world, closed), /^Authentication required/);
      assert.equal(await incremental(world, team, { by: member }), "served");
    });
  });

  it("09#24,#25 everything, for somebody who says nothing", async () => {
    await inWorld(async (world) => {
      const { plain, wildcard, open, closed, team } = world.trees;
      for (const tree of [plain, closed, team]) assert.equal(await bootstrap(world, tree), LONG);
      for (const tree of [wildcard, open]) {
        assert.deepEqual(await bootstrap(world, tree), anonymous);
      }
      assert.equal(await bootstrap(world, plain, { name: "reader", permission: read }), LONG);
    });
  });

  it("09 better 5: a proof alone is enough for a key that may read", async () => {
    await inWorld(async (world) => {
      const { plain, team } = world.trees;
      assert.deepEqual(await bootstrap(world, plain, { by: reader }), anonymous);
      assert.deepEqual(await bootstrap(world, team, { by: member }), anonymous);
      assert.equal(
        await bootstrap(world, plain, { by: stranger }),
        `Permission denied: key ${stranger.publicKey} is not authorized to read ${plain}`,
      );
    });
  });

  it("09#26,#28 key, name and permission: approved when proven and held", async () => {
    await inWorld(async (world) => {
      const { plain, wildcard } = world.trees;
      const ask = (
        tree: ID,
        key: PrivateKey,
        permission: Permission,
        by: PrivateKey | undefined = key,
      ) => bootstrap(world, tree, { key, name: "any", permission, ...(by && { by }) });
      const rules = async () =>
        (await accessTo(world.instance).accessRules(plain))!.toDoc().stringify();
      const before = await rules();
      for (
        const [key, permission] of [
          [creator, admin(0)],
          [reader, read],
          [writer10, write(10)],
          [writer10, write(11)],
          [writer10, read],
        ] as const
      ) assert.deepEqual(await ask(plain, key, permission), approved(permission));
      for (
        const [key, permission] of [
          [reader, write(2 ** 32 - 1)],
          [writer10, write(9)],
          [writer10, admin(2 ** 32 - 1)],
          [revoked, read],
          [stranger, read],
        ] as const
      ) assert.equal(await ask(plain, key, permission), "pending");
      for (const permission of [write(10), write(11), read]) {
        const asked = { key: stranger, name: "x", permission };
        assert.deepEqual(await bootstrap(world, wildcard, asked), approved(permission));
      }
      for (const permission of [write(9), write(5), admin(0)]) {
        const asked = { key: stranger, name: "x", permission };
        assert.equal(await bootstrap(world, wildcard, asked), "pending");
      }
      assert.equal(await rules(), before);
    });
  });

  it("09#27 without a proof, or with one that does not hold, somebody has to decide", async () => {
    await inWorld(async (world) => {
      const { plain } = world.trees;
      const full = { key: reader, name: "reader", permission: read };
      assert.equal(await bootstrap(world, plain, full), "pending");
      assert.equal(await bootstrap(world, plain, { ...full, by: writer10 }), "pending");
      const request = asking(world, plain, { ...full, by: reader });
      assert.deepEqual(shown(await world.access.judgeBootstrap(request)), approved(read));
      assert.equal(shown(await world.access.judgeBootstrap(request)), "pending", "replayed");
      const stale = asking(world, plain, { ...full, by: reader });
      world.clock.advance(60_001);
      assert.equal(shown(await world.access.judgeBootstrap(stale)), "pending", "stale");
    });
  });

  it("09#29,#30,#32 key and name: the most that the key may do", async () => {
    await inWorld(async (world) => {
      const { plain, wildcard, open } = world.trees;
      const ask = (tree: ID, key: PrivateKey, by?: PrivateKey) =>
        bootstrap(world, tree, { key, name: "any", ...(by && { by }) });
      assert.deepEqual(await ask(plain, creator, creator), approved(admin(0)));
      assert.deepEqual(await ask(plain, writer10, writer10), approved(write(10)));
      assert.deepEqual(await ask(wildcard, writer5), approved(write(5)));
      assert.deepEqual(await ask(wildcard, stranger), approved(write(10)));
      assert.equal(await ask(plain, stranger, stranger), UNKNOWN);
      assert.equal(await ask(plain, revoked, revoked), UNKNOWN);
      assert.equal(await ask(open, stranger), UNKNOWN);
      assert.equal(await ask(plain, reader), `Authentication required to read database '${plain}'`);
      assert.equal(
        await ask(plain, reader, writer10),
        `Authentication failed: request is signed by ${writer10.publicKey}, which is not the claimed ` +
          `key ${reader.publicKey}`,
      );
    });
  });

  it("09#31 a key without a name gets nothing that is protected, proof or not", async () => {
    await inWorld(async (world) => {
      const { plain, wildcard, open } = world.trees;
      const required = `Authentication required to read database '${plain}'`;
      for (const asked of [{}, { by: reader }, { permission: read, by: reader }]) {
        assert.equal(await bootstrap(world, plain, { key: reader, ...asked }), required);
      }
      for (const tree of [wildcard, open]) {
        assert.deepEqual(await bootstrap(world, tree, { key: reader }), anonymous);
      }
    });
  });

  it("09#33 a delegation of one hop counts, one of two does not", async () => {
    await inWorld(async (world) => {
      const { team, far } = world.trees;
      const ask = (tree: ID, permission?: Permission) =>
        bootstrap(world, tree, {
          key: member,
          name: "m",
          by: member,
          ...(permission && { permission }),
        });
      assert.deepEqual(await ask(team, write(7)), approved(write(7)));
      assert.deepEqual(await ask(team, read), approved(read));
      assert.equal(await ask(team, write(6)), "pending", "beyond the bounds");
      assert.deepEqual(await ask(team), approved(write(7)));
      assert.equal(await ask(far, read), "pending");
      assert.equal(await ask(far), UNKNOWN);
    });
  });

  it("09#34 where nobody has any permission, a full request waits", async () => {
    await inWorld(async (world) => {
      const full = { key: stranger, name: "x", permission: read };
      assert.equal(await bootstrap(world, world.trees.open, full), "pending");
    });
  });
});

/** A signed database stays signed, whatever is done to its settings (00 §B8). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "../helpers/fast_check.ts";
import {
  AuthKey,
  Database,
  Doc,
  DocStore,
  Entry,
  type EntryBuilder,
  type ID,
  Permission,
  PrivateKey,
  ready,
  SigInfo,
  SigKey,
  Snapshot,
  type Transaction,
} from "../../mod.ts";
import { EntryMetadata } from "../../src/entry/metadata.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { hasCode, peerWith, withDb } from "./bed.ts";
import { shuffled } from "./replay.ts";
import { cases } from "../helpers/thorough.ts";

/** A document with these members; atomic when asked. */
function docOf(members: Readonly<Record<string, Doc | string>>, atomic = false): Doc {
  const doc = atomic ? Doc.atomic() : new Doc();
  for (const [key, value] of Object.entries(members)) doc.set([key], value);
  return doc;
}

const empty = (): Doc => docOf({}, true);
const grant = (permission: Permission): Doc => AuthKey.active(undefined, permission).toDoc();

/** Payloads after which nobody would be listed. */
const ERASING: Readonly<Record<string, () => Doc>> = {
  "atomic settings": empty,
  "atomic settings with a name": () => docOf({ name: "n" }, true),
  "atomic `auth`": () => docOf({ auth: empty() }),
  "atomic `auth` with a delegation member": () =>
    docOf({ auth: docOf({ delegations: empty() }, true) }),
  "atomic `keys`": () => docOf({ auth: docOf({ keys: empty() }) }),
};

interface Parts {
  readonly parents: readonly Entry[];
  readonly pin: readonly ID[];
  readonly key?: PrivateKey;
  /** Payload for `_settings` and its parents there. */
  readonly settings?: { readonly data: Doc; readonly parents: readonly ID[] };
  readonly change?: (builder: EntryBuilder) => void;
}

/** An entry made by hand. */
function forge(root: ID, { parents, pin, key, settings, change }: Parts): Entry {
  const height = Math.max(...parents.map((parent) => parent.height)) + 1;
  const builder = Entry.builder(root).setParents(parents.map((parent) => parent.id))
    .setHeight(height).setMetadata(new EntryMetadata(Snapshot.of(pin)).encode());
  if (settings === undefined) builder.setSubtreeData("s", utf8('{"children":{}}'));
  else {
    builder.setSubtreeData("_settings", utf8(settings.data.stringify()));
    builder.setSubtreeParents("_settings", settings.parents);
  }
  change?.(builder);
  if (key === undefined) return builder.build();
  return builder.setSig(new SigInfo(SigKey.fromPubkey(key.publicKey))).build().sign(key);
}

/** A database of `key` alone, and what its root is. */
async function withRoot(
  test: (root: Entry, key: PrivateKey, db: Database) => Promise<void>,
): Promise<void> {
  await ready();
  await withDb(async ({ instance }) => {
    const key = PrivateKey.generate();
    const db = await Database.create(instance, key, docOf({ name: "signed" }));
    await test(await db.getRoot(), key, db);
  });
}

/** The root of a database without access rules. */
function openRoot(change?: (builder: EntryBuilder) => void): Entry {
  const builder = Entry.rootBuilder();
  builder.setMetadata(new EntryMetadata(Snapshot.EMPTY, 1n).encode());
  change?.(builder);
  return builder.build();
}

async function statuses(entries: readonly Entry[], batch = entries.length): Promise<string[]> {
  const peer = await peerWith([]);
  for (let at = 0; at < entries.length; at += batch) {
    const root = entries[0]!.root ?? entries[0]!.id;
    await peer.putRemoteEntries(root, entries.slice(at, at + batch));
  }
  const found = [];
  for (const { id } of entries) found.push(await peer.backend.getVerificationStatus(id));
  await peer.close();
  return found;
}

describe("a signed database", () => {
  it("00 §B8, 02#25 a commit after which nobody is listed is refused, and the next one works", () =>
    withRoot(async (_root, _key, db) => {
      const ways: Readonly<Record<string, (tx: Transaction) => unknown>> = {
        "auth": (tx) => tx.getSettings().set("auth", empty()),
        "auth.keys": (tx) => tx.getSettings().set("auth.keys", empty()),
        "raw": (tx) => tx.stageRaw("_settings", utf8('{"_a":true,"children":{}}')),
        "auth is text": (tx) => tx.getSettings().set("auth", "text"),
        "auth is deleted": (tx) => tx.getSettings().asDocStore().delete("auth"),
      };
      for (const [name, change] of Object.entries(ways)) {
        const tx = await db.newTransaction();
        await change(tx);
        await assert.rejects(tx.commit(), hasCode("CorruptedAuthConfiguration"), name);
      }
      await db.withTransaction((tx) => tx.getSettings().setName("still here"));
      assert.equal(await db.getName(), "still here");
    }));

  it("00 §B8 an admin's payload after which nobody is listed fails, and so does what follows", () =>
    withRoot(async (root, key) => {
      for (const [name, data] of Object.entries(ERASING)) {
        const settings = { data: data(), parents: [root.id] };
        const erased = forge(root.id, { parents: [root], pin: [root.id], key, settings });
        const unsigned = forge(root.id, { parents: [erased], pin: [erased.id] });
        const good = forge(root.id, { parents: [root], pin: [root.id], key });
        const found = await statuses([root, erased, unsigned, good]);
        assert.deepEqual(found, ["Verified", "Failed", "Failed", "Verified"], name);
      }
    }));

  it("00 §B8 a payload that replaces the rules by others is an admin's right", () =>
    withRoot(async (root, key) => {
      const other = PrivateKey.generate();
      const keys = docOf({ [other.publicKey.toString()]: grant(Permission.admin(0)) });
      const data = docOf({ auth: docOf({ keys }, true) });
      const change = forge(root.id, {
        parents: [root],
        pin: [root.id],
        key,
        settings: { data, parents: [root.id] },
      });
      const by = (who?: PrivateKey) =>
        forge(root.id, { parents: [change], pin: [change.id], ...who && { key: who } });
      const found = await statuses([root, change, by(other), by(key), by()]);
      assert.deepEqual(found, ["Verified", "Verified", "Verified", "Failed", "Failed"]);
    }));

  it("00 §B8 two sound changes that erase all keys together leave it signed", () =>
    withRoot(async (root, key) => {
      const listed = docOf({ [key.publicKey.toString()]: grant(Permission.admin(0)) });
      const keysOnly = docOf({ auth: docOf({ keys: listed }, true) });
      const globalOnly = docOf({
        auth: docOf({ keys: empty(), global: grant(Permission.read) }),
      });
      const noKeys = docOf({ auth: docOf({ keys: empty() }) });
      const change = (parents: Entry[], data: Doc) =>
        forge(root.id, {
          parents,
          pin: parents.map(({ id }) => id),
          key,
          settings: { data, parents: parents.map(({ id }) => id) },
        });
      const everybody = change(
        [root],
        docOf({ auth: docOf({ global: grant(Permission.admin(9)) }) }),
      );
      // One branch drops the grant to everybody, the other, folded later, drops the keys.
      const one = change([everybody], keysOnly);
      const step = change([everybody], docOf({ name: "higher" }));
      const two = change([step], noKeys);
      const pin = [one.id, two.id];
      const merges = [
        forge(root.id, { parents: [one, two], pin }),
        forge(root.id, { parents: [one, two], pin, key }),
        forge(root.id, {
          parents: [one, two],
          pin,
          settings: { data: globalOnly, parents: pin },
        }),
      ];
      const entries = [root, everybody, one, step, two, ...merges];
      const good = entries.length - merges.length;
      const wanted = entries.map((_, at) => at < good ? "Verified" : "Failed");
      assert.deepEqual(await statuses(entries), wanted);
      assert.deepEqual(
        await statuses([root, ...shuffled(entries.slice(1), 3)], 1).then((found) =>
          found.toSorted()
        ),
        wanted.toSorted(),
      );
      const peer = await peerWith(entries);
      const open = (await Database.open(peer, root.id)).withKey(key);
      const tx = await open.newTransaction();
      await (await tx.getStore(DocStore, "s")).set("k", "v");
      await assert.rejects(tx.commit(), hasCode("EntryValidationFailed"));
      await peer.close();
    }));

  it("00 §B8 one that was born open, was restricted and lost all keys by a merge stays signed", async () => {
    await ready();
    const key = PrivateKey.generate();
    const root = openRoot((builder) => {
      builder.setSubtreeData("_settings", utf8('{"children":{}}'));
    });
    const listed = docOf({ [key.publicKey.toString()]: grant(Permission.admin(0)) });
    const change = (parents: Entry[], data: Doc, by?: PrivateKey) => {
      const pin = parents.map(({ id }) => id);
      return forge(root.id, {
        parents,
        pin,
        ...by && { key: by },
        settings: { data, parents: pin },
      });
    };
    const open = forge(root.id, { parents: [root], pin: [root.id] });
    const global = grant(Permission.admin(9));
    const closed = change([root], docOf({ auth: docOf({ keys: listed, global }) }));
    const one = change([closed], docOf({ auth: docOf({ keys: listed }, true) }), key);
    const step = change([closed], docOf({ name: "higher" }), key);
    const two = change([step], docOf({ auth: docOf({ keys: empty() }) }), key);
    const pin = [one.id, two.id];
    const late = forge(root.id, { parents: [one, two], pin });
    const found = await statuses([root, open, closed, one, step, two, late]);
    assert.deepEqual(found, [...Array.from({ length: 6 }, () => "Verified"), "Failed"]);
  });

  it("00 §B6 an empty pin is for a root alone, also where nobody has access rules", async () => {
    await ready();
    const root = openRoot();
    const child = forge(root.id, { parents: [root], pin: [] });
    assert.deepEqual(await statuses([root, child]), ["Verified", "Failed"]);
  });

  it("00 §B6 settings that leave out their history do not hide it from what follows", () =>
    withRoot(async (root, key) => {
      const writer = PrivateKey.generate();
      const text = writer.publicKey.toString();
      const auth = (status: "Active" | "Revoked") =>
        docOf({
          auth: docOf({
            keys: docOf({ [text]: new AuthKey(undefined, Permission.write(1), status).toDoc() }),
          }),
        });
      const change = (parent: Entry, data: Doc, parents: ID[]) =>
        forge(root.id, { parents: [parent], pin: [parent.id], key, settings: { data, parents } });
      const granted = change(root, auth("Active"), [root.id]);
      const revoked = change(granted, auth("Revoked"), [granted.id]);
      // Each is an admin's, and valid; each would bring the writer back if it could be pinned alone.
      const skips = change(revoked, docOf({ name: "x" }), [granted.id]);
      const orphan = change(revoked, docOf({ name: "y" }), []);
      const by = (parent: Entry, pin: readonly Entry[], who?: PrivateKey) =>
        forge(root.id, { parents: [parent], pin: pin.map(({ id }) => id), ...who && { key: who } });
      const rows: [Entry, string][] = [
        [by(skips, [skips], writer), "Failed"],
        [by(skips, [skips, revoked], writer), "Failed"],
        [by(skips, [skips, revoked], key), "Verified"],
        [by(orphan, [orphan]), "Failed"],
        [by(orphan, [orphan], key), "Failed"],
        [by(orphan, [orphan, revoked], key), "Verified"],
      ];
      const found = await statuses([
        root,
        granted,
        revoked,
        skips,
        orphan,
        ...rows.map(([entry]) => entry),
      ]);
      assert.deepEqual(found.slice(0, 5), new Array(5).fill("Verified"));
      assert.deepEqual(found.slice(5), rows.map(([, status]) => status));
    }));

  it("06 §6.1 settings with a height of their own fail: they would outlast every later change", () =>
    withRoot(async (root, key) => {
      const settings = { data: docOf({ name: "forever" }), parents: [root.id] };
      const parts = { parents: [root], pin: [root.id], key, settings };
      const of = (height: number) =>
        forge(root.id, {
          ...parts,
          change: (builder) => builder.setSubtreeHeight("_settings", height),
        });
      const entries = [root, of(2 ** 40), of(0), forge(root.id, parts)];
      assert.deepEqual(await statuses(entries), ["Verified", "Failed", "Failed", "Verified"]);
    }));
});

/** One step of a random history, as numbers that pick among what is there. */
const stepOf = fc.record({
  kind: fc.constantFrom("settings", "settings", "signed", "unsigned"),
  payload: fc.nat(20),
  parents: fc.array(fc.nat(30), { minLength: 1, maxLength: 2 }),
  pin: fc.constantFrom("seen", "seen", "seen", "own", "some"),
  pick: fc.nat(30),
});
type Step = typeof stepOf extends fc.Arbitrary<infer T> ? T : never;

/** Payloads of a random history: all that erases, and what lists somebody again. */
function payloads(key: PrivateKey): Doc[] {
  const listed = () => docOf({ [key.publicKey.toString()]: grant(Permission.admin(0)) });
  const deleted = (path: string[]) => {
    const doc = new Doc();
    doc.remove(path);
    return doc;
  };
  return [
    ...Object.values(ERASING).map((make) => make()),
    docOf({ auth: docOf({ keys: listed() }) }),
    docOf({ auth: docOf({ keys: listed() }, true) }),
    docOf({ auth: docOf({ keys: listed() }, true) }, true),
    docOf({ auth: docOf({ global: grant(Permission.admin(1)) }) }),
    docOf({ auth: docOf({ keys: empty(), global: grant(Permission.admin(1)) }) }),
    docOf({ name: "n" }),
    deleted(["auth", "global"]),
    deleted(["auth", "keys"]),
    deleted(["auth"]),
  ];
}

class RandomHistory {
  readonly entries: Entry[];
  readonly unsigned = new Set<string>();
  readonly #root: Entry;
  readonly #key: PrivateKey;

  constructor(root: Entry, key: PrivateKey) {
    this.#root = root;
    this.#key = key;
    this.entries = [root];
  }

  add({ kind, payload, parents, pin, pick }: Step): void {
    const chosen = [...new Set(parents.map((at) => this.entries[at % this.entries.length]!))];
    const pinned = pin === "seen" ? this.#settingsBelow(chosen) : this.#some(chosen, pin, pick);
    const choices = payloads(this.#key);
    const settings = kind === "settings"
      ? { data: choices[payload % choices.length]!, parents: this.#settingsBelow(chosen) }
      : undefined;
    const entry = forge(this.#root.id, {
      parents: chosen,
      pin: pinned,
      ...kind !== "unsigned" && { key: this.#key },
      ...settings && { settings },
    });
    if (kind === "unsigned") this.unsigned.add(`${entry.id}`);
    this.entries.push(entry);
  }

  /** Settings tips among the ancestors of entries, and these. */
  #settingsBelow(tips: readonly Entry[]): ID[] {
    const byId = new Map(this.entries.map((entry) => [`${entry.id}`, entry]));
    const found = new Map<string, Entry>();
    const queue = [...tips];
    for (let entry = queue.pop(); entry !== undefined; entry = queue.pop()) {
      if (found.has(`${entry.id}`)) continue;
      found.set(`${entry.id}`, entry);
      const parents = entry.inSubtree("_settings") ? entry.subtreeParents("_settings") : [];
      for (const id of [...entry.parents, ...parents, ...pinOf(entry)]) {
        queue.push(byId.get(`${id}`)!);
      }
    }
    const members = [...found.values()].filter((entry) => entry.inSubtree("_settings"));
    const covered = new Set(
      members.flatMap((entry) => entry.subtreeParents("_settings").map(String)),
    );
    return members.map(({ id }) => id).filter((id) => !covered.has(`${id}`));
  }

  #some(chosen: readonly Entry[], pin: Step["pin"], pick: number): ID[] {
    const settings = this.entries.filter((entry) => entry.inSubtree("_settings"));
    const own = chosen.filter((entry) => entry.inSubtree("_settings"));
    if (pin === "own" && own.length > 0) return own.map(({ id }) => id);
    return [settings[pick % settings.length]!.id];
  }
}

const pinOf = (entry: Entry): readonly ID[] =>
  entry.metadata === undefined ? [] : EntryMetadata.parse(entry.metadata).settingsTips.tips;

it("00 §B8 law: no history makes an unsigned entry valid, and every order of arrival agrees", () =>
  withRoot(async (root, key) => {
    const steps = fc.array(stepOf, { minLength: 1, maxLength: 16 });
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(1000), async (list, seed) => {
        const history = new RandomHistory(root, key);
        for (const step of list) history.add(step);
        const { entries, unsigned } = history;
        const found = await statuses(entries);
        entries.forEach(({ id }, at) => {
          if (unsigned.has(`${id}`)) assert.notEqual(found[at], "Verified", `${id}`);
        });
        const order = shuffled(entries.map((_, at) => at), seed);
        const again = await statuses([root, ...order.map((at) => entries[at]!)], 1 + seed % 4);
        assert.deepEqual(order.map((at) => found[at]), again.slice(1));
      }),
      { numRuns: cases(60) },
    );
  }));

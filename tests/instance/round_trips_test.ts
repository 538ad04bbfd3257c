import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DocStore, Instance, NewUser, Table } from "../../mod.ts";
import { storeTipsKey } from "../../src/backend/records/keys.ts";
import { type DenoKv, denoKvStorage } from "../../src/storage/deno_kv/mod.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { farAway, farKv, Rounds } from "../helpers/round_trips.ts";

const ada = NewUser.withPassword("ada", "a long password");
const { openKv } = (globalThis as { Deno?: { openKv?: (path: string) => Promise<DenoKv> } }).Deno ??
  {};

/** A storage that outlives its instances, as a server does. */
interface Place {
  readonly rounds: Rounds;
  /** Another handle on it. */
  open(): Promise<StorageDriver>;
  end(): Promise<void>;
}

const stays = (storage: StorageDriver): StorageDriver =>
  Object.assign(Object.create(storage), { close: () => Promise.resolve() });

function inMemory(): Place {
  const [storage, rounds] = [memoryStorage(), new Rounds()];
  const open = () => Promise.resolve({ ...farAway(storage, rounds), close: stays(storage).close });
  return { rounds, open, end: () => storage.close() };
}

async function inDenoKv(): Promise<Place> {
  const [kv, rounds] = [await openKv!(":memory:"), new Rounds()];
  const open = () => denoKvStorage(farKv(kv, rounds), { isFar: true });
  return { rounds, open, end: async () => await kv.close() };
}

/** An instance with a database of so many commits, and a user who has logged in so many times. */
async function fill(place: Place, commits: number, logins: number): Promise<void> {
  const { instance, user } = await Instance.createBackend(await place.open(), ada);
  const database = await user.createDatabase({ name: "notes" });
  for (let at = 0; at < commits; at++) {
    await database.withTransaction(async (tx) => {
      await (await tx.getStore(DocStore, "pages")).set(`k${at % 50}`, `v${at}`);
    });
  }
  for (let at = 0; at < logins; at++) await instance.loginUser("ada", "a long password");
  await instance.close();
}

/** Fails when a step takes more round trips, one after another, than it may. */
async function within<T>(place: Place, most: number, step: () => Promise<T>): Promise<T> {
  const result = await place.rounds.count(step);
  const { trips } = place.rounds;
  assert.ok(!trips.flat().includes("getMany "), "a round trip asks for nothing");
  assert.ok(trips.length <= most, `${trips.length} round trips:\n${trips.join("\n")}`);
  return result;
}

const PLACES: [string, () => Place | Promise<Place>, string | false][] = [
  ["a storage that is far away", inMemory, false],
  ["Deno KV", inDenoKv, openKv === undefined && "Deno KV is there on Deno alone"],
];

it("a damaged record of a store is in nobody's way who reads another of a tree that is far away", async () => {
  const storage = memoryStorage();
  const open = () => Promise.resolve({ ...farAway(storage, new Rounds()), close });
  const { close } = stays(storage);
  await fill({ rounds: new Rounds(), open, end: close }, 3, 0);
  const instance = await Instance.openBackend(await open());
  const user = await instance.loginUser("ada", "a long password");
  const { rootId } = (await user.findDatabase("notes"))[0]!;
  const entries = await instance.backend.getTree(rootId);
  await instance.close();
  await storage.commit({ set: [[storeTipsKey(rootId, "damaged"), Uint8Array.of(255)]] });
  const again = await Instance.openBackend(await open());
  const { stored } = await again.putRemoteEntries(rootId, entries);
  assert.equal(stored, entries.length);
  await again.close();
  await storage.close();
});

for (const damaged of ["_settings", "_index"]) {
  it(`damaged frontiers of \`${damaged}\` of a tree that is far away are told to whoever needs them alone`, async () => {
    const storage = memoryStorage();
    const { close } = stays(storage);
    const open = () => Promise.resolve({ ...farAway(storage, new Rounds()), close });
    const { instance, user } = await Instance.createBackend(await open(), ada);
    const notes = await user.createDatabase({ name: "notes" });
    // The first ones are in no change then that is still buffered in the head.
    for (let at = 0; at < 100; at++) {
      await notes.withTransaction(async (tx) => {
        await (await tx.getStore(DocStore, at === 0 ? "early" : "late")).set("k", at);
      });
    }
    const early = await instance.host.backend.verifiedStoreSnapshot(notes.rootId, "early");
    await instance.close();
    await storage.commit({ set: [[storeTipsKey(notes.rootId, damaged), Uint8Array.of(255)]] });
    const again = await Instance.openBackend(await open());
    const { backend } = again.host;
    const found = await backend.verifiedStoreSnapshot(notes.rootId, "early");
    assert.deepEqual(found.tips.map(String), early.tips.map(String));
    await assert.rejects(backend.verifiedStoreSnapshot(notes.rootId, damaged));
    await again.close();
    await storage.close();
  });
}

for (const [name, newPlace, skip] of PLACES) {
  describe(`round trips to ${name}`, () => {
    for (const [commits, logins] of [[0, 0], [100, 40]] as const) {
      it(`opening and logging in take 7 after ${logins} logins, a commit 3`, { skip }, async () => {
        const place = await newPlace();
        await fill(place, commits, logins);
        const [instance, user] = await within(place, 7, async () => {
          const opened = await Instance.openBackend(await place.open());
          return [opened, await opened.loginUser("ada", "a long password")] as const;
        });
        const [notes] = await within(place, 4, () => user.findDatabase("notes"));
        const write = (store: string, key: string) =>
          within(place, 3, () =>
            notes!.withTransaction(async (tx) => {
              await (await tx.getStore(DocStore, store)).set(key, "new");
            }));
        await write("pages", "k1");
        await write("pages", "k2");
        await write("other", "k1");
        await within(place, 3, () =>
          notes!.withTransaction(async (tx) => {
            await (await tx.getStore(Table, "rows")).set("a", { n: 1 });
          }));
        const pages = await notes!.getStoreViewer(DocStore, "pages");
        assert.equal(await pages.getString("k2"), "new");
        await instance.close();
        await place.end();
      });
    }

    it("a cold read of a long history takes few", { skip }, async () => {
      const place = await newPlace();
      await fill(place, 300, 0);
      const instance = await Instance.openBackend(await place.open());
      const user = await instance.loginUser("ada", "a long password");
      const [notes] = await user.findDatabase("notes");
      await within(place, 12, async () => {
        const pages = await notes!.getStoreViewer(DocStore, "pages");
        assert.equal(await pages.getString("k49"), "v299");
        assert.equal(await pages.getString("k0"), "v250");
      });
      await instance.close();
      await place.end();
    });

    it("what another instance has written is read at once", { skip }, async () => {
      const place = await newPlace();
      await fill(place, 3, 0);
      const open = async () => {
        const instance = await Instance.openBackend(await place.open());
        const user = await instance.loginUser("ada", "a long password");
        return { instance, notes: (await user.findDatabase("notes"))[0]! };
      };
      const [one, two] = [await open(), await open()];
      for (let at = 0; at < 5; at++) {
        const [writer, reader] = at % 2 === 0 ? [one, two] : [two, one];
        await writer.notes.withTransaction(async (tx) => {
          await (await tx.getStore(DocStore, `s${at % 3}`)).set("k", String(at));
        });
        const viewer = await reader.notes.getStoreViewer(DocStore, `s${at % 3}`);
        assert.equal(await viewer.getString("k"), String(at));
      }
      await one.instance.close();
      await two.instance.close();
      await place.end();
    });
  });
}

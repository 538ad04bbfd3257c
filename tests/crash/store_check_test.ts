import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DocStore, type ID, Instance, NewUser } from "../../mod.ts";
import * as keys from "../../src/backend/records/keys.ts";
import { ORIGIN, type TreeLog } from "../../src/backend/records/arrivals.ts";
import { decodeHead, encodeHead, encodeIdRow } from "../../src/backend/records/tree_records.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { newStorage } from "../helpers/storages.ts";
import { checkTrees } from "../helpers/store_check.ts";
import { failing } from "../instance/places.ts";

/** Keys of a tree of some entries and its storage, whose instance is not open any more. */
interface Made {
  readonly storage: StorageDriver;
  readonly root: ID;
  readonly middle: { readonly id: ID; readonly height: number };
}

async function make(): Promise<Made> {
  const storage = await newStorage("memory");
  const { instance, user } = await Instance.createBackend(
    failing(storage, -1),
    NewUser.passwordless("ada"),
  );
  const db = await user.createDatabase({ name: "x" });
  // So many that what the head carries of the index has been written.
  for (let at = 0; at < 40; at++) {
    await db.withTransaction(async (tx) => (await tx.getStore(DocStore, "s")).set(`${at}`, 1));
  }
  const middle = (await db.getAllEntries())[1]!;
  await instance.close();
  return { storage, root: db.rootId, middle };
}

/** What a storage that loses or invents something would leave. */
const FAULTS: readonly (readonly [name: string, spoil: (made: Made) => Promise<unknown>])[] = [
  [
    "an entry's bytes are gone",
    ({ storage, root, middle }) =>
      storage.commit({
        set: [[
          keys.idKey(middle.id),
          encodeIdRow({ status: "Verified", height: middle.height, tree: root }, new Uint8Array(0)),
        ]],
      }),
  ],
  [
    "an entry's row is gone",
    ({ storage, middle }) => storage.commit({ delete: [keys.idKey(middle.id)] }),
  ],
  ["entries are not listed in their store", async ({ storage, root }) => {
    for await (const page of storage.list(keys.prefixRange(keys.storeIndexPrefix(root, "s")))) {
      return await storage.commit({ delete: [page[0]!.key] });
    }
  }],
  ["the head is an older one", async ({ storage, root }) => {
    const value = await headOf(storage, root);
    const instance = await Instance.openBackend(failing(storage, -1));
    const db = await (await instance.loginUser("ada")).openDatabase(root);
    await db.withTransaction(async (tx) => (await tx.getStore(DocStore, "s")).set("c", 1));
    await instance.close();
    await storage.commit({ set: [[keys.headKey(root), value]] });
  }],
  ["entries are not in the arrival log", async ({ storage, root }) => {
    const log = keys.prefixRange(keys.logKey(root, ORIGIN).subarray(0, -8));
    for await (const page of storage.list(log)) {
      return await storage.commit({ delete: [page[0]!.key] });
    }
  }],
  ...([
    ["an entry too many", (log) => ({ ...log, length: log.length + 1 })],
    ["an entry less", (log) => ({ ...log, length: log.length - 1 })],
    ["another number of entries", (log) => ({ ...log, count: log.count - 1 })],
    ["another sum", (log) => ({ ...log, sum: log.sum ^ 1n })],
  ] satisfies [string, (log: TreeLog) => TreeLog][]).map(
    ([what, change]): typeof FAULTS[number] => [
      `the arrival log has ${what}`,
      async ({ storage, root }) => {
        const head = decodeHead(await headOf(storage, root));
        const spoilt = encodeHead({ ...head, log: change(head.log!) });
        await storage.commit({ set: [[keys.headKey(root), spoilt]] });
      },
    ],
  ),
];

async function headOf(storage: StorageDriver, root: ID): Promise<Uint8Array> {
  return (await storage.get(keys.headKey(root)))!.value;
}

describe("the check of what a crash leaves", () => {
  it("is content with what a good storage holds", async () => {
    const instance = await Instance.openBackend((await make()).storage);
    await checkTrees(instance);
    await instance.close();
  });
  for (const [name, spoil] of FAULTS) {
    it(`finds that ${name}`, async () => {
      const made = await make();
      await spoil(made);
      const instance = await Instance.openBackend(made.storage);
      await assert.rejects(checkTrees(instance));
      await instance.close();
    });
  }
});

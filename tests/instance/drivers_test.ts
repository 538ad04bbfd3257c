import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Database, DocStore, Instance, NewUser, Table } from "../../mod.ts";
import { SHARED_STORAGES, urlOf, whyNot } from "../helpers/shared.ts";
import { hasCode } from "./places.ts";

const ada = NewUser.passwordless("ada");

/** The same application on any storage: write, branch, merge, copy, close, open, go on. */
async function runApplication(url: string): Promise<void> {
  const { instance, user } = await Instance.connectOrCreate(url, ada);
  const db = await user!.createDatabase({ name: "app" });
  let events = 0;
  await db.onWrite(() => void events++);
  const fork = await db.snapshot();
  await Promise.all([1, 2, 3].map(async (number) => {
    const tx = await db.newTransaction({ at: fork });
    await (await tx.getStore(DocStore, "pages")).set(`page ${number}`, { number });
    await (await tx.getStore(Table, "rows")).insert({ number, text: "x".repeat(100_000) });
    await tx.commit();
  }));
  assert.equal((await db.snapshot()).length, 3);
  assert.equal(events, 3);
  await instance.close();

  const again = await Instance.connect(url);
  const [found] = await (await again.loginUser("ada")).findDatabase("app");
  assert.equal((await (await found!.getStoreViewer(DocStore, "pages")).getAll()).len(), 3);
  assert.equal(await (await found!.getStoreViewer(Table, "rows")).count(), 3);
  await found!.withTransaction(async (tx) =>
    await (await tx.getStore(DocStore, "pages")).set("last", 1)
  );
  assert.equal((await found!.snapshot()).length, 1);

  const peer = await Instance.connectOrCreate("memory://", ada);
  const entries = (await found!.getAllEntries()).reverse();
  assert.equal((await peer.instance.putRemoteEntries(found!.rootId, entries)).verified, 5);
  const copy = await Database.open(peer.instance, found!.rootId);
  assert.ok((await copy.snapshot()).equals(await found!.snapshot()));
  await peer.instance.close();
  await again.close();
}

describe("one application on every storage", () => {
  for (const kind of SHARED_STORAGES) {
    it(`05 §12, 00 §C4 ${kind}`, { skip: whyNot(kind), timeout: 120_000 }, async () => {
      const url = await urlOf(kind);
      await assert.rejects(Instance.connect(url), hasCode("NotFound"));
      await runApplication(url);
    });
  }

  it("07 §3, 11 §2 a socket that nobody listens at says so", async () => {
    await assert.rejects(
      Instance.connect("unix:///run/eidetica-nobody.sock"),
      hasCode("ConnectionFailed", "/run/eidetica-nobody.sock"),
    );
  });
});

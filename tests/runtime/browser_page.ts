/**
 * What the browser test runs inside a page: the package without any runtime's own modules. The verdict
 * is written into the document.
 *
 * @module
 */

import { DocStore, Instance, NewUser, ready, Table } from "../../mod.ts";

async function run(): Promise<string> {
  const core = await ready();
  const { instance, user } = await Instance.connectOrCreate(
    "memory://",
    NewUser.withPassword("ada", "secret"),
  );
  const notes = await user!.createDatabase({ name: "notes" });
  let events = 0;
  await notes.onWrite(() => void events++);
  await notes.withTransaction(async (tx) => {
    await (await tx.getStore(DocStore, "pages")).set("meta.author", { name: "ada" });
    await (await tx.getStore(Table, "rows")).set("1", { title: "one" });
  });
  const again = await instance.loginUser("ada", "secret");
  const [found] = await again.findDatabase("notes");
  const pages = await found!.getStoreViewer(DocStore, "pages");
  const name = await pages.getString("meta.author.name");
  const copy = await Instance.connectOrCreate("memory://", NewUser.passwordless("bob"));
  const report = await copy.instance.putRemoteEntries(notes.rootId, await notes.getAllEntries());
  await instance.close();
  return `engine=${core.engine} name=${name} events=${events} verified=${report.verified}`;
}

declare const document: { title: string; body: { textContent: string } };

run().then(
  (text) => void (document.body.textContent = `OK ${text}`),
  (error: Error) => void (document.body.textContent = `FAILED ${error.message} ${error.stack}`),
);

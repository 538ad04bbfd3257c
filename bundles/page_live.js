import { DocStore, Instance, NewUser } from "eidetica";

/** What a page does with a server elsewhere: joins, writes, and sees live what is answered to that. */
async function live() {
  const ticket = await (await fetch("ticket.txt")).text();
  const made = await Instance.connectOrCreate("memory://", NewUser.passwordless("page"));
  const sync = await made.instance.enableSync();
  const isLive = told(sync, "live");
  const notes = await made.user.join(ticket);
  await isLive;
  const answered = new Promise((resolve) => {
    notes.onWrite(async () => {
      const answer = await (await notes.getStoreViewer(DocStore, "s")).getOption("answer");
      if (answer !== undefined) resolve(answer);
    });
  });
  await notes.withTransaction(async (tx) => {
    await (await tx.getStore(DocStore, "s")).set("question", "of the page");
  });
  const answer = await answered;
  await made.instance.close();
  return `live, ${answer}`;
}

async function told(sync, type) {
  for await (const event of sync.events()) if (event.type === type) return;
}

live().then(
  (outcome) => parent.postMessage({ outcome }, "*"),
  (error) => parent.postMessage({ outcome: `${error} ${error.stack}` }, "*"),
);

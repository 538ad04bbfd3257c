import { DocStore, Instance, NewUser, ready, Table } from "eidetica";
import { sample } from "./sample.js";

/** A database that the requests of this isolate share, once one of them has made it. */
let shared;

/** Counts a visit in it; two at once may count as one. */
async function visit() {
  if (shared === undefined) {
    const { user } = await Instance.connectOrCreate("memory://", NewUser.passwordless("bob"));
    shared = await user.createDatabase({ name: "visits" });
  }
  await shared.withTransaction(async (tx) => {
    await (await tx.getStore(DocStore, "visits")).modifyOrInsert("count", 0, (count) => count + 1);
  });
}

async function answer() {
  try {
    await visit();
    return await sample({ DocStore, Instance, NewUser, ready, Table });
  } catch (error) {
    return `${error} ${error.stack}`;
  }
}

export default {
  async fetch(request) {
    const answered = answer();
    // A request may end while its work is still going on; what is left of that must hold up no other.
    return new Response(request.url.endsWith("/cut") ? "cut" : await answered);
  },
};

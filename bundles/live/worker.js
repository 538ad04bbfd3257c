/** An isolate that serves a database out of its memory: `GET /ready` names it, all else is synchronisation. */

import { Instance, NewUser } from "eidetica";

/** What the requests of this isolate share. */
let shared;

async function start() {
  const { instance, user } = await Instance.connectOrCreate(
    "memory://",
    NewUser.passwordless("isolate"),
  );
  const notes = await user.createDatabase({ name: "notes" });
  await notes.grant("everyone", "write");
  const sync = await instance.enableSync();
  const ticket = `${await user.share(notes)}`;
  return { notes, ticket, handle: sync.fetchHandler() };
}

export default {
  async fetch(request) {
    try {
      shared ??= start();
      const { handle, ticket } = await shared;
      return request.url.endsWith("/ready") ? new Response(ticket) : await handle(request);
    } catch (error) {
      return new Response(`${error} ${error.stack}`, { status: 500 });
    }
  },
};

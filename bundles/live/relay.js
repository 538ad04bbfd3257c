import { Instance, NewUser } from "eidetica";

let handler;

async function begin() {
  const { instance } = await Instance.connectOrCreate("memory://", NewUser.passwordless("relay"));
  const sync = await instance.enableSync();
  return sync.fetchHandler({ relay: true });
}

export default {
  async fetch(request, env) {
    if (request.url.endsWith("/ready")) return new Response("ready");
    handler ??= await begin();
    return await handler(request, env);
  },
};

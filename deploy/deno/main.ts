/**
 * A relay on Deno KV, for Deno Deploy and `deno serve`: see docs/relay.md.
 *
 *   deno serve --parallel --unstable-kv -A deploy/deno/main.ts
 *
 * `RELAY_STORAGE` says where it stores, the platform's own database unless told.
 */

import { Instance, NewUser } from "../../mod.ts";

const storage = Deno.env.get("RELAY_STORAGE") ?? "denokv:";
const { instance } = await Instance.connectOrCreate(storage, NewUser.passwordless("relay"));
const sync = await instance.enableSync();

/** What `deno serve` and Deno Deploy call for every request. */
export default { fetch: sync.fetchHandler({ relay: true }) };

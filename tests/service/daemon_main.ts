/** A daemon of its own process: `daemon_main.ts STORAGE SOCKET`; says `ready` when clients can connect. */

import process from "node:process";
import { Instance, NewUser } from "../../mod.ts";
import { serveSocket } from "../../src/service/edge/serve_socket.ts";

const [storage, path] = process.argv.slice(2) as [string, string];
const { instance } = await Instance.connectOrCreate(storage, NewUser.passwordless("ada"));
const service = await serveSocket(instance, { path });
process.once("SIGTERM", () => void service.close().then(() => instance.close()));
console.log("ready");

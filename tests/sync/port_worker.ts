/** A worker with an instance of its own: serves a database over the port that it is given, and answers what is put. */

import { parentPort, workerData } from "node:worker_threads";
import { MessagePortTransport } from "../../src/sync/mod.ts";
import { arrives, madeBy, Nodes, put } from "./live_bed.ts";

const nodes = new Nodes();
const transport = new MessagePortTransport((workerData as { port: MessagePort }).port);
const home = await nodes.node({ transports: { port: transport } });
await home.sync.acceptConnections();
const db = await madeBy(home);
await put(db, "early", "1");
parentPort!.postMessage((await home.user.share(db)).toString());
await arrives(db, "asked", "2");
await put(db, "answered", "3");
parentPort!.once("message", () => void nodes.close().then(() => parentPort!.close()));

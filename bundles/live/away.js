/** Clients on Node of an isolate at a port, some of whom are cut off. Prints how it went. */

import process from "node:process";
import { Instance, NewUser } from "eidetica";
import { DatabaseTicket } from "eidetica/sync";
import { cutOff, cuttable } from "./cuts.js";
import { eventsOf } from "./events.js";
import { arrives, live, put } from "./steps.js";

const port = Number(process.argv[2]);
const addressOf = (port) => `127.0.0.1:${port}`;

const beginning = (...lines) => [...lines, `host: ${addressOf(port)}`, "", ""].join("\r\n");
const WEB_SOCKET = beginning(
  "GET /api/native/1 HTTP/1.1",
  "connection: upgrade",
  "upgrade: websocket",
  "sec-websocket-version: 13",
  "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==",
  "sec-websocket-protocol: eidetica-native.1",
);
const POST = "POST /api/v0 HTTP/1.1";
const HALF = beginning(POST, "content-type: application/json", "content-length: 9") + "{";

const { databaseId } = DatabaseTicket.parse(
  await (await fetch(`http://${addressOf(port)}/ready`)).text(),
);

/** Somebody who follows the database live, by a way to the isolate. */
async function client(name, port) {
  const { instance, user } = await Instance.connectOrCreate(
    "memory://",
    NewUser.passwordless(name),
  );
  const sync = await instance.enableSync();
  const isLive = live(sync, databaseId);
  const address = { transportType: "http", address: addressOf(port) };
  const notes = await user.join(new DatabaseTicket(databaseId, [address]));
  await isLive;
  return { instance, sync, notes };
}

const way = await cuttable(port);
await cutOff(port, HALF, { isAnswered: false });
await cutOff(port, WEB_SOCKET, { isAnswered: true });
const ada = await client("ada", way.port);
await put(ada.notes, "ada", "committed");
await ada.instance.flushSync();
const bob = await client("bob", port);
await arrives(bob.notes, "ada", "committed");

// Each is told what the request of the other has brought.
await put(bob.notes, "bob", "committed");
await arrives(ada.notes, "bob", "committed");
await put(ada.notes, "ada", "again");
await arrives(bob.notes, "ada", "again");

// Ada's request is gone while there is something to tell her.
const isLiveAgain = live(ada.sync, databaseId);
way.cut();
await put(bob.notes, "bob", "meanwhile");
await bob.instance.flushSync();
await isLiveAgain;
await arrives(ada.notes, "bob", "meanwhile");
await put(ada.notes, "ada", "at last");
await arrives(bob.notes, "ada", "at last");

// Whoever has no WebSocket hears of what the requests of others bring, and goes on after the last event.
const url = `http://${addressOf(port)}/api/native/1/events?tree=${databaseId}`;
const next = async (events) => (await events.next()).value;
const events = eventsOf(url);
const first = await next(events);
await put(bob.notes, "bob", "told");
const second = await next(events);
if (second.told.count <= first.told.count) throw new Error("an event tells nothing new");
await events.return();
const later = eventsOf(url, second.id);
const third = next(later);
await put(ada.notes, "ada", "told");
if ((await third).told.count <= second.told.count) throw new Error("an event was told again");
await later.return();

await ada.instance.close();
await bob.instance.close();
way.close();
console.log("two clients exchange live, also after cuts, and events tell of it");

import type { Entry } from "../../entry/entry.ts";
import { flag, id, ids, text, u64 } from "../../entry/json_values.ts";
import type { JsonBytes } from "../../util/json_bytes.ts";
import { endVariant, Members, openVariant, optional } from "../../util/json_struct.ts";
import * as json from "./json_parts.ts";
import type { ReceivedRequest, ReceivedResponse } from "./messages.ts";
import type { Parts, Steps } from "./parts.ts";

const QUOTE = 0x22;
const REQUESTS = ["Handshake", "SyncTree", "SendEntries"] as const;
const RESPONSES = [
  "Handshake",
  "Bootstrap",
  "Incremental",
  "BootstrapPending",
  "Ack",
  "Count",
  "Error",
] as const;
const BOOTSTRAP = new Members("a bootstrap response", [
  ...["tree_id", "root_entry", "all_entries", "key_approved", "granted_permission?"],
]);
const INCREMENTAL = new Members("an incremental response", [
  ...["tree_id", "their_tips", "missing_entries"],
]);

/** Makes the message when all of it was read: its lists hold what was not taken before. */
export type Finish<Message> = () => Message;

/** Reads a request (09 §3–7). */
export function* request(parts: Parts): Steps<Finish<ReceivedRequest>> {
  const type = yield* parts.part((reader) => openMessage(reader, REQUESTS));
  const finish = yield* requestBody(parts, type);
  yield* parts.part(endVariant);
  return finish;
}

function* requestBody(
  parts: Parts,
  type: typeof REQUESTS[number],
): Steps<Finish<ReceivedRequest>> {
  switch (type) {
    case "Handshake": {
      const body = yield* parts.part(json.handshakeRequest);
      return () => ({ type, body });
    }
    case "SyncTree": {
      const body = yield* parts.part(json.syncTree);
      return () => ({ type, body });
    }
    case "SendEntries":
      yield* parts.list();
      return () => ({ type, body: parts.takeEntries() });
  }
}

/** Reads a response. */
export function* response(parts: Parts): Steps<Finish<ReceivedResponse>> {
  if (yield* parts.part(acceptAck)) return () => ({ type: "Ack" });
  const type = yield* parts.part((reader) => openMessage(reader, RESPONSES));
  const finish = yield* responseBody(parts, type);
  yield* parts.part(endVariant);
  return finish;
}

function* responseBody(
  parts: Parts,
  type: typeof RESPONSES[number],
): Steps<Finish<ReceivedResponse>> {
  switch (type) {
    case "Handshake": {
      const body = yield* parts.part(json.handshakeResponse);
      return () => ({ type, body });
    }
    case "Bootstrap":
      return yield* bootstrap(parts);
    case "Incremental":
      return yield* incremental(parts);
    case "BootstrapPending": {
      const body = yield* parts.part(json.pending);
      return () => ({ type, body });
    }
    case "Ack":
      yield* parts.part((reader) => reader.acceptNull() || reader.mismatch("null"));
      return () => ({ type });
    case "Count": {
      const body = yield* parts.part(u64);
      return () => ({ type, body });
    }
    case "Error": {
      const body = yield* parts.part(text);
      return () => ({ type, body });
    }
  }
}

function* bootstrap(parts: Parts): Steps<Finish<ReceivedResponse>> {
  const [treeId, rootEntry, , keyApproved, grantedPermission] = yield* parts.struct(BOOTSTRAP, [
    () => parts.part(id),
    () => parts.entry(),
    () => parts.list(),
    () => parts.part(flag),
    () => parts.part(optional(json.permission)),
  ]);
  return () => {
    const allEntries = parts.takeEntries().filter((entry: Entry) => entry !== rootEntry);
    const body = { treeId, rootEntry, allEntries, keyApproved, grantedPermission };
    return { type: "Bootstrap", body };
  };
}

function* incremental(parts: Parts): Steps<Finish<ReceivedResponse>> {
  const [treeId, theirTips] = yield* parts.struct(INCREMENTAL, [
    () => parts.part(id),
    () => parts.part(ids),
    () => parts.list(),
  ]);
  return () => {
    const body = { treeId, theirTips, missingEntries: parts.takeEntries() };
    return { type: "Incremental", body };
  };
}

/** Steps to the payload of a message. */
function openMessage<Name extends string>(reader: JsonBytes, names: readonly Name[]): Name {
  const number = openVariant(reader, names, "a message");
  return number < 0 ? reader.unlike("a message without a payload") : names[number]!;
}

/** Steps over the one response that is just a text; anything else is left. */
function acceptAck(reader: JsonBytes): boolean {
  if (reader.peek() < 0) reader.fail("a message is missing");
  if (reader.peek() !== QUOTE) return false;
  const number = -1 - openVariant(reader, RESPONSES, "a message");
  return RESPONSES[number] === "Ack" || reader.unlike("a message without a payload");
}

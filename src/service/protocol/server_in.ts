import type { VerificationStatus, WriteSource } from "../../backend/backend.ts";
import type { Entry } from "../../entry/entry.ts";
import { bytes, id, ids, text } from "../../entry/json_values.ts";
import { EntryError } from "../../util/errors.ts";
import type { JsonBytes } from "../../util/json_bytes.ts";
import { listOf, Members, optional, type ReadJson, readStruct } from "../../util/json_struct.ts";
import type { Features } from "./features.ts";
import type {
  DatabaseWrite,
  LoginChallenge,
  ParentHeight,
  ReceivedResponse,
  ReceivedServerFrame,
  Submitted,
  TransactionContext,
  WireError,
} from "./messages.ts";
import { blob, entry as entryOrError, PayloadReader } from "./payloads.ts";
import { metadata, snapshot } from "./values.ts";
import { Choices, Unit } from "./variants.ts";
import { decoding } from "./wire_error.ts";

const CONTEXT = new Members("the context of a transaction", [
  ...["main_parents", "subtree_parents", "settings_tips", "settings_value"],
]);
const MERGE_STATE = new Members("a merge", ["merge_base", "path"]);
const ERROR = new Members("an error", ["module", "kind", "message", "error??"]);
const LOGIN = new Members("a challenge", ["challenge", "user_uuid", "user_info"]);
const CHALLENGE = new Members("a challenge", ["challenge"]);
const SUBMITTED = new Members("a verdict", ["status", "reason?", "verified_tips"]);
const WRITE = new Members("a write", [
  ...["root_id", "previous_tips", "post_tips", "source", "verified_tips??", "entries??"],
]);
const REPLY = new Members("a reply", ["id", "response"]);

const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;

const entry: ReadJson<Entry> = (reader) => {
  const read = entryOrError(reader);
  return read instanceof EntryError ? reader.unlike(read.message) : read;
};

const entries = listOf("a list of entries", entry);

const status = new Choices<VerificationStatus>("a verdict", {
  Verified: new Unit("Verified"),
  Failed: new Unit("Failed"),
  Unverified: new Unit("Unverified"),
});

function json(reader: JsonBytes): string {
  return reader.raw();
}

const parents = listOf("a list of parents", (reader): ParentHeight => {
  if (!reader.array("a parent")) return reader.unlike("a parent without an ID");
  const parent = id(reader);
  if (!reader.more()) return reader.unlike("a parent without a height");
  const height = reader.smallUint(Number.MAX_SAFE_INTEGER, "a height");
  return reader.more() ? reader.unlike("a parent of three values") : [parent, height];
});

function parentsByStore(reader: JsonBytes): Map<string, ParentHeight[]> {
  const stores = new Map<string, ParentHeight[]>();
  if (!reader.accept(OPEN_BRACE)) return reader.mismatch("parents by store");
  if (reader.accept(CLOSE_BRACE)) return stores;
  do {
    const store = text(reader);
    reader.expect(COLON);
    stores.set(store, parents(reader));
  } while (reader.more(CLOSE_BRACE));
  return stores;
}

function context(reader: JsonBytes): TransactionContext {
  const [mainParents, subtreeParents, settingsTips, settingsValue] = //
    readStruct(reader, CONTEXT, parents, parentsByStore, ids, json);
  return { mainParents, subtreeParents, settingsTips, settingsValue };
}

function wireError(reader: JsonBytes): WireError {
  const [module, kind, message, error] = readStruct(reader, ERROR, text, text, text, json);
  return { module, kind, message, error };
}

function login(reader: JsonBytes): LoginChallenge {
  const [challenge, userUuid, userInfo] = readStruct(reader, LOGIN, bytes, text, json);
  return { challenge, userUuid, userInfo };
}

function submitted(reader: JsonBytes): Submitted {
  const [verdict, reason, verifiedTips] = //
    readStruct(reader, SUBMITTED, status.read, optional(text), snapshot);
  return { status: verdict, reason, verifiedTips };
}

const response = new Choices<ReceivedResponse>("a response", {
  Entry: (reader) => ({ type: "Entry", entry: entry(reader) }),
  Entries: (reader) => ({ type: "Entries", entries: entries(reader) }),
  Ids: (reader) => ({ type: "Ids", ids: ids(reader) }),
  Ok: new Unit({ type: "Ok" }),
  TransactionContext: (reader) => ({ type: "TransactionContext", context: context(reader) }),
  CrdtValue: (reader) => ({ type: "CrdtValue", json: json(reader) }),
  MergeState: (reader) => {
    const [mergeBase, path] = readStruct(reader, MERGE_STATE, id, ids);
    return { type: "MergeState", mergeBase, path };
  },
  InstanceMetadata: (reader) => {
    return { type: "InstanceMetadata", metadata: optional(metadata)(reader) };
  },
  CachedCrdtState: (reader) => ({ type: "CachedCrdtState", blob: optional(blob)(reader) }),
  Error: (reader) => ({ type: "Error", error: wireError(reader) }),
  TrustedLoginChallenge: (reader) => ({ type: "TrustedLoginChallenge", login: login(reader) }),
  TrustedLoginOk: new Unit({ type: "TrustedLoginOk" }),
  SessionKeyChallenge: (reader) => {
    return { type: "SessionKeyChallenge", challenge: readStruct(reader, CHALLENGE, bytes)[0] };
  },
  Submitted: (reader) => ({ type: "Submitted", submitted: submitted(reader) }),
});

/** Sources that are not known yet are remote ones: what matters is that it was not this process. */
function source(reader: JsonBytes): WriteSource {
  const isText = reader.peek() !== OPEN_BRACE && reader.peek() !== OPEN_BRACKET;
  if (isText) return reader.string("a source") === "Local" ? "local" : "remote";
  reader.skip();
  return "remote";
}

const write: ReadJson<DatabaseWrite<Entry>> = (reader) => {
  const [rootId, previousTips, postTips, from, verifiedTips, added] = //
    readStruct(reader, WRITE, id, snapshot, snapshot, source, snapshot, entries);
  return { rootId, previousTips, postTips, source: from, verifiedTips, entries: added };
};

const notification = new Choices("a notification", { DatabaseWrite: write });

const frame = new Choices<ReceivedServerFrame>("a message", {
  Response: (reader) => ({ type: "Response", response: response.read(reader) }),
  Notification: (reader) => ({ type: "Notification", write: notification.read(reader) }),
  Reply: (reader) => {
    const number = () => reader.smallUint(Number.MAX_SAFE_INTEGER, "a number");
    const [at, value] = readStruct(reader, REPLY, number, response.read);
    return { type: "Reply", id: at, response: value };
  },
  Closing: (reader) => ({ type: "Closing", error: wireError(reader) }),
});

/** Reads what a server sends, by the features that were agreed on. Throws `ServiceError` `Undecodable`. */
export function decodeServerFrame(payload: Uint8Array, features: Features): ReceivedServerFrame {
  return decoding("an answer", () => {
    const reader = PayloadReader.of(payload, features.has("binary"));
    const read = frame.read(reader);
    reader.end();
    return read;
  });
}

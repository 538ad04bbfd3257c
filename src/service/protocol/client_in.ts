import { bytes, id, ids, key, text } from "../../entry/json_values.ts";
import type { JsonBytes } from "../../util/json_bytes.ts";
import { listOf, Members, optional, type ReadJson, readStruct } from "../../util/json_struct.ts";
import type { Features } from "./features.ts";
import type {
  ClientFrame,
  DatabaseOp,
  ReadScope,
  ReceivedEntry,
  ReceivedRequest,
} from "./messages.ts";
import { blob, entry, PayloadReader } from "./payloads.ts";
import { identity, metadata, snapshot } from "./values.ts";
import { Choices, Unit } from "./variants.ts";
import { decoding } from "./wire_error.ts";

type Op = DatabaseOp<ReceivedEntry>;
type Frame = ClientFrame<ReceivedRequest>;

const USERNAME = new Members("a login", ["username"]);
const SIGNATURE = new Members("a proof", ["signature"]);
const PUBKEY = new Members("a session key", ["pubkey"]);
const REGISTER = new Members("a registration", ["pubkey", "signature"]);
const DB = new Members("a database request", ["root_id", "identity", "op"]);
const REQUEST = new Members("a request", ["id", "deadline_ms?", "request"]);
const CANCEL = new Members("a cancellation", ["id"]);
const BEGIN = new Members("a beginning", ["stores", "scope"]);
const SUBMIT = new Members("a submit", ["entry", "alone??"]);
const STORE = new Members("a store", ["store"]);
const STORE_ENTRIES = new Members("a read of entries", ["store", "tips", "scope"]);
const STORE_TIPS = new Members("a read of tips", ["store", "up_to"]);
const MERGE = new Members("a merge", ["store", "entry_ids"]);
const ONE = new Members("a read of an entry", ["id"]);
const MANY = new Members("a read of entries", ["ids"]);
const CACHED = new Members("a read of a state", ["store", "key"]);
const CACHE = new Members("a state", ["store", "key", "blob"]);
const SET_METADATA = new Members("new metadata", ["metadata"]);
const SUBSCRIBE = new Members("a subscription", ["tips"]);

const scope = new Choices<ReadScope>("a scope", {
  Verified: new Unit("Verified"),
  AllowUnverified: new Unit("AllowUnverified"),
});

const OPERATIONS: Readonly<Record<string, ReadJson<Op> | Unit<Op>>> = {
  BeginTransaction: (reader) => {
    const [stores, level] = readStruct(reader, BEGIN, listOf("a list of stores", text), scope.read);
    return { type: "BeginTransaction", stores, scope: level };
  },
  SubmitSignedEntry: (reader) => {
    const [submitted, alone] = readStruct(reader, SUBMIT, entry, snapshot);
    return { type: "SubmitSignedEntry", entry: submitted, alone };
  },
  GetVerifiedTips: new Unit({ type: "GetVerifiedTips" }),
  GetStoreState: (reader) => {
    return { type: "GetStoreState", store: readStruct(reader, STORE, text)[0] };
  },
  GetStoreEntries: (reader) => {
    const [store, tips, level] = readStruct(reader, STORE_ENTRIES, text, ids, scope.read);
    return { type: "GetStoreEntries", store, tips, scope: level };
  },
  GetStoreTipsUpToEntries: (reader) => {
    const [store, upTo] = readStruct(reader, STORE_TIPS, text, snapshot);
    return { type: "GetStoreTipsUpToEntries", store, upTo };
  },
  ComputeMergeState: (reader) => {
    const [store, entryIds] = readStruct(reader, MERGE, text, ids);
    return { type: "ComputeMergeState", store, entryIds };
  },
  GetEntry: (reader) => ({ type: "GetEntry", id: readStruct(reader, ONE, id)[0] }),
  GetCachedCrdtState: (reader) => {
    const [store, at] = readStruct(reader, CACHED, text, id);
    return { type: "GetCachedCrdtState", store, key: at };
  },
  CacheCrdtState: (reader) => {
    const [store, at, state] = readStruct(reader, CACHE, text, id, blob);
    return { type: "CacheCrdtState", store, key: at, blob: state };
  },
  SetInstanceMetadata: (reader) => {
    return { type: "SetInstanceMetadata", metadata: readStruct(reader, SET_METADATA, metadata)[0] };
  },
  SubscribeWrites: (reader) => {
    return { type: "SubscribeWrites", tips: readStruct(reader, SUBSCRIBE, snapshot)[0] };
  },
  UnsubscribeWrites: new Unit({ type: "UnsubscribeWrites" }),
};

const operation = new Choices<Op>("an operation", OPERATIONS);
const operationOrBatch = new Choices<Op>("an operation", {
  ...OPERATIONS,
  GetEntries: (reader) => ({ type: "GetEntries", ids: readStruct(reader, MANY, ids)[0] }),
});

type Requests = Readonly<Record<string, ReadJson<ReceivedRequest> | Unit<ReceivedRequest>>>;

function requests(readOperation: ReadJson<Op>): Requests {
  return {
    TrustedLoginUser: (reader) => {
      return { type: "TrustedLoginUser", username: readStruct(reader, USERNAME, text)[0] };
    },
    TrustedLoginProve: (reader) => {
      return { type: "TrustedLoginProve", signature: readStruct(reader, SIGNATURE, bytes)[0] };
    },
    GetInstanceMetadata: new Unit({ type: "GetInstanceMetadata" }),
    SessionKeyChallenge: (reader) => {
      return { type: "SessionKeyChallenge", pubkey: readStruct(reader, PUBKEY, key)[0] };
    },
    SessionKeyRegister: (reader) => {
      const [pubkey, signature] = readStruct(reader, REGISTER, key, bytes);
      return { type: "SessionKeyRegister", pubkey, signature };
    },
    AuthenticatedDb: (reader) => {
      const [rootId, signer, op] = readStruct(reader, DB, id, identity, readOperation);
      return { type: "AuthenticatedDb", rootId, identity: signer, op };
    },
  };
}

/** The frames of a client that agreed on these features. */
function frames(batches: boolean, wrapped: boolean): Choices<Frame> {
  const choices = requests((batches ? operationOrBatch : operation).read);
  const plain = Object.entries(choices).map(([name, choice]) => [name, plainFrame(choice)]);
  const extra = wrapped ? wrappers(new Choices("a request", choices).read) : {};
  return new Choices<Frame>("a request", { ...Object.fromEntries(plain), ...extra });
}

function plainFrame(choice: ReadJson<ReceivedRequest> | Unit<ReceivedRequest>) {
  if (choice instanceof Unit) return new Unit<Frame>({ type: "Plain", request: choice.value });
  return (reader: JsonBytes): Frame => ({ type: "Plain", request: choice(reader) });
}

function wrappers(read: ReadJson<ReceivedRequest>): Record<string, ReadJson<Frame>> {
  return {
    Request: (reader) => {
      const [at, deadlineMs, request] = readStruct(reader, REQUEST, number, optional(number), read);
      return { type: "Request", id: at, deadlineMs, request };
    },
    Cancel: (reader) => ({ type: "Cancel", id: readStruct(reader, CANCEL, number)[0] }),
  };
}

function number(reader: JsonBytes): number {
  return reader.smallUint(Number.MAX_SAFE_INTEGER, "a number");
}

const READERS = [false, true].map((batches) =>
  [false, true].map((wrapped) => frames(batches, wrapped))
);

/**
 * Reads what a client sends, by the features that were agreed on. Throws `ServiceError` `Undecodable`. An entry
 * that can have no canonical bytes is no reason for that: it is given as the error that says why.
 */
export function decodeClientFrame(payload: Uint8Array, features: Features): Frame {
  return decoding("a request", () => {
    const reader = PayloadReader.of(payload, features.has("binary"));
    const choices = READERS[Number(features.has("batches"))]![Number(features.has("requests"))]!;
    const frame = choices.read(reader);
    reader.end();
    return frame;
  });
}

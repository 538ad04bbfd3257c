import { quoteJson } from "../../util/json64.ts";
import type { Features } from "./features.ts";
import type { ClientFrame, DatabaseOp, ServiceRequest } from "./messages.ts";
import { PayloadWriter } from "./payloads.ts";
import { idsJson, metadataJson } from "./values.ts";

/** The payload of what a client sends, by the features that were agreed on. */
export function encodeClientFrame(frame: ClientFrame, features: Features): Uint8Array {
  const out = new PayloadWriter(features.has("binary"));
  if (frame.type === "Plain") request(out, frame.request);
  else if (frame.type === "Cancel") out.json(`{"Cancel":{"id":${frame.id}}}`);
  else {
    out.json(`{"Request":{"id":${frame.id},`);
    if (frame.deadlineMs !== undefined) out.json(`"deadline_ms":${frame.deadlineMs},`);
    out.json('"request":');
    request(out, frame.request);
    out.json("}}");
  }
  return out.take();
}

function request(out: PayloadWriter, value: ServiceRequest): void {
  switch (value.type) {
    case "GetInstanceMetadata":
      return out.json('"GetInstanceMetadata"');
    case "TrustedLoginUser":
      return out.json(`{"TrustedLoginUser":{"username":${quoteJson(value.username)}}}`);
    case "TrustedLoginProve":
      return out.json(`{"TrustedLoginProve":{"signature":[${value.signature.join(",")}]}}`);
    case "SessionKeyChallenge":
      return out.json(`{"SessionKeyChallenge":{"pubkey":"${value.pubkey}"}}`);
    case "SessionKeyRegister": {
      const { pubkey, signature } = value;
      const body = `{"pubkey":"${pubkey}","signature":[${signature.join(",")}]}`;
      return out.json(`{"SessionKeyRegister":${body}}`);
    }
    case "AuthenticatedDb":
      out.json(`{"AuthenticatedDb":{"root_id":"${value.rootId}","identity":`);
      out.json(`${JSON.stringify(value.identity)},"op":`);
      operation(out, value.op);
      return out.json("}}");
  }
}

function operation(out: PayloadWriter, op: DatabaseOp): void {
  switch (op.type) {
    case "SubmitSignedEntry":
      out.json('{"SubmitSignedEntry":{"entry":');
      out.entry(op.entry);
      if (op.alone !== undefined) out.json(`,"alone":${idsJson(op.alone.tips)}`);
      return out.json("}}");
    case "CacheCrdtState":
      out.json(`{"CacheCrdtState":{"store":${quoteJson(op.store)},"key":"${op.key}","blob":`);
      out.blob(op.blob);
      return out.json("}}");
    default: {
      const body = members(op);
      return out.json(body === undefined ? `"${op.type}"` : `{"${op.type}":{${body}}}`);
    }
  }
}

type PlainOp = Exclude<DatabaseOp, { type: "SubmitSignedEntry" | "CacheCrdtState" }>;

/** The members of an operation; undefined when it has none. */
function members(op: PlainOp): string | undefined {
  switch (op.type) {
    case "BeginTransaction":
      return `"stores":[${op.stores.map(quoteJson).join(",")}],"scope":"${op.scope}"`;
    case "GetStoreState":
      return store(op);
    case "GetStoreEntries":
      return `${store(op)},"tips":${idsJson(op.tips)},"scope":"${op.scope}"`;
    case "GetStoreTipsUpToEntries":
      return `${store(op)},"up_to":${idsJson(op.upTo.tips)}`;
    case "ComputeMergeState":
      return `${store(op)},"entry_ids":${idsJson(op.entryIds)}`;
    case "GetEntry":
      return `"id":"${op.id}"`;
    case "GetEntries":
      return `"ids":${idsJson(op.ids)}`;
    case "GetCachedCrdtState":
      return `${store(op)},"key":"${op.key}"`;
    case "SetInstanceMetadata":
      return `"metadata":${metadataJson(op.metadata)}`;
    case "SubscribeWrites":
      return `"tips":${idsJson(op.tips.tips)}`;
    case "GetVerifiedTips":
    case "UnsubscribeWrites":
      return undefined;
  }
}

function store(op: { readonly store: string }): string {
  return `"store":${quoteJson(op.store)}`;
}

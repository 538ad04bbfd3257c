import { compareNames } from "../../entry/entry_codec.ts";
import { quoteJson } from "../../util/json64.ts";
import type { Features } from "./features.ts";
import type {
  DatabaseWrite,
  LoginChallenge,
  ParentHeight,
  ServerFrame,
  ServiceResponse,
  Submitted,
  TransactionContext,
  WireError,
} from "./messages.ts";
import { PayloadWriter } from "./payloads.ts";
import { idsJson, metadataJson } from "./values.ts";

/** The payload of what a server sends, by the features that were agreed on. */
export function encodeServerFrame(frame: ServerFrame, features: Features): Uint8Array {
  const out = new PayloadWriter(features.has("binary"));
  switch (frame.type) {
    case "Response":
      out.json('{"Response":');
      response(out, frame.response);
      out.json("}");
      break;
    case "Reply":
      out.json(`{"Reply":{"id":${frame.id},"response":`);
      response(out, frame.response);
      out.json("}}");
      break;
    case "Notification":
      out.json('{"Notification":{"DatabaseWrite":');
      databaseWrite(out, frame.write);
      out.json("}}");
      break;
    case "Closing":
      out.json(`{"Closing":${wireError(frame.error)}}`);
  }
  return out.take();
}

function databaseWrite(out: PayloadWriter, write: DatabaseWrite): void {
  const { rootId, previousTips, postTips, source, verifiedTips, entries } = write;
  const from = idsJson(previousTips.tips);
  const to = idsJson(postTips.tips);
  out.json(`{"root_id":"${rootId}","previous_tips":${from},"post_tips":${to}`);
  out.json(`,"source":"${source === "local" ? "Local" : "Remote"}"`);
  if (verifiedTips !== undefined) out.json(`,"verified_tips":${idsJson(verifiedTips.tips)}`);
  if (entries !== undefined) {
    out.json(',"entries":');
    out.entries(entries);
  }
  out.json("}");
}

function response(out: PayloadWriter, value: ServiceResponse): void {
  const isUnit = value.type === "Ok" || value.type === "TrustedLoginOk";
  if (isUnit) return out.json(`"${value.type}"`);
  out.json(`{"${value.type}":`);
  body(out, value);
  out.json("}");
}

type WithBody = Exclude<ServiceResponse, { type: "Ok" | "TrustedLoginOk" }>;

function body(out: PayloadWriter, value: WithBody): void {
  switch (value.type) {
    case "Entry":
      return out.entry(value.entry);
    case "Entries":
      return out.entries(value.entries);
    case "CachedCrdtState":
      return value.blob === undefined ? out.json("null") : out.blob(value.blob);
    default:
      return out.json(bodyJson(value));
  }
}

function bodyJson(
  value: Exclude<WithBody, { type: "Entry" | "Entries" | "CachedCrdtState" }>,
): string {
  switch (value.type) {
    case "Ids":
      return idsJson(value.ids);
    case "TransactionContext":
      return transactionContext(value.context);
    case "CrdtValue":
      return value.json;
    case "MergeState":
      return `{"merge_base":"${value.mergeBase}","path":${idsJson(value.path)}}`;
    case "InstanceMetadata":
      return value.metadata === undefined ? "null" : metadataJson(value.metadata);
    case "Error":
      return wireError(value.error);
    case "TrustedLoginChallenge":
      return loginChallenge(value.login);
    case "SessionKeyChallenge":
      return `{"challenge":[${value.challenge.join(",")}]}`;
    case "Submitted":
      return submitted(value.submitted);
  }
}

function transactionContext(context: TransactionContext): string {
  const stores = [...context.subtreeParents].sort(([a], [b]) => compareNames(a, b))
    .map(([store, parents]) => `${quoteJson(store)}:${heights(parents)}`);
  const { mainParents, settingsTips, settingsValue } = context;
  return `{"main_parents":${heights(mainParents)},"subtree_parents":{${stores.join(",")}},` +
    `"settings_tips":${idsJson(settingsTips)},"settings_value":${settingsValue}}`;
}

function heights(parents: readonly ParentHeight[]): string {
  return `[${parents.map(([id, height]) => `["${id}",${height}]`).join(",")}]`;
}

function loginChallenge({ challenge, userUuid, userInfo }: LoginChallenge): string {
  const uuid = quoteJson(userUuid);
  return `{"challenge":[${challenge.join(",")}],"user_uuid":${uuid},"user_info":${userInfo}}`;
}

function submitted({ status, reason, verifiedTips }: Submitted): string {
  const why = reason === undefined ? "null" : quoteJson(reason);
  const tips = idsJson(verifiedTips.tips);
  return `{"status":"${status}","reason":${why},"verified_tips":${tips}}`;
}

function wireError({ module, kind, message, error }: WireError): string {
  const known = `"module":${quoteJson(module)},"kind":${quoteJson(kind)}`;
  const extra = error === undefined ? "" : `,"error":${error}`;
  return `{${known},"message":${quoteJson(message)}${extra}}`;
}

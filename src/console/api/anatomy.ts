import { operationOf, permits, validateEntry, type Verdict } from "../../auth/validate.ts";
import type { AuthSettings } from "../../auth/settings.ts";
import type { LocalBackend } from "../../backend/local.ts";
import { currentAuth } from "../../database/access.ts";
import type { Database } from "../../database/database.ts";
import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import { Snapshot } from "../../entry/snapshot.ts";
import { EntryMetadata } from "../../entry/metadata.ts";
import { delegatedSettings } from "../../settings/delegated_settings.ts";
import { authAt } from "../../settings/pinned_settings.ts";
import { EideticaError } from "../../util/errors.ts";
import { fromUtf8 } from "../../util/bytes.ts";
import { tryRead } from "../../util/try_read.ts";
import type { NodeContext } from "../router.ts";
import { entryLine } from "./entry_line.ts";
import { cutText } from "./values.ts";

/** Most characters of what an entry changed in one store. */
const MAX_DELTA = 4096;

/** One entry in parts: what it is, what it changed, and whether its author might do that, then and today. */
export async function anatomy(
  { instance }: NodeContext,
  database: Database,
  entry: Entry,
): Promise<unknown> {
  const { backend } = instance.host;
  const held = await Promise.all(entry.parents.map((id) => backend.hasEntry(id)));
  const pin = pinOf(entry);
  return {
    ...entryLine(entry),
    status: await backend.getVerificationStatus(entry.id),
    missing_parents: entry.parents.filter((_, at) => !held[at]).map(String),
    is_root: entry.isRoot,
    is_signed: entry.sig.hasSignature,
    pin: pin?.map(String) ?? null,
    changes: entry.subtrees.map((name) => changeOf(entry, name)),
    verdict: await verdict(instance.host, database, entry, pin),
  };
}

/** The rules that an entry names; undefined where what should name them means nothing. */
function pinOf({ metadata }: Entry): readonly ID[] | undefined {
  if (metadata === undefined) return [];
  return tryRead(() => EntryMetadata.parse(metadata))?.settingsTips.tips;
}

function changeOf(entry: Entry, store: string): unknown {
  const data = entry.findData(store);
  const parents = entry.subtreeParents(store).map(String);
  const line = { store, parents, height: entry.subtreeHeight(store) };
  if (data === undefined) return line;
  return { ...line, bytes: data.length, text: textOf(data) };
}

/** What is no text is encrypted, or belongs to a kind of store that nobody here knows. */
function textOf(data: Uint8Array): unknown {
  try {
    return cutText(fromUtf8(data), MAX_DELTA);
  } catch {
    return null;
  }
}

/**
 * Why an entry has its verdict: the rules that it names, and what they said of its author; and what the rules of today say,
 * which changes no verdict.
 */
async function verdict(
  host: NodeContext["instance"]["host"],
  database: Database,
  entry: Entry,
  pin: readonly ID[] | undefined,
): Promise<unknown> {
  const { backend } = host;
  const operation = operationOf(entry);
  const today = await judged(backend, entry, await currentAuth(host, database.rootId));
  if (entry.isRoot || pin === undefined) return { operation, then: null, today };
  const rules = await authAt(backend, backend.states, database.rootId, Snapshot.of(pin))
    .catch((error) => unlessOurs(error));
  const then = rules === undefined ? null : await judged(backend, entry, rules);
  return { operation, then, today };
}

function unlessOurs(error: unknown): undefined {
  if (error instanceof EideticaError) return undefined;
  throw error;
}

/** What some rules say of the author of an entry. */
async function judged(
  backend: LocalBackend,
  entry: Entry,
  rules: AuthSettings,
): Promise<unknown> {
  const result = await validateEntry(entry, rules, {
    delegatedSettings: (tree, claimed, floor) =>
      delegatedSettings(backend, undefined, tree, claimed, floor),
  });
  return said(result, entry);
}

function said(result: Verdict, entry: Entry): unknown {
  if (result.outcome === "undecided") {
    return { outcome: "undecided", missing: result.missing.map(String) };
  }
  if (result.outcome === "invalid") {
    const { code, message } = result.error;
    return { outcome: "invalid", code, message };
  }
  const permission = result.permission;
  return {
    outcome: "valid",
    permission: permission?.toString() ?? null,
    is_enough: permission === undefined || permits(permission, operationOf(entry)),
    key: result.key?.toString() ?? null,
  };
}

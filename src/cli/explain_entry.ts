import type { AuthSettings } from "../auth/settings.ts";
import { resolveHint } from "../auth/resolve.ts";
import { Database } from "../database/database.ts";
import type { Entry } from "../entry/entry.ts";
import { EntryMetadata } from "../entry/metadata.ts";
import type { ID } from "../entry/id.ts";
import { Snapshot } from "../entry/snapshot.ts";
import type { Instance } from "../instance/instance.ts";
import { tryRead } from "../util/try_read.ts";
import { shortId } from "./databases.ts";

/** One thing that an entry must fulfil. */
export interface Check {
  readonly check: string;
  /** Whether it does; null where it cannot be told, or was not looked at. */
  readonly ok: boolean | null;
  readonly detail: string;
}

const SETTINGS = "_settings";

/** What an entry must fulfil to count, in the order in which nodes look, up to the first that it does not. */
export async function checksOf(instance: Instance, entry: Entry): Promise<Check[]> {
  const checks: Check[] = [];
  for (const look of [form, parents, pin]) {
    checks.push(await look(instance, entry));
    if (checks.at(-1)!.ok !== true) return [...checks, ...rest(checks.length)];
  }
  const auth = await rulesOf(instance, entry);
  for (const look of [keyFound, keyActive, signature, permission]) {
    checks.push(look(auth, entry));
    if (checks.at(-1)!.ok !== true) return [...checks, ...rest(checks.length)];
  }
  return checks;
}

const NAMES = ["form", "parents", "pin", "key found", "key active", "signature", "permission"];

/** The checks that nobody has looked at. */
function rest(from: number): Check[] {
  return NAMES.slice(from).map((check) => ({ check, ok: null, detail: "not looked at" }));
}

function form(_instance: Instance, entry: Entry): Promise<Check> {
  const reason = entry.sig.malformedReason;
  const detail = reason ?? `canonical bytes, ${entry.bytes.length} of them`;
  return Promise.resolve({ check: "form", ok: reason === undefined, detail });
}

/** How many of the IDs are held and Verified. */
async function held(
  instance: Instance,
  ids: readonly ID[],
): Promise<{ ok: boolean | null; missing: ID[]; failed: ID[]; waiting: ID[] }> {
  const missing: ID[] = [];
  const failed: ID[] = [];
  const waiting: ID[] = [];
  for (const id of ids) {
    if (!await instance.backend.hasEntry(id)) missing.push(id);
    else {
      const status = await instance.backend.getVerificationStatus(id);
      if (status === "Failed") failed.push(id);
      if (status === "Unverified") waiting.push(id);
    }
  }
  const isOpen = missing.length + waiting.length > 0;
  return { ok: failed.length > 0 ? false : isOpen ? null : true, missing, failed, waiting };
}

async function parents(instance: Instance, entry: Entry): Promise<Check> {
  const check = "parents";
  if (entry.isRoot) return { check, ok: true, detail: "none: it is the root" };
  const { ok, missing, failed, waiting } = await held(instance, entry.parents);
  const total = entry.parents.length;
  if (failed.length > 0) return { check, ok, detail: `${names(failed)} failed` };
  if (missing.length > 0) return { check, ok, detail: `${names(missing)} is not here` };
  if (waiting.length > 0) return { check, ok, detail: `${names(waiting)} waits itself` };
  return { check, ok, detail: `${total} of ${total} held and Verified` };
}

function names(ids: readonly ID[]): string {
  return ids.map(shortId).join(", ");
}

function pinOf(entry: Entry): Snapshot | undefined {
  const { metadata } = entry;
  return metadata && tryRead(() => EntryMetadata.parse(metadata))?.settingsTips;
}

async function pin(instance: Instance, entry: Entry): Promise<Check> {
  const check = "pin";
  const tips = pinOf(entry)?.tips;
  if (entry.isRoot) return { check, ok: true, detail: "none: the root brings its own settings" };
  if (tips === undefined || tips.length === 0) {
    return { check, ok: false, detail: "it names no settings that it stands under" };
  }
  const { ok, missing, failed, waiting } = await held(instance, tips);
  if (failed.length > 0) return { check, ok, detail: `the settings ${names(failed)} failed` };
  if (missing.length > 0) {
    return { check, ok, detail: `the settings ${names(missing)} are not here` };
  }
  if (waiting.length > 0) return { check, ok, detail: `the settings ${names(waiting)} wait` };
  return { check, ok, detail: `${names(tips)}, complete` };
}

/** The rights under which an entry was written. */
async function rulesOf(instance: Instance, entry: Entry): Promise<AuthSettings> {
  const root = entry.root ?? entry.id;
  const database = await Database.open(instance, root);
  const at = entry.isRoot ? Snapshot.of([entry.id]) : pinOf(entry)!;
  return await (await database.newTransaction({ at })).viewSettings().authSnapshot();
}

/** The key that an entry names, as its settings know it; delegations are left to the verdict. */
function resolved(auth: AuthSettings, entry: Entry) {
  const { key } = entry.sig;
  return key.path === undefined ? tryRead(() => resolveHint(auth, key.hint)) : undefined;
}

function keyFound(auth: AuthSettings, entry: Entry): Check {
  const check = "key found";
  const who = entry.sig.key.displayId();
  if (entry.sig.key.path !== undefined) {
    return { check, ok: null, detail: `${who} by a delegation, which other databases decide` };
  }
  const found = resolved(auth, entry);
  if (found === undefined || found.length === 0) {
    return {
      check,
      ok: false,
      detail: `${who} is not listed in the settings that it stands under`,
    };
  }
  return { check, ok: true, detail: who };
}

function keyActive(auth: AuthSettings, entry: Entry): Check {
  const check = "key active";
  const found = resolved(auth, entry)!;
  return found.some(({ status }) => status === "Active")
    ? { check, ok: true, detail: "it counts in the settings that it stands under" }
    : { check, ok: false, detail: "it was revoked in the settings that the entry itself names" };
}

function signature(auth: AuthSettings, entry: Entry): Check {
  const check = "signature";
  const isSigned = resolved(auth, entry)!.some(({ publicKey }) =>
    tryRead(() => entry.verifySignature(publicKey)) === true
  );
  const detail = isSigned ? "it was made with that key" : "it was not made with that key";
  return { check, ok: isSigned, detail };
}

function permission(auth: AuthSettings, entry: Entry): Check {
  const check = "permission";
  const [best] = resolved(auth, entry)!.filter(({ status }) => status === "Active");
  const right = best!.permission;
  const needsAdmin = entry.subtrees.includes(SETTINGS);
  const ok = needsAdmin ? right.canAdmin() : right.canWrite();
  const wants = needsAdmin ? "Admin, since it changes settings" : "Write";
  return { check, ok, detail: ok ? right.display() : `${right.display()}, and it needs ${wants}` };
}

import type { SettingsReader } from "../auth/port.ts";
import { AuthSettings } from "../auth/settings.ts";
import { judge, type Verdict } from "../auth/validate.ts";
import { Doc } from "../crdt/doc.ts";
import type { EntryBuilder } from "../entry/builder.ts";
import { INDEX, SETTINGS } from "../entry/constants.ts";
import { Entry } from "../entry/entry.ts";
import { ID } from "../entry/id.ts";
import { EntryMetadata } from "../entry/metadata.ts";
import { SigInfo } from "../entry/sig_info.ts";
import { Snapshot } from "../entry/snapshot.ts";
import { delegatedSettings } from "../settings/delegated_settings.ts";
import {
  peekRules,
  type PinnedRules,
  rulesAt,
  settingsFault,
} from "../settings/pinned_settings.ts";
import { TransactionError } from "../util/errors.ts";
import { requireEntrySize } from "./entry_size.ts";
import { peekHeights, readHeights, setHeights } from "./heights.ts";
import type { StagedStore } from "./staged_store.ts";
import type { Transaction } from "./transaction.ts";

/**
 * The entry that a transaction becomes: built, signed and judged. All that it needs is usually in
 * memory; then nothing is waited for.
 */
export async function buildEntry(transaction: Transaction): Promise<Entry> {
  const { key } = transaction.base;
  if (key === undefined) throw noKey(transaction);
  const pin = peekPin(transaction) ?? await readPin(transaction);
  const { settings, auth } = peekPinned(transaction, pin) ?? await readPinned(transaction, pin);
  const staged = stagedSettings(transaction);
  const merged = staged === undefined ? settings : soundSettings(auth, settings.merge(staged));
  const parts = peekParts(transaction) ?? await readParts(transaction);
  requireEntrySize(transaction.base.tree, parts);
  const builder = newBuilder(transaction, parts);
  const time = writtenTime(transaction, merged);
  builder.setMetadata(new EntryMetadata(pin, transaction.base.entropy, time).encode());
  builder.setSig(new SigInfo(key.identity));
  const heights = peekHeights(transaction, builder) ?? await readHeights(transaction, builder);
  setHeights(transaction, builder, merged, heights);
  const entry = builder.build().sign(key.signingKey);
  const rules = entry.isRoot ? ownAuth(merged) : auth;
  const verdict = judgeOwn(transaction, entry, rules);
  requireValid(transaction, verdict instanceof Promise ? await verdict : verdict, rules);
  return entry;
}

const NO_NAMES: ReadonlySet<string> = new Set();

function noKey({ base: { tree } }: Transaction): TransactionError {
  return new TransactionError(
    "AuthenticationRequired",
    `Cannot commit to database "${tree}" without a key: this handle can only read, attach one with \`withKey\``,
  );
}

/**
 * The settings entries that the new entry names as the ground it stands on: the newest Verified ones,
 * and those below parents that are not judged yet, since a pin covers all that its history has seen.
 */
async function readPin(transaction: Transaction): Promise<Snapshot> {
  const { tree, host, parents } = transaction.base;
  if (tree === undefined) return Snapshot.EMPTY;
  const { backend } = host;
  const seen = await backend.tips.seen(tree);
  const beyond: ID[] = [];
  for (const id of parents.tips) {
    const status = await backend.getVerificationStatus(id);
    if (status === "Failed") throw failedParent(id);
    if (status === "Unverified") beyond.push(id);
  }
  const main = beyond.length === 0 ? seen : Snapshot.of([...seen.tips, ...beyond]);
  return await backend.storeSnapshotAt(tree, SETTINGS, main);
}

/** As {@link readPin}, for an entry on the Verified frontier, if that is in memory. */
function peekPin({ base: { tree, host, parents } }: Transaction): Snapshot | undefined {
  if (tree === undefined) return Snapshot.EMPTY;
  const { tips } = host.backend;
  const seen = tips.peekSeen(tree);
  return seen?.equals(parents) ? tips.peekStoreAt(tree, SETTINGS, seen) : undefined;
}

function failedParent(id: ID): TransactionError {
  const reason = `its parent "${id}" is not valid, so no node would accept it; begin at other tips`;
  return new TransactionError("EntryValidationFailed", `Entry validation failed: ${reason}`, {
    fields: { reason },
  });
}

/** What the entry changes in the settings, whether it was staged as a document or as it is. */
function stagedSettings({ stores }: Transaction): Doc | undefined {
  const staged = stores.get(SETTINGS);
  return staged?.rawData === undefined
    ? staged?.delta as Doc | undefined
    : Doc.parseBytes(staged.rawData);
}

/** The time that the entry claims, if its database writes times. */
function writtenTime({ base }: Transaction, settings: Doc): number | undefined {
  return settings.peek("times") === true ? base.host.clock.nowMillis() : undefined;
}

/** Settings and access rules at the pin; none for the entry that creates a database. */
async function readPinned({ base }: Transaction, pin: Snapshot): Promise<PinnedRules> {
  const { tree, host: { backend } } = base;
  if (tree === undefined) return { settings: new Doc(), auth: AuthSettings.empty() };
  return await rulesAt(backend, backend.states, tree, pin);
}

/** As {@link readPinned}, if they are in memory. */
function peekPinned({ base }: Transaction, pin: Snapshot): PinnedRules | undefined {
  return base.tree && peekRules(base.host.backend.states, base.tree, pin);
}

/** The rules that a root entry brings with it. */
function ownAuth(settings: Doc): AuthSettings {
  const auth = settings.peek("auth");
  return auth instanceof Doc ? AuthSettings.fromDoc(auth) : AuthSettings.empty();
}

/** Refuses a change after which nobody could tell who may write (06 §6 step 3, 00 §B8). */
function soundSettings(auth: AuthSettings, settings: Doc): Doc {
  const fault = settingsFault(auth, settings);
  if (fault === undefined) return settings;
  throw new TransactionError(
    "CorruptedAuthConfiguration",
    `Cannot commit settings after which nobody could write: ${fault}`,
    { fields: { reason: fault } },
  );
}

/** What an entry says about one store. */
interface Part {
  readonly name: string;
  readonly data: Uint8Array | undefined;
  readonly parents: Snapshot;
}

/**
 * What was staged, store by store. Stores without data are left out, except those that this
 * transaction registers; those it registers without opening them are added (06 §6 steps 4 and 5).
 */
async function readParts(transaction: Transaction): Promise<Part[]> {
  const registered = registeredIn(transaction);
  const parts: Part[] = [];
  for (const name of new Set([...transaction.stores.keys(), ...registered])) {
    const staged = transaction.stores.get(name);
    if (staged?.isOpen) await staged.complete((type) => transaction.fullState(name, type));
    const data = staged?.encryptor === undefined ? staged?.data() : await encrypted(staged);
    if (isLeftOut(name, data, registered)) continue;
    parts.push({ name, data, parents: await transaction.storeParents(name) });
  }
  return parts;
}

/** As {@link readParts}, if nothing is to be registered, encrypted or read. */
function peekParts(transaction: Transaction): Part[] | undefined {
  if (transaction.staged(INDEX) !== undefined) return undefined;
  const parts: Part[] = [];
  for (const [name, staged] of transaction.stores) {
    if (staged.encryptor !== undefined || staged.isOpen) return undefined;
    const data = staged.data();
    if (isLeftOut(name, data, NO_NAMES)) continue;
    const parents = transaction.peekStoreParents(name);
    if (parents === undefined) return undefined;
    parts.push({ name, data, parents });
  }
  return parts;
}

function registeredIn(transaction: Transaction): ReadonlySet<string> {
  return new Set(transaction.staged<Doc>(INDEX)?.keys());
}

function isLeftOut(
  name: string,
  data: Uint8Array | undefined,
  registered: ReadonlySet<string>,
): boolean {
  return data === undefined ? !registered.has(name) : data.length === 0;
}

async function encrypted(staged: StagedStore): Promise<Uint8Array | undefined> {
  const data = staged.data();
  return data === undefined || data.length === 0 ? data : await staged.encryptor!.encrypt(data);
}

function newBuilder(
  { base: { tree, parents } }: Transaction,
  parts: readonly Part[],
): EntryBuilder {
  const builder = Entry.builder(tree ?? ID.EMPTY).setParents(parents);
  for (const { name, data, parents } of parts) {
    builder.setSubtreeParents(name, parents);
    if (data !== undefined) builder.setSubtreeData(name, data);
  }
  return builder;
}

/** Judges the entry as every other node will, against the settings that it pins. */
function judgeOwn(
  transaction: Transaction,
  entry: Entry,
  settings: AuthSettings,
): Verdict | Promise<Verdict> {
  const { backend } = transaction.base.host;
  const own = transaction.base.key!.publicKey;
  const reader: SettingsReader = {
    delegatedSettings: (...args) => delegatedSettings(backend, undefined, ...args),
  };
  // The signature was made a moment ago, so only the key it claims needs a check.
  return judge(entry, settings, reader, (key) => key.equals(own));
}

function requireValid({ base }: Transaction, verdict: Verdict, rules: AuthSettings): void {
  if (verdict.outcome === "valid") return;
  const cause = verdict.outcome === "invalid" ? verdict.error : undefined;
  const reason = String(cause?.fields.reason ?? cause?.message ?? NOT_HELD);
  const key = base.key!.publicKey.toString();
  const identity = base.key!.identity.displayId();
  const as = identity === key ? `"${key}"` : `"${key}" under the identity "${identity}"`;
  const isForAll = !base.key!.identity.isGlobal && rules.getGlobalPermission() !== undefined;
  const hint = isForAll ? `. ${FOR_ALL}` : "";
  const where = base.tree === undefined ? "a new database" : `database "${base.tree}"`;
  throw new TransactionError(
    "EntryValidationFailed",
    `Cannot commit to ${where} as ${as}: Entry validation failed: ${reason}${hint}`,
    { cause, fields: { reason, databaseId: base.tree, key } },
  );
}

const FOR_ALL = "What is granted to everyone is used with `withKey(DatabaseKey.global(key))`";
const NOT_HELD = "the settings of a delegated database are not held yet";

import { judge } from "../auth/validate.ts";
import { AuthSettings } from "../auth/settings.ts";
import { Doc } from "../crdt/doc.ts";
import { authAt, settingsAt, settingsFault } from "../settings/pinned_settings.ts";
import { delegatedSettings } from "../settings/delegated_settings.ts";
import { INDEX, SETTINGS } from "../entry/constants.ts";
import type { Entry } from "../entry/entry.ts";
import { EntryBuilder } from "../entry/builder.ts";
import type { ID } from "../entry/id.ts";
import { EntryMetadata } from "../entry/metadata.ts";
import { SigInfo } from "../entry/sig_info.ts";
import { Snapshot } from "../entry/snapshot.ts";
import { TransactionError } from "../util/errors.ts";
import { setHeights } from "./heights.ts";
import type { Transaction } from "./transaction.ts";

/** The entry that a transaction becomes: built, signed and judged (06 §6). */
export async function buildEntry(transaction: Transaction): Promise<Entry> {
  const { key } = transaction.base;
  if (key === undefined) {
    throw new TransactionError(
      "AuthenticationRequired",
      "Cannot commit without a key: this handle can only read, attach one with `withKey`",
    );
  }
  const pin = await pinnedTips(transaction);
  const { settings, auth } = await pinnedSettings(transaction, pin);
  const staged = stagedSettings(transaction);
  const merged = staged === undefined ? settings : soundSettings(auth, settings.merge(staged));
  const builder = await fillBuilder(transaction);
  builder.setMetadata(new EntryMetadata(pin, transaction.base.entropy).encode());
  builder.setSig(new SigInfo(key.identity));
  await setHeights(transaction, builder, merged);
  const entry = builder.build().sign(key.signingKey);
  await requireAuthority(transaction, entry, entry.isRoot ? ownAuth(merged) : auth);
  return entry;
}

/**
 * The settings entries that the new entry names as the ground it stands on: the newest Verified ones,
 * and those below parents that are not judged yet, since a pin covers all that its history has seen.
 */
async function pinnedTips(transaction: Transaction): Promise<Snapshot> {
  const { tree, host, parents } = transaction.base;
  if (tree === undefined) return Snapshot.EMPTY;
  const { backend } = host;
  const seen = await backend.seenSnapshot(tree);
  const beyond: ID[] = [];
  for (const id of parents.tips) {
    const status = await backend.getVerificationStatus(id);
    if (status === "Failed") throw failedParent(id);
    if (status === "Unverified") beyond.push(id);
  }
  const main = beyond.length === 0 ? seen : Snapshot.of([...seen.tips, ...beyond]);
  return await backend.storeSnapshotAt(tree, SETTINGS, main);
}

function failedParent(id: ID): TransactionError {
  const reason = `its parent "${id}" is not valid, so no node would accept it`;
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

/** Settings and access rules at the pin; none for the entry that creates a database. */
async function pinnedSettings(
  transaction: Transaction,
  pin: Snapshot,
): Promise<{ settings: Doc; auth: AuthSettings }> {
  const { tree, host } = transaction.base;
  if (tree === undefined) return { settings: new Doc(), auth: AuthSettings.empty() };
  const { backend } = host;
  const settings = await settingsAt(backend, backend.states, tree, pin);
  return { settings, auth: await authAt(backend, backend.states, tree, pin) };
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

/**
 * Puts what was staged into a builder. Stores without data are left out, except those that this
 * transaction registers; those it registers without opening them are added (06 §6 steps 4 and 5).
 */
async function fillBuilder(transaction: Transaction): Promise<EntryBuilder> {
  const { tree, parents } = transaction.base;
  const builder = tree === undefined ? new EntryBuilder() : EntryBuilder.of(tree);
  builder.setParents(parents.tips);
  const registered = new Set(transaction.staged<Doc>(INDEX)?.keys() ?? []);
  for (const name of new Set([...transaction.stores.keys(), ...registered])) {
    const data = await payload(transaction, name);
    if (data === undefined ? !registered.has(name) : data.length === 0) continue;
    const storeParents = await transaction.storeParents(name);
    builder.setSubtreeParents(name, storeParents.tips);
    if (data !== undefined) builder.setSubtreeData(name, data);
  }
  return builder;
}

async function payload(transaction: Transaction, name: string): Promise<Uint8Array | undefined> {
  const staged = transaction.stores.get(name);
  const data = staged?.data();
  if (data === undefined || data.length === 0 || staged?.encryptor === undefined) return data;
  return await staged.encryptor.encrypt(data);
}

/** Judges the entry as every other node will, against the settings that it pins. */
async function requireAuthority(
  transaction: Transaction,
  entry: Entry,
  settings: AuthSettings,
): Promise<void> {
  const { backend } = transaction.base.host;
  const own = transaction.base.key!.publicKey;
  const reader = {
    delegatedSettings: (...args: Parameters<SettingsReaderArgs>) =>
      delegatedSettings(backend, undefined, ...args),
  };
  // The signature was made a moment ago, so only the key it claims needs a check.
  const verdict = await judge(entry, settings, reader, (key) => key.equals(own));
  if (verdict.outcome === "valid") return;
  const cause = verdict.outcome === "invalid" ? verdict.error : undefined;
  const why = cause?.message ?? "the settings of a delegated database are not held yet";
  throw new TransactionError("EntryValidationFailed", `Entry validation failed: ${why}`, {
    cause,
    fields: { reason: why },
  });
}

type SettingsReaderArgs = import("../auth/port.ts").SettingsReader["delegatedSettings"];

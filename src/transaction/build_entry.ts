import { judge } from "../auth/validate.ts";
import type { AuthSettings } from "../auth/settings.ts";
import { Doc } from "../crdt/doc.ts";
import { authOf, settingsAt } from "../settings/pinned_settings.ts";
import { delegatedSettings } from "../settings/delegated_settings.ts";
import { INDEX, SETTINGS } from "../entry/constants.ts";
import type { Entry } from "../entry/entry.ts";
import { EntryBuilder } from "../entry/builder.ts";
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
  const settings = await pinnedSettings(transaction, pin);
  const staged = transaction.staged<Doc>(SETTINGS);
  const merged = staged === undefined ? settings : soundSettings(settings.merge(staged));
  const builder = await fillBuilder(transaction);
  builder.setMetadata(new EntryMetadata(pin, transaction.base.entropy).encode());
  builder.setSig(new SigInfo(key.identity));
  await setHeights(transaction, builder, merged);
  const entry = builder.build().sign(key.signingKey);
  const isGenesis = transaction.base.tree === undefined;
  await requireAuthority(transaction, entry, authOf(isGenesis ? merged : settings));
  return entry;
}

/** The settings entries that the new entry names as the ground it stands on: the newest Verified. */
async function pinnedTips(transaction: Transaction): Promise<Snapshot> {
  const { tree, host } = transaction.base;
  if (tree === undefined) return Snapshot.EMPTY;
  const seen = await host.backend.seenSnapshot(tree);
  return await host.backend.storeSnapshotAt(tree, SETTINGS, seen);
}

async function pinnedSettings(transaction: Transaction, pin: Snapshot): Promise<Doc> {
  const { tree, host } = transaction.base;
  if (tree === undefined) return new Doc();
  return await settingsAt(host.backend, host.backend.states, tree, pin);
}

/** Refuses a change after which nobody could tell who may write (06 §6 step 3). */
function soundSettings(settings: Doc): Doc {
  const auth = settings.peek("auth");
  if (auth === undefined || auth instanceof Doc) return settings;
  throw new TransactionError(
    "CorruptedAuthConfiguration",
    "Cannot commit settings in which `auth` is deleted or is not a document: nobody could write any more",
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

import { judge, type SignatureCheck } from "../auth/validate.ts";
import type { IdRow } from "../backend/records/tree_records.ts";
import type { TreeUpdate } from "../backend/tree/tree_update.ts";
import { inStore } from "../backend/tree/walk.ts";
import { MAX_CHOSEN_HEIGHT, SETTINGS } from "../entry/constants.ts";
import type { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import { EntryMetadata } from "../entry/metadata.ts";
import type { Snapshot } from "../entry/snapshot.ts";
import type { PinnedRules } from "../settings/pinned_settings.ts";
import { EideticaError } from "../util/errors.ts";

/**
 * What memory alone tells about entries by the rules of `entry_judge.ts`. Most entries of a log are data by a
 * key of their database, build on what was taken a moment ago, and have the pin of the one before: of these
 * everything is known. Whatever is not known, or is not as it should be, is left to those rules.
 */
export class JudgeMemory {
  readonly #update: TreeUpdate;
  /** A pin whose tips are all Verified settings of this tree. */
  #pin: Snapshot | undefined;
  #rules: { readonly pin: Snapshot; readonly at: PinnedRules } | undefined;

  /** What is known of the tree of `update`. */
  constructor(update: TreeUpdate) {
    this.#update = update;
  }

  /** Notes a pin whose tips are all Verified settings of this tree; they stay that during the update. */
  notePin(pin: Snapshot): void {
    // That of a root has no tips, and is none for anybody else.
    if (!pin.isEmpty) this.#pin = pin;
  }

  /** Notes the rules at a pin: they follow from it alone. */
  noteRules(pin: Snapshot, at: PinnedRules): void {
    this.#rules = { pin, at };
  }

  /** Whether the parents of an entry are known to be such that it may be valid. */
  hasParents({ isRoot, root, parents, height, model }: Entry): boolean {
    const { tree } = this.#update;
    if (height > MAX_CHOSEN_HEIGHT || (!isRoot && root?.equals(tree) !== true)) return false;
    return parents.every((id) => (this.#verifiedRow(id)?.height ?? Infinity) < height) &&
      model.nodes.every(({ name, parents }) => parents.every((id) => this.#isMember(id, name)));
  }

  /** The row of an entry that is known to be a Verified one of this tree. */
  #verifiedRow(id: ID): IdRow | undefined {
    const row = this.#update.peekRow(id);
    return row?.status === "Verified" && row.tree.equals(this.#update.tree) ? row : undefined;
  }

  #isMember(id: ID, store: string): boolean {
    if (this.#verifiedRow(id) === undefined) return false;
    const entry = this.#update.peek(id);
    return entry !== undefined && inStore(entry, store);
  }

  /** Whether the pin of an entry is known to be one. */
  hasPin({ isRoot }: Entry, pin: Snapshot): boolean {
    return !isRoot && this.#pin?.equals(pin) === true;
  }

  /** The verdict on the signature of data by a key of this database and on what the key may do; else undefined. */
  authority(
    entry: Entry,
    pin: Snapshot,
    isSignedBy: SignatureCheck,
  ): "Verified" | "Failed" | undefined {
    if (entry.isRoot || this.#rules?.pin.equals(pin) !== true) return undefined;
    const { hint, path } = entry.sig.key;
    if (path !== undefined || hint.pubkey === undefined || inStore(entry, SETTINGS)) {
      return undefined;
    }
    try {
      const verdict = judge(entry, this.#rules.at.auth, undefined, isSignedBy);
      if (verdict instanceof Promise) return undefined;
      return verdict.outcome === "valid" ? "Verified" : "Failed";
    } catch (error) {
      return failedFor(error);
    }
  }

  /** Whether the parents of an entry are known to be data with the same pin, so that it covers what they cover. */
  hasPinOfParents({ parents }: Entry, pin: Snapshot): boolean {
    return parents.every((id) => {
      const parent = this.#update.peek(id);
      if (parent === undefined || inStore(parent, SETTINGS)) return false;
      return readMetadata(parent)?.settingsTips.equals(pin) === true;
    });
  }
}

/** The metadata of an entry; undefined when they cannot be read. */
export function readMetadata(entry: Entry): EntryMetadata | undefined {
  try {
    return entry.metadata === undefined ? EntryMetadata.EMPTY : EntryMetadata.parse(entry.metadata);
  } catch {
    return undefined;
  }
}

/** What does not parse now never will, so the entries that rely on it are invalid (00 §B6). */
export function failedFor(error: unknown): "Failed" {
  if (error instanceof EideticaError && ["crdt", "serialize"].includes(error.module)) {
    return "Failed";
  }
  throw error;
}

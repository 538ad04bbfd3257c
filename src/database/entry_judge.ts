import type { Outcome, SettingsReader } from "../auth/port.ts";
import type { AuthSettings } from "../auth/settings.ts";
import { judge } from "../auth/validate.ts";
import type { Waits } from "../backend/backlog.ts";
import type { LocalBackend } from "../backend/local.ts";
import type { TreeUpdate } from "../backend/tree_update.ts";
import { type EntryReader, inStore } from "../backend/walk.ts";
import { Doc } from "../crdt/doc.ts";
import { MAX_CHOSEN_HEIGHT, SETTINGS } from "../entry/constants.ts";
import type { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import { EntryMetadata } from "../entry/metadata.ts";
import { Snapshot } from "../entry/snapshot.ts";
import { delegatedSettings } from "../settings/delegated_settings.ts";
import { authAt, pinCovers, settingsAt, settingsFault } from "../settings/pinned_settings.ts";
import { EideticaError } from "../util/errors.ts";
import { CheckedSignatures } from "./checked_signatures.ts";

/** A verdict, or what must have one before. */
export type Judgement = "Verified" | "Failed" | Waits;

/** What must have a verdict before an entry can be judged. */
interface Open {
  readonly id: ID;
  readonly isHeld: boolean;
}

/** Outcome of one rule: go on, never valid, or what must have a verdict before it can be told. */
type Step = "ok" | "Failed" | readonly Open[];

/**
 * The rules by which an entry is valid (06 §7, with the strict ones of 00 §B6).
 *
 * Every rule follows from the entry and from what it names by hash, so all nodes come to the same
 * verdict, in whatever order they get the entries. What is named must have its own verdict first: a
 * reference that is missing, or Unverified, leaves the question open.
 */
export class EntryJudge {
  readonly #backend: LocalBackend;
  readonly #update: TreeUpdate;
  readonly #signatures: CheckedSignatures;

  /** Judges entries of the tree of `update`; some signatures may have been checked ahead. */
  constructor(
    backend: LocalBackend,
    update: TreeUpdate,
    signatures: CheckedSignatures = CheckedSignatures.NONE,
  ) {
    this.#backend = backend;
    this.#update = update;
    this.#signatures = signatures;
  }

  /** The verdict on an entry, held or not. Nothing is changed. */
  async judge(entry: Entry): Promise<Judgement> {
    const parents = await this.#judgeParents(entry);
    if (parents !== "ok") return judgement(parents);
    const metadata = readMetadata(entry);
    if (metadata === undefined) return "Failed";
    // A height of its own would place settings behind all later ones, for good (06 §6.1).
    if (inStore(entry, SETTINGS) && entry.subtreeHeight(SETTINGS) !== entry.height) return "Failed";
    const pin = metadata.settingsTips;
    const pinned = await this.#judgePin(entry, pin);
    if (pinned !== "ok") return judgement(pinned);
    const verdict = await this.#judgeAuthority(entry, pin);
    // The walk over older settings comes last, so that only who may write can cause it.
    return verdict === "Verified" && !await this.#coversHistory(entry, pin) ? "Failed" : verdict;
  }

  /** Main parents are lower Verified entries of this tree, store parents members of their stores. */
  async #judgeParents(entry: Entry): Promise<Step> {
    if (!entry.isRoot && entry.root?.equals(this.#update.tree) !== true) return "Failed";
    let verdict: Step = "ok";
    for (const parent of entry.parents) {
      verdict = worse(verdict, await this.#judgeParent(parent, entry.height));
    }
    if (verdict === "ok" && await this.#usesUpHeights(entry)) return "Failed";
    for (const store of entry.subtrees) {
      for (const parent of entry.subtreeParents(store)) {
        verdict = worse(verdict, await this.#judgeMember(parent, store));
      }
    }
    return verdict;
  }

  /** Whether an entry has chosen so high a height that little room is left above it. */
  async #usesUpHeights({ height, parents }: Entry): Promise<boolean> {
    if (height <= MAX_CHOSEN_HEIGHT) return false;
    for (const parent of parents) {
      const row = await this.#update.row(parent);
      if (row === undefined || row.height + 1 >= height) return false;
    }
    return true;
  }

  async #judgeParent(id: ID, childHeight: number): Promise<Step> {
    const row = await this.#update.row(id);
    if (row === undefined) return [{ id, isHeld: false }];
    if (!row.tree.equals(this.#update.tree) || row.status === "Failed") return "Failed";
    // Its height counts with its verdict, which wakes this entry; its arrival alone would not.
    if (row.status === "Unverified") return [{ id, isHeld: true }];
    return row.height < childHeight ? "ok" : "Failed";
  }

  /** An entry that must be a Verified member of a store of this tree. */
  async #judgeMember(id: ID, store: string): Promise<Step> {
    const row = await this.#update.row(id);
    if (row === undefined) return [{ id, isHeld: false }];
    if (!row.tree.equals(this.#update.tree) || row.status === "Failed") return "Failed";
    if (row.status === "Unverified") return [{ id, isHeld: true }];
    const entry = await this.#update.find(id);
    return entry !== undefined && inStore(entry, store) ? "ok" : "Failed";
  }

  /** An empty pin is for the root alone; any other names Verified `_settings` entries of this tree. */
  async #judgePin(entry: Entry, pin: Snapshot): Promise<Step> {
    if (entry.isRoot) return pin.tips.length === 0 ? "ok" : "Failed";
    if (pin.tips.length === 0) return "Failed";
    let verdict: Step = "ok";
    for (const tip of pin.tips) verdict = worse(verdict, await this.#judgeMember(tip, SETTINGS));
    return verdict;
  }

  /**
   * Whether a pin covers what the history of its entry has seen of the settings: what the parents
   * pin, and they themselves where they are settings. Parent by parent down to the root, it then covers
   * every settings entry that any ancestor has relied on, so no author can go back behind that,
   * whatever `_settings` parents it chose for entries in between.
   *
   * Store parents need not be main ancestors: the reference may choose others when it stages settings
   * without a read. What such a parent adds is Verified anyway, and what an author leaves out remains a
   * tip of the store for everybody else, and of what later pins must cover.
   */
  async #coversHistory(entry: Entry, pin: Snapshot): Promise<boolean> {
    const seen: ID[] = [];
    for (const id of entry.parents) {
      const parent = (await this.#update.find(id))!;
      if (inStore(parent, SETTINGS)) seen.push(id);
      seen.push(...readMetadata(parent)!.settingsTips.tips);
    }
    return await pinCovers(this.#update, this.#update.tree, pin.tips, seen);
  }

  async #judgeAuthority(entry: Entry, pin: Snapshot): Promise<Judgement> {
    const auth = await this.#authFor(entry, pin);
    if (auth === undefined) return "Failed";
    const reader = new AbroadReader(this.#backend, this.#update);
    const verdict = await judge(entry, auth, reader, (key) => {
      return this.#signatures.isSignedBy(entry, key);
    });
    if (verdict.outcome === "valid") return "Verified";
    if (verdict.outcome === "invalid") return "Failed";
    const { abroad, absent: missing } = reader;
    return { ids: verdict.missing, missing, ...abroad && { abroad } };
  }

  /** The access rules that decide on an entry; undefined when its own payload is not acceptable. */
  async #authFor(entry: Entry, pin: Snapshot): Promise<AuthSettings | undefined> {
    const { tree } = this.#update;
    const isOwn = entry.isRoot && inStore(entry, SETTINGS);
    const tips = isOwn ? Snapshot.of([entry.id]) : pin;
    const reader = isOwn ? withEntry(this.#update, entry) : this.#update;
    try {
      const auth = await authAt(reader, this.#backend.states, tree, tips);
      const data = inStore(entry, SETTINGS) ? entry.findData(SETTINGS) : undefined;
      if (data === undefined) return auth;
      const settings = await settingsAt(reader, this.#backend.states, tree, tips);
      const fault = settingsFault(auth, settings.merge(Doc.parseBytes(data)));
      return fault === undefined ? auth : undefined;
    } catch (error) {
      // What does not parse now never will, so the entries that rely on it are invalid (00 §B6).
      if (error instanceof EideticaError && ["crdt", "serialize"].includes(error.module)) {
        return undefined;
      }
      throw error;
    }
  }
}

/** Reads the rules of other databases, and keeps which one an open question is about. */
class AbroadReader implements SettingsReader {
  /** The other tree that must bring what is missing; undefined for the entry's own. */
  abroad: ID | undefined;
  /** What of it nobody holds. */
  readonly absent: ID[] = [];
  readonly #backend: LocalBackend;
  readonly #update: TreeUpdate;

  constructor(backend: LocalBackend, update: TreeUpdate) {
    this.#backend = backend;
    this.#update = update;
  }

  async delegatedSettings(
    tree: ID,
    claimed: readonly ID[],
    floor: readonly ID[],
  ): Promise<Outcome<AuthSettings>> {
    const update = this.#update;
    const { absent } = this;
    const outcome = await delegatedSettings(this.#backend, update, tree, claimed, floor, absent);
    if (outcome.outcome === "undecided" && !tree.equals(update.tree)) this.abroad = tree;
    return outcome;
  }
}

/** A root is read for its own rules before it is stored. */
function withEntry(reader: EntryReader, entry: Entry): EntryReader {
  return {
    find: (id) => id.equals(entry.id) ? Promise.resolve(entry) : reader.find(id),
  };
}

function readMetadata(entry: Entry): EntryMetadata | undefined {
  try {
    return entry.metadata === undefined ? EntryMetadata.EMPTY : EntryMetadata.parse(entry.metadata);
  } catch {
    return undefined;
  }
}

function judgement(step: "Failed" | readonly Open[]): Judgement {
  if (step === "Failed") return step;
  // A main parent is often a store parent too.
  const open = [...new Map(step.map((one) => [one.id.toString(), one])).values()];
  const missing = open.filter(({ isHeld }) => !isHeld);
  return { ids: open.map(({ id }) => id), missing: missing.map(({ id }) => id) };
}

/** Both rules together: what fails is decided, whatever else is open. */
function worse(a: Step, b: Step): Step {
  if (a === "Failed" || b === "ok") return a;
  if (b === "Failed" || a === "ok") return b;
  return [...a, ...b];
}

import type { SettingsReader } from "../auth/port.ts";
import type { AuthSettings } from "../auth/settings.ts";
import { judge } from "../auth/validate.ts";
import type { VerificationStatus } from "../backend/backend.ts";
import type { LocalBackend } from "../backend/local.ts";
import type { TreeUpdate } from "../backend/tree_update.ts";
import { inStore } from "../backend/walk.ts";
import { Doc } from "../crdt/doc.ts";
import { MAX_CHOSEN_HEIGHT, SETTINGS } from "../entry/constants.ts";
import type { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import { EntryMetadata } from "../entry/metadata.ts";
import { Snapshot } from "../entry/snapshot.ts";
import { EideticaError } from "../util/errors.ts";
import { delegatedSettings } from "../settings/delegated_settings.ts";
import { CheckedSignatures } from "./checked_signatures.ts";
import type { VerifyCounts } from "./host.ts";
import { authAt, pinCovers, settingsAt, settingsFault } from "../settings/pinned_settings.ts";

/** Outcome of one rule: go on, or a verdict. */
type Step = "ok" | VerificationStatus;

/**
 * Judges the Unverified entries of a tree inside one {@link TreeUpdate}, parents first (06 §7, with
 * the strict rules of 00 §B6). Only this node's own data decides; an entry that cannot be decided
 * yet stays Unverified and is looked at again when something has arrived.
 */
export class Verifier {
  readonly #backend: LocalBackend;
  readonly #update: TreeUpdate;
  readonly #signatures: CheckedSignatures;
  readonly #settings: SettingsReader;
  #waitsForOthers = false;

  /** Judges entries of the tree of `update`; some signatures may have been checked ahead. */
  constructor(
    backend: LocalBackend,
    update: TreeUpdate,
    signatures: CheckedSignatures = CheckedSignatures.NONE,
  ) {
    this.#signatures = signatures;
    this.#backend = backend;
    this.#update = update;
    this.#settings = {
      delegatedSettings: async (tree, claimed, floor) => {
        const outcome = await delegatedSettings(backend, update, tree, claimed, floor);
        this.#waitsForOthers ||= outcome.outcome === "undecided";
        return outcome;
      },
    };
  }

  /** Whether an entry could not be decided because of what another database lacks. */
  get waitsForOthers(): boolean {
    return this.#waitsForOthers;
  }

  /** Judges all given entries, which must come parents first, and says what became of them. */
  async run(entries: readonly Entry[]): Promise<VerifyCounts> {
    const counts = { verified: 0, failed: 0, stillUnverified: 0 };
    let open = entries;
    for (let before = -1; open.length !== before && !this.#isFull(counts);) {
      before = open.length;
      // A pin may name a sibling that comes later in the order, so what is open gets another turn.
      open = await this.#pass(open, counts);
    }
    return { ...counts, stillUnverified: open.length };
  }

  /** Whether as much was settled as one storage commit can take; the rest is for the next one. */
  #isFull({ verified, failed }: { verified: number; failed: number }): boolean {
    return verified + failed >= this.#backend.maxEntriesPerCommit;
  }

  /** One turn over what is open; returns what still is. */
  async #pass(
    entries: readonly Entry[],
    counts: { verified: number; failed: number },
  ): Promise<Entry[]> {
    const open: Entry[] = [];
    for (const entry of entries) {
      const status = this.#isFull(counts) ? "Unverified" : await this.judge(entry);
      if (status === "Unverified") {
        open.push(entry);
        continue;
      }
      counts[status === "Verified" ? "verified" : "failed"]++;
      await this.#update.settle(entry, status);
    }
    return open;
  }

  /** The verdict on one entry whose parents have been judged before. */
  async judge(entry: Entry): Promise<VerificationStatus> {
    const parents = await this.#judgeParents(entry);
    if (parents !== "ok") return parents;
    const metadata = readMetadata(entry);
    if (metadata === undefined) return "Failed";
    if (inStore(entry, SETTINGS) && entry.subtreeHeight(SETTINGS) !== entry.height) return "Failed";
    const pin = metadata.settingsTips;
    const pinned = await this.#judgePin(entry, pin);
    if (pinned !== "ok") return pinned;
    const verdict = await this.#judgeAuthority(entry, pin);
    // The walk over older settings comes last, so that only who may write can cause it.
    return verdict === "Verified" && !await this.#coversHistory(entry, pin) ? "Failed" : verdict;
  }

  async #judgeParents(entry: Entry): Promise<Step> {
    if (!entry.isRoot && entry.root?.equals(this.#update.tree) !== true) return "Failed";
    let verdict: Step = "ok";
    for (const parent of entry.parents) {
      verdict = worse(verdict, await this.#judgeParent(parent, entry.height));
    }
    if (await this.#usesUpHeights(entry)) return "Failed";
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
    if (row === undefined) return "Unverified";
    if (!row.tree.equals(this.#update.tree) || row.height >= childHeight) return "Failed";
    return row.status === "Verified" ? "ok" : row.status;
  }

  /** An entry that must be a Verified member of a store of this tree. */
  async #judgeMember(id: ID, store: string): Promise<Step> {
    const row = await this.#update.row(id);
    if (row === undefined) return "Unverified";
    if (!row.tree.equals(this.#update.tree)) return "Failed";
    const entry = await this.#update.find(id);
    if (entry === undefined || !inStore(entry, store)) return "Failed";
    return row.status === "Verified" ? "ok" : row.status;
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

  async #judgeAuthority(entry: Entry, pin: Snapshot): Promise<VerificationStatus> {
    const auth = await this.#authFor(entry, pin);
    if (auth === undefined) return "Failed";
    const verdict = await judge(entry, auth, this.#settings, (key) => {
      return this.#signatures.isSignedBy(entry, key);
    });
    if (verdict.outcome === "undecided") return "Unverified";
    return verdict.outcome === "valid" ? "Verified" : "Failed";
  }

  /** The access rules that decide on an entry; undefined when its own payload is not acceptable. */
  async #authFor(entry: Entry, pin: Snapshot): Promise<AuthSettings | undefined> {
    try {
      const tips = entry.isRoot && inStore(entry, SETTINGS) ? Snapshot.of([entry.id]) : pin;
      const { tree } = this.#update;
      const auth = await authAt(this.#update, this.#backend.states, tree, tips);
      const data = inStore(entry, SETTINGS) ? entry.findData(SETTINGS) : undefined;
      if (data === undefined) return auth;
      const settings = await settingsAt(this.#update, this.#backend.states, tree, tips);
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

function readMetadata(entry: Entry): EntryMetadata | undefined {
  try {
    return entry.metadata === undefined ? EntryMetadata.EMPTY : EntryMetadata.parse(entry.metadata);
  } catch {
    return undefined;
  }
}

const RANK: Readonly<Record<Step, number>> = { ok: 0, Verified: 0, Unverified: 1, Failed: 2 };

function worse(a: Step, b: Step): Step {
  return RANK[b] > RANK[a] ? b : a;
}

import { judge, type SignatureCheck } from "../auth/validate.ts";
import type { LocalBackend } from "../backend/local.ts";
import type { Waits } from "../backend/records/commit_room.ts";
import { docState } from "../backend/state/doc_state.ts";
import type { TreeUpdate } from "../backend/tree/tree_update.ts";
import { type EntryReader, inStore } from "../backend/tree/walk.ts";
import { Doc } from "../crdt/doc.ts";
import { MAX_CHOSEN_HEIGHT, SETTINGS } from "../entry/constants.ts";
import type { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import { Snapshot } from "../entry/snapshot.ts";
import { pinCovers } from "../settings/pin_covers.ts";
import { peekRules, rulesAt, settingsFault } from "../settings/pinned_settings.ts";
import { SettingsIndex } from "../settings/settings_index.ts";
import { type Open, SignerSurvey } from "../settings/survey.ts";
import { AbroadReader } from "./abroad_reader.ts";
import { CheckedSignatures } from "./checked_signatures.ts";
import { failedFor, JudgeMemory, readMetadata } from "./judge_memory.ts";
import { OpenReferences } from "./open_references.ts";

/** A verdict, or what must have one before. */
export type Judgement = "Verified" | "Failed" | Waits;

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
  readonly #memory: JudgeMemory;

  /** Judges entries of the tree of `update`; some signatures may have been checked ahead. */
  constructor(
    backend: LocalBackend,
    update: TreeUpdate,
    signatures: CheckedSignatures = CheckedSignatures.NONE,
  ) {
    this.#backend = backend;
    this.#update = update;
    this.#signatures = signatures;
    this.#memory = new JudgeMemory(update);
  }

  /** The verdict on an entry, held or not. Nothing is changed. */
  async judge(entry: Entry): Promise<Judgement> {
    const waiting = new OpenReferences();
    const memory = this.#memory;
    const mayHaveParents = memory.hasParents(entry) || await this.#mayHaveParents(entry, waiting);
    if (!mayHaveParents) return "Failed";
    if (!waiting.isEmpty) return waiting.waits;
    const pin = readMetadata(entry)?.settingsTips;
    if (pin === undefined || !hasSystemHeights(entry)) return "Failed";
    const mayPin = memory.hasPin(entry, pin) || await this.#mayPin(entry, pin, waiting);
    if (!mayPin) return "Failed";
    if (!waiting.isEmpty) return waiting.waits;
    memory.notePin(pin);
    const isSignedBy: SignatureCheck = (key) => this.#signatures.isSignedBy(entry, key);
    const verdict = memory.authority(entry, pin, isSignedBy) ??
      await this.#judgeAuthority(entry, pin, isSignedBy);
    // The walk over older settings comes last, so that only who may write can cause it.
    if (verdict !== "Verified" || memory.hasPinOfParents(entry, pin)) return verdict;
    return await this.#coversHistory(entry, pin) ? verdict : "Failed";
  }

  // Each of the rules that follow says whether an entry may be valid, and adds to `waiting` what must
  // have a verdict before that can be told.

  /** Main parents are lower Verified entries of this tree, store parents members of their stores. */
  async #mayHaveParents(entry: Entry, waiting: OpenReferences): Promise<boolean> {
    if (!entry.isRoot && entry.root?.equals(this.#update.tree) !== true) return false;
    for (const parent of entry.parents) {
      if (!await this.#mayBeParent(parent, entry.height, waiting)) return false;
    }
    if (waiting.isEmpty && await this.#usesUpHeights(entry)) return false;
    for (const { name, parents } of entry.model.nodes) {
      for (const parent of parents) {
        if (!await this.#mayBeMember(parent, name, waiting)) return false;
      }
    }
    return true;
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

  async #mayBeParent(id: ID, childHeight: number, waiting: OpenReferences): Promise<boolean> {
    const row = await this.#update.row(id);
    if (row === undefined) return waiting.add(id, row), true;
    if (!row.tree.equals(this.#update.tree) || row.status === "Failed") return false;
    // Its height counts with its verdict, which wakes this entry; its arrival alone would not.
    if (row.status === "Unverified") return waiting.add(id, row), true;
    return row.height < childHeight;
  }

  /** An entry that must be a Verified member of a store of this tree. */
  async #mayBeMember(id: ID, store: string, waiting: OpenReferences): Promise<boolean> {
    const row = await this.#update.row(id);
    if (row === undefined) return waiting.add(id, row, store), true;
    if (!row.tree.equals(this.#update.tree) || row.status === "Failed") return false;
    if (row.status === "Unverified") return waiting.add(id, row, store), true;
    const entry = await this.#update.find(id);
    return entry !== undefined && inStore(entry, store);
  }

  /** An empty pin is for the root alone; any other names Verified `_settings` entries of this tree. */
  async #mayPin(entry: Entry, pin: Snapshot, waiting: OpenReferences): Promise<boolean> {
    if (entry.isRoot) return pin.tips.length === 0;
    if (pin.tips.length === 0) return false;
    for (const tip of pin.tips) if (!await this.#mayBeMember(tip, SETTINGS, waiting)) return false;
    return true;
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
    const seen = new Map<string, ID>();
    for (const id of entry.parents) {
      const parent = (await this.#update.find(id))!;
      if (inStore(parent, SETTINGS)) seen.set(id.toString(), id);
      for (const tip of readMetadata(parent)!.settingsTips) seen.set(tip.toString(), tip);
    }
    const { tree } = this.#update;
    return await pinCovers(this.#backend, this.#update, tree, pin.tips, [...seen.values()]);
  }

  async #judgeAuthority(
    entry: Entry,
    pin: Snapshot,
    check: SignatureCheck,
  ): Promise<Judgement> {
    const isSignedBy = once(check);
    const survey = await new SignerSurvey(this.#backend, this.#update, isSignedBy).look(entry, pin);
    if (survey === "Failed") return survey;
    if (survey !== "ok") return this.#wait(survey);
    try {
      return await this.#judgeByRules(entry, pin, isSignedBy);
    } catch (error) {
      return failedFor(error);
    }
  }

  #wait({ missing: ids, absent: missing, of }: Open): Waits {
    return { ids, missing, ...!of.equals(this.#update.tree) && { abroad: of } };
  }

  async #judgeByRules(entry: Entry, pin: Snapshot, isSignedBy: SignatureCheck): Promise<Judgement> {
    const { tree } = this.#update;
    const { states } = this.#backend;
    const isOwn = entry.isRoot && inStore(entry, SETTINGS);
    const tips = isOwn ? Snapshot.of([entry.id]) : await this.#highest(pin);
    const reader = isOwn ? withEntry(this.#update, entry) : this.#update;
    const rules = peekRules(states, tree, tips) ?? await rulesAt(reader, states, tree, tips);
    if (!isOwn) this.#memory.noteRules(pin, rules);
    const { auth, settings } = rules;
    const abroad = new AbroadReader(this.#backend, this.#update);
    const verdict = await judge(entry, auth, abroad, isSignedBy);
    if (verdict.outcome === "invalid") return "Failed";
    // The payload comes after the rights: its merge costs more the more is listed already.
    const data = entry.findData(SETTINGS);
    if (data && settingsFault(auth, settings.merge(Doc.parseBytes(data))) !== undefined) {
      return "Failed";
    }
    if (verdict.outcome === "valid") return "Verified";
    return this.#wait({ missing: verdict.missing, absent: abroad.absent, of: abroad.asked! });
  }

  /** The settings at a pin are those at its highest tips, which are more likely known. */
  async #highest(pin: Snapshot): Promise<Snapshot> {
    const { tree } = this.#update;
    if (pin.length < 2 || this.#backend.states.peek(tree, SETTINGS, pin, docState) !== undefined) {
      return pin;
    }
    const index = await SettingsIndex.of(this.#backend, this.#update, tree, pin.tips);
    return Snapshot.of(index.highest(pin.tips));
  }
}

/** A check that is made once for each key. */
function once(check: SignatureCheck): SignatureCheck {
  const known = new Map<string, boolean>();
  return (key) => {
    const text = key.toString();
    const found = known.get(text) ?? check(key);
    known.set(text, found);
    return found;
  };
}

/** A root is read for its own rules before it is stored. */
function withEntry(reader: EntryReader, entry: Entry): EntryReader {
  return {
    find: (id) => id.equals(entry.id) ? Promise.resolve(entry) : reader.find(id),
  };
}

/**
 * Whether settings and registry have the height of the entry, as all stores whose names begin with `_`:
 * one of their own would place what they say behind all later changes, for good.
 */
function hasSystemHeights({ height, model }: Entry): boolean {
  return model.nodes.every((node) =>
    !node.name.startsWith("_") || (node.height ?? height) === height
  );
}

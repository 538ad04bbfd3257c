import { AuthSettings } from "../auth/settings.ts";
import type { LocalBackend } from "../backend/local.ts";
import { docState } from "../backend/state/doc_state.ts";
import type { StateCache } from "../backend/state/state_cache.ts";
import {
  compareInTree,
  type EntryReader,
  inStore,
  inTree,
  storeParents,
} from "../backend/tree/walk.ts";
import { Doc } from "../crdt/doc.ts";
import { SETTINGS } from "../entry/constants.ts";
import type { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import type { Snapshot } from "../entry/snapshot.ts";
import { Heap } from "../util/heap.ts";
import { SettingsIndex } from "./settings_index.ts";

/** Access rules by the settings document that they were read from. */
const known = new WeakMap<Doc, AuthSettings>();

/** What `auth` in a settings document says alone; empty when it is missing or not a document. */
function authIn(settings: Doc): AuthSettings {
  const auth = settings.peek("auth");
  return auth instanceof Doc ? AuthSettings.fromDoc(auth) : AuthSettings.empty();
}

/** The settings document of a tree at some `_settings` tips. The value is shared. */
export async function settingsAt(
  reader: EntryReader,
  states: StateCache,
  tree: ID,
  tips: Snapshot,
): Promise<Doc> {
  return await states.stateAt(reader, tree, SETTINGS, tips, docState);
}

/**
 * The access rules of a tree at some `_settings` tips.
 *
 * That access was ever restricted sticks: it counts as restricted when any `_settings` entry
 * that the tips cover restricted it, also where the fold of them all lists nobody. A tombstone shows
 * in the fold, but an atomic document replaces what was there without a trace, and two changes that
 * are sound alone may do so together. This follows from the entries that the tips name by hash, so
 * every node finds the same. Only a fold that lists nobody costs the walk.
 */
export async function authAt(
  reader: EntryReader,
  states: StateCache,
  tree: ID,
  tips: Snapshot,
): Promise<AuthSettings> {
  const settings = await settingsAt(reader, states, tree, tips);
  const before = known.get(settings);
  if (before !== undefined) return before;
  const auth = authIn(settings);
  const sticks = !auth.isConfigured && await wasRestricted(reader, tree, tips);
  const made = sticks ? auth.keptConfigured() : auth;
  known.set(settings, made);
  return made;
}

/** Settings and access rules at some `_settings` tips, as {@link settingsAt} and {@link authAt} tell them. */
export interface PinnedRules {
  /** The settings document. The value is shared. */
  readonly settings: Doc;
  /** The access rules. */
  readonly auth: AuthSettings;
}

/** Both at once. */
export async function rulesAt(
  reader: EntryReader,
  states: StateCache,
  tree: ID,
  tips: Snapshot,
): Promise<PinnedRules> {
  const settings = await settingsAt(reader, states, tree, tips);
  return { settings, auth: await authAt(reader, states, tree, tips) };
}

/** As {@link rulesAt}, if both are in memory. */
export function peekRules(
  states: StateCache,
  tree: ID,
  tips: Snapshot,
): PinnedRules | undefined {
  const settings = states.peek(tree, SETTINGS, tips, docState);
  const auth = settings && known.get(settings);
  return auth && { settings: settings!, auth };
}

async function wasRestricted(reader: EntryReader, tree: ID, tips: Snapshot): Promise<boolean> {
  const walk = new SettingsWalk(reader, tree);
  for (const tip of tips.tips) await walk.add(tip);
  for (let entry = await walk.next(); entry !== undefined; entry = await walk.next()) {
    if (restricts(entry.findData(SETTINGS))) return true;
  }
  return false;
}

/** Whether a `_settings` payload restricts access by itself. */
export function restricts(data: Uint8Array | undefined): boolean {
  return data !== undefined && authIn(Doc.parseBytes(data)).isConfigured;
}

/**
 * Why settings may not become `after` where `before` are the access rules; undefined when they may.
 * After such a change nobody could tell who may write, or nobody could write any more.
 */
export function settingsFault(before: AuthSettings, after: Doc): string | undefined {
  const auth = after.peek("auth");
  if (auth !== undefined && !(auth instanceof Doc)) return "`auth` is deleted or is not a document";
  if (before.isConfigured && !authIn(after).isConfigured) {
    return "no key and no grant to everybody is listed in `auth` any more";
  }
  return undefined;
}

/**
 * Whether all of `ids` are among the `_settings` entries that `pin` covers: its tips and their
 * ancestors over `_settings` parents.
 */
export async function pinCovers(
  backend: LocalBackend,
  reader: EntryReader,
  tree: ID,
  pin: readonly ID[],
  ids: readonly ID[],
): Promise<boolean> {
  const wanted = new Set(ids.map(String));
  for (const tip of pin) wanted.delete(tip.toString());
  if (wanted.size === 0) return true;
  const walk = new SettingsWalk(reader, tree);
  for (const tip of pin) await walk.add(tip);
  for (let left = NEAR; left > 0; left--) {
    const entry = await walk.next();
    if (entry === undefined) return false;
    wanted.delete(entry.id.toString());
    if (wanted.size === 0) return true;
  }
  return (await SettingsIndex.of(backend, reader, tree, pin)).covers(pin, ids);
}

/** What is among so many entries is found sooner by a walk than by an index. */
const NEAR = 64;

/**
 * The `_settings` entries below some tips, highest first. Parents in a store may be higher than their
 * children, since they need not be main parents, so no height ends the walk early.
 */
class SettingsWalk {
  readonly #reader: EntryReader;
  readonly #tree: ID;
  readonly #queue = new Heap<Entry>((a, b) => compareInTree(a, b) > 0);
  readonly #seen = new Set<string>();

  constructor(reader: EntryReader, tree: ID) {
    this.#reader = reader;
    this.#tree = tree;
  }

  async add(id: ID): Promise<void> {
    const key = id.toString();
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    const entry = await this.#reader.find(id);
    if (entry === undefined || !inTree(entry, this.#tree) || !inStore(entry, SETTINGS)) return;
    this.#queue.push(entry);
  }

  async next(): Promise<Entry | undefined> {
    const entry = this.#queue.pop();
    if (entry === undefined) return undefined;
    for (const parent of storeParents(entry, SETTINGS)) await this.add(parent);
    return entry;
  }
}

import { AuthSettings } from "../auth/settings.ts";
import { docState } from "../backend/state/doc_state.ts";
import type { StateCache } from "../backend/state/state_cache.ts";
import type { EntryReader } from "../backend/tree/walk.ts";
import { Doc } from "../crdt/doc.ts";
import { SETTINGS } from "../entry/constants.ts";
import type { ID } from "../entry/id.ts";
import type { Snapshot } from "../entry/snapshot.ts";
import { SettingsWalk } from "./settings_walk.ts";

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

import type { LocalBackend } from "../backend/local.ts";
import { type EntryReader, inStore, inTree } from "../backend/tree/walk.ts";
import { Doc } from "../crdt/doc.ts";
import type { Value } from "../crdt/value.ts";
import { SETTINGS } from "../entry/constants.ts";
import type { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import type { KeyHint } from "../entry/sig_info.ts";
import { PublicKey } from "../keys/public_key.ts";
import { LruMap } from "../util/lru.ts";
import { tryRead } from "../util/try_read.ts";

/** Most trees whose settings are remembered. */
const MAX_TREES = 64;

const indexes = new WeakMap<LocalBackend, LruMap<SettingsIndex>>();

/** A run of `_settings` entries, each the only parent in the store of the next. */
interface Line {
  /** What lies right below the first of them. */
  readonly below: readonly Place[];
  length: number;
}

/** Where an entry stands. */
interface Place {
  readonly line: Line;
  readonly at: number;
}

/**
 * The `_settings` entries of a tree that were met so far: which of them lies below which, and whom they
 * name. Each is read once; then a question costs the number of branches, not the length of the history.
 * So nobody can make a node walk a long history again with each entry that he sends.
 *
 * Of a name only that it was ever given counts here. It is necessary for a right, not sufficient: rights
 * come from the settings that an entry pins.
 */
export class SettingsIndex {
  readonly #tree: ID;
  readonly #places = new Map<string, Place>();
  readonly #keys = new Set<string>();
  readonly #names = new Map<string, Set<string>>();
  readonly #delegations = new Set<string>();
  #hasGlobal = false;

  private constructor(tree: ID) {
    this.#tree = tree;
  }

  /** The index of a tree with the entries `ids` and all below them, which must be Verified. */
  static async of(
    backend: LocalBackend,
    reader: EntryReader,
    tree: ID,
    ids: readonly ID[],
  ): Promise<SettingsIndex> {
    const known = indexes.get(backend) ?? new LruMap<SettingsIndex>(MAX_TREES);
    indexes.set(backend, known);
    const index = known.get(tree.toString()) ?? new SettingsIndex(tree);
    const isWhole = await index.#include(reader, ids);
    if (isWhole) known.set(tree.toString(), index);
    else known.delete(tree.toString());
    return index;
  }

  /** Says whether nothing was missing. */
  async #include(reader: EntryReader, ids: readonly ID[]): Promise<boolean> {
    const stack = [...ids];
    const passed = new Set<string>();
    let isWhole = true;
    for (let id = stack.at(-1); id !== undefined; id = stack.at(-1)) {
      const entry = this.#isMet(id, passed) ? undefined : await reader.find(id);
      const open = entry === undefined ? [] : this.#parents(entry).filter((parent) => {
        return !this.#isMet(parent, passed);
      });
      stack.push(...open);
      if (open.length > 0) continue;
      stack.pop();
      if (this.#isMet(id, passed)) continue;
      if (entry !== undefined && this.#isMember(entry)) this.#add(entry);
      else passed.add(id.toString());
      isWhole &&= entry !== undefined;
    }
    return isWhole;
  }

  #isMet(id: ID, passed: ReadonlySet<string>): boolean {
    const key = id.toString();
    return this.#places.has(key) || passed.has(key);
  }

  #isMember(entry: Entry): boolean {
    return inTree(entry, this.#tree) && inStore(entry, SETTINGS);
  }

  #parents(entry: Entry): readonly ID[] {
    return this.#isMember(entry) ? entry.subtreeParents(SETTINGS) : [];
  }

  #placesOf(ids: readonly ID[]): Place[] {
    return ids.flatMap((id) => this.#places.get(id.toString()) ?? []);
  }

  #add(entry: Entry): void {
    const below = this.#placesOf(entry.subtreeParents(SETTINGS));
    const [first] = below;
    const goesOn = first !== undefined && below.length === 1 && first.at === first.line.length - 1;
    const line = goesOn ? first.line : { below, length: 0 };
    this.#places.set(entry.id.toString(), { line, at: line.length++ });
    this.#note(entry.findData(SETTINGS));
  }

  #note(data: Uint8Array | undefined): void {
    const auth = data === undefined ? undefined : parse(data)?.peek("auth");
    if (!(auth instanceof Doc)) return;
    this.#hasGlobal ||= auth.peek("global") !== undefined;
    each(auth.peek("delegations"), (root) => this.#delegations.add(root));
    each(auth.peek("keys"), (text, key) => {
      this.#keys.add(text);
      const name = key instanceof Doc ? key.peek("name") : undefined;
      if (typeof name !== "string") return;
      const named = this.#names.get(name) ?? new Set();
      this.#names.set(name, named.add(text));
    });
  }

  /** Whether all of `ids` are among `pin` and what lies below it. */
  covers(pin: readonly ID[], ids: readonly ID[]): boolean {
    const reached = reach(this.#placesOf(pin));
    return ids.every((id) => {
      const place = this.#places.get(id.toString());
      return place !== undefined && isIn(reached, place);
    });
  }

  /** The tips that do not lie below others of them. */
  highest(tips: readonly ID[]): readonly ID[] {
    const below = this.#placesOf(tips).flatMap(({ line, at }) => {
      return at === 0 ? line.below : [{ line, at: at - 1 }];
    });
    const reached = reach(below);
    return tips.filter((tip) => {
      const place = this.#places.get(tip.toString());
      return place === undefined || !isIn(reached, place);
    });
  }

  /** Whether a delegation to a database was ever declared. */
  everDelegatesTo(root: ID): boolean {
    return this.#delegations.has(root.toString());
  }

  /** The keys that a hint may ever have stood for. */
  everMeantBy({ pubkey, name, isGlobal }: KeyHint): PublicKey[] {
    if (pubkey !== undefined) {
      const isNamed = isGlobal === true ? this.#hasGlobal : this.#keys.has(pubkey.toString());
      return isNamed ? [pubkey] : [];
    }
    if (isGlobal === true || name === undefined) return [];
    return [...this.#names.get(name) ?? []].flatMap((text) => tryKey(text) ?? []);
  }
}

/** How far up each line is reached from some places. */
function reach(places: readonly Place[]): ReadonlyMap<Line, number> {
  const reached = new Map<Line, number>();
  const stack = [...places];
  for (let place = stack.pop(); place !== undefined; place = stack.pop()) {
    const before = reached.get(place.line);
    if (before === undefined) { for (const below of place.line.below) stack.push(below); }
    reached.set(place.line, Math.max(before ?? 0, place.at));
  }
  return reached;
}

function isIn(reached: ReadonlyMap<Line, number>, { line, at }: Place): boolean {
  const top = reached.get(line);
  return top !== undefined && at <= top;
}

function each(value: Value | undefined, action: (key: string, value: Value) => void): void {
  if (value instanceof Doc) value.peekEach(action);
}

function parse(data: Uint8Array): Doc | undefined {
  return tryRead(() => Doc.parseBytes(data));
}

function tryKey(text: string): PublicKey | undefined {
  return tryRead(() => PublicKey.parse(text));
}

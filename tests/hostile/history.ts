/**
 * Random histories from a seed: honest commits of several keys with grants, revocations, delegations and
 * branches, mixed with what strangers and insiders make up. The same seed gives the same bytes on every
 * runtime and engine.
 *
 * @module
 */

import {
  AuthKey,
  Database,
  DatabaseKey,
  DelegatedTreeRef,
  DocStore,
  EideticaError,
  type Entry,
  ID,
  Instance,
  NewUser,
  Permission,
  type PrivateKey,
  SigKey,
  Snapshot,
  type Transaction,
} from "../../mod.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { FixedClock } from "../../src/testing/fixed_clock.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { above, craft, docOf, granting, type Lie, PAYLOAD, type StoreLie } from "./craft.ts";
import * as crafted from "./craft.ts";

/** A small deterministic generator (mulberry32); also a source of bytes. */
export class Dice {
  #state: number;

  /** Dice that fall as `seed` says. */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Falls as dice with that seed do from now on. */
  reset(seed: number): void {
    this.#state = seed >>> 0;
  }

  /** An integer from 0 below `end`. */
  below(end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % end;
  }

  /** One of some. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** The same items in another order. */
  shuffled<T>(items: readonly T[]): T[] {
    const copy = [...items];
    for (let at = copy.length - 1; at > 0; at--) {
      const other = this.below(at + 1);
      [copy[at], copy[other]] = [copy[other]!, copy[at]!];
    }
    return copy;
  }

  /** See `RandomSource`. */
  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }
}

/** One database of a history. */
export interface Tree {
  readonly root: Entry;
  /** Entries that a correct program has made. */
  readonly honest: Entry[];
  /** Entries by keys that nobody has ever listed, or by nobody. */
  readonly strange: Entry[];
  /** Entries made up by listed keys, which may turn out valid or not. */
  readonly inside: Entry[];
}

/** Two databases, of which the second lets keys of the first act. */
export interface History {
  readonly team: Tree;
  readonly main: Tree;
}

/** All entries of a tree. */
export function entriesOf({ honest, strange, inside }: Tree): Entry[] {
  return [...honest, ...strange, ...inside];
}

/** A node for authors, which makes the same entries for the same seed. */
export async function newAuthor(seed: number): Promise<Instance> {
  const random = new Dice(seed);
  const options = { clock: new FixedClock(), random };
  const { instance } = await Instance.createBackend(
    memoryStorage(),
    NewUser.passwordless("author"),
    options,
  );
  // However much randomness the instance itself has taken.
  random.reset(seed);
  return instance;
}

/** Keys that may be listed: those of the first tree are 101 to 104, those of the second 105 to 109. */
const TEAM = [101, 102, 103, 104] as const;
const MAIN = [105, 106, 107, 108, 109] as const;
/** Keys that are never listed. */
const STRANGERS = [201, 202] as const;

const made = new Map<number, PrivateKey>();

/** The key number `n`, made once: to derive its public key takes longer than to judge an entry by it. */
function keyOf(n: number): PrivateKey {
  const key = made.get(n) ?? crafted.keyOf(n);
  made.set(n, key);
  return key;
}

/** Makes a history of about `steps` entries a tree. */
export async function randomHistory(
  author: Instance,
  dice: Dice,
  steps: number,
): Promise<History> {
  const team = await newTree(author, TEAM[0]);
  const main = await newTree(author, MAIN[0]);
  for (let step = 0; step < steps; step++) {
    await grow(author, dice, team, TEAM, main);
    await grow(author, dice, main, MAIN, team);
  }
  return { team, main };
}

async function newTree(author: Instance, owner: number): Promise<Tree> {
  const db = await Database.create(author, keyOf(owner), docOf({ name: `tree ${owner}` }));
  const root = await db.getRoot();
  return { root, honest: [root], strange: [], inside: [] };
}

async function grow(
  author: Instance,
  dice: Dice,
  tree: Tree,
  keys: readonly number[],
  other: Tree,
): Promise<void> {
  const kind = dice.below(10);
  if (kind < 6) await commitHonestly(author, dice, tree, keys, other);
  else if (kind < 8) tree.strange.push(strangeEntry(dice, tree, keys, other));
  else tree.inside.push(insideEntry(dice, tree, keys, other));
}

// --- honest commits ----------------------------------------------------------------------------

/** A commit that may be refused: then nothing is added. */
async function commitHonestly(
  author: Instance,
  dice: Dice,
  tree: Tree,
  keys: readonly number[],
  other: Tree,
): Promise<void> {
  const key = identityFor(dice, keyOf(dice.pick([...keys, keys[0]!])), tree, other);
  const db = (await Database.open(author, tree.root.id)).withKey(key);
  const fork = dice.below(3) === 0 ? { at: Snapshot.of([dice.pick(tree.honest).id]) } : {};
  try {
    const tx = await db.newTransaction(fork);
    await randomChange(tx, dice, keys, other);
    tree.honest.push(await db.getEntry(await tx.commit()));
  } catch (error) {
    if (!(error instanceof EideticaError)) throw error;
  }
}

/** A key of its own name, or, one time in four, a key of the other tree through a delegation. */
function identityFor(dice: Dice, key: PrivateKey, tree: Tree, other: Tree): DatabaseKey {
  if (dice.below(4) > 0) return new DatabaseKey(key, SigKey.fromPubkey(key.publicKey));
  const lent = keyOf(dice.pick(tree === other ? MAIN : TEAM));
  const step = { tree: other.root.id, tips: [dice.pick(other.honest).id] };
  return new DatabaseKey(lent, SigKey.delegation([step], { pubkey: lent.publicKey }));
}

async function randomChange(
  tx: Transaction,
  dice: Dice,
  keys: readonly number[],
  other: Tree,
): Promise<void> {
  const settings = tx.getSettings();
  const someone = keyOf(dice.pick(keys)).publicKey;
  const kind = dice.below(12);
  if (kind < 6) {
    const store = await tx.getStore(DocStore, dice.pick(["s", "t"]));
    return await store.set(`k${dice.below(5)}`, `v${dice.below(1000)}`);
  }
  if (kind < 9) {
    const rights = [
      Permission.admin(dice.below(9)),
      Permission.write(dice.below(9)),
      Permission.read,
    ];
    return await settings.setAuthKey(
      someone,
      AuthKey.active(`n${dice.below(3)}`, dice.pick(rights)),
    );
  }
  if (kind === 9) return await settings.revokeAuthKey(someone);
  if (kind === 10) return await settings.setName(`name ${dice.below(1000)}`);
  const bounds = { max: dice.pick([Permission.write(5), Permission.admin(5)]), min: undefined };
  const tips = dice.below(2) === 0 ? [] : [dice.pick(other.honest).id];
  await settings.addDelegatedTree(new DelegatedTreeRef(bounds, { root: other.root.id, tips }));
}

// --- entries that are made up ----------------------------------------------------------------------

/** An entry by nobody, or by a key that nobody lists, under whatever identity. */
function strangeEntry(dice: Dice, tree: Tree, keys: readonly number[], other: Tree): Entry {
  const lie = randomLie(dice, tree, keys, other);
  if (dice.below(4) === 0) return craft(lie);
  const key = keyOf(dice.pick(STRANGERS));
  const listed = keyOf(dice.pick(keys)).publicKey;
  const step = { tree: other.root.id, tips: [randomEntry(dice, other).id] };
  const identity = dice.pick([
    SigKey.fromPubkey(key.publicKey),
    SigKey.fromPubkey(listed),
    SigKey.fromName(`n${dice.below(3)}`),
    SigKey.global(key.publicKey),
    SigKey.delegation([step], { pubkey: listed }),
    SigKey.delegation([step, step], { pubkey: key.publicKey }),
  ]);
  return craft({ ...lie, key, identity });
}

/** An entry by a key that may be listed, or revoked by now: it says what it likes. */
function insideEntry(dice: Dice, tree: Tree, keys: readonly number[], other: Tree): Entry {
  const key = keyOf(dice.pick([...keys, keys[0]!]));
  const lent = SigKey.delegation(
    [{ tree: other.root.id, tips: [randomEntry(dice, other).id] }],
    { pubkey: key.publicKey },
  );
  const own = SigKey.fromPubkey(key.publicKey);
  const identity = dice.pick([own, own, own, SigKey.fromName(`n${dice.below(3)}`), lent]);
  return craft({ ...randomLie(dice, tree, keys, other), key, identity });
}

function randomEntry(dice: Dice, tree: Tree): Entry {
  return dice.pick(dice.below(3) === 0 ? entriesOf(tree) : tree.honest);
}

function randomLie(dice: Dice, tree: Tree, keys: readonly number[], other: Tree): Lie {
  const parents = [randomEntry(dice, tree)];
  if (dice.below(4) === 0) parents.push(randomEntry(dice, tree));
  if (dice.below(12) === 0) parents.push(randomEntry(dice, other));
  const jump = dice.pick([0, 0, 0, 0, 0, 1, 3, -1, 2 ** 52, 2 ** 53 - 2]);
  const height = Math.min(Math.max(above(parents) + jump, 0), Number.MAX_SAFE_INTEGER);
  const stores = randomStores(dice, tree, keys, other);
  return {
    root: tree.root.id,
    parents,
    height,
    stores,
    pin: randomPin(dice, tree, parents, other),
  };
}

/** Often what an honest author would pin, else anything. */
function randomPin(dice: Dice, tree: Tree, parents: readonly Entry[], other: Tree): ID[] {
  switch (dice.below(8)) {
    case 0:
      return [];
    case 1:
      return [randomEntry(dice, other).id];
    case 2:
      return [ID.ofDagCbor(utf8(`nowhere ${dice.below(100)}`))];
    case 3:
      return [randomEntry(dice, tree).id, randomEntry(dice, tree).id];
    default:
      return settingsBelow(dice, tree, parents);
  }
}

/** Settings entries of the tree: the newest, or any. */
function settingsBelow(dice: Dice, tree: Tree, parents: readonly Entry[]): ID[] {
  const all = tree.honest.filter((entry) => entry.inSubtree("_settings"));
  const own = parents.filter((entry) => entry.inSubtree("_settings"));
  return dice.below(2) === 0 && own.length > 0
    ? own.map(({ id }) => id)
    : [dice.below(3) > 0 ? all.at(-1)!.id : dice.pick(all).id];
}

function randomStores(
  dice: Dice,
  tree: Tree,
  keys: readonly number[],
  other: Tree,
): Record<string, StoreLie> {
  const store: StoreLie = { data: PAYLOAD, ...randomStore(dice, tree, other, "s") };
  if (dice.below(3) > 0) return { s: store };
  const someone = keyOf(dice.pick(keys)).publicKey.toString();
  const data = dice.pick([
    granting({ [someone]: dice.pick([Permission.admin(0), Permission.write(1)]) }, "n0"),
    '{"children":{"name":{"Text":"forged"}}}',
    "not settings",
    '{"_a":true,"children":{}}',
  ]);
  return { _settings: { data, ...randomStore(dice, tree, other, "_settings") } };
}

/** Parents and height of an entry in a store. */
function randomStore(dice: Dice, tree: Tree, other: Tree, name: string): StoreLie {
  const from = dice.below(10) === 0 ? other : tree;
  const members = entriesOf(from).filter((entry) => entry.inSubtree(name));
  const parents = members.length === 0 || dice.below(4) === 0 ? [] : [dice.pick(members).id];
  return dice.below(10) === 0 ? { parents, height: dice.below(5) } : { parents };
}

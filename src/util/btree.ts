/**
 * A sorted map: a B+ tree whose `clone()` takes constant time, because clones share nodes until one of them
 * changes.
 *
 * ```text
 * leaf    keys in ascending order, and as many values
 * branch  children, and as many keys: all keys below child i are ≥ keys[i], all before it are < keys[i];
 *         keys[0] says nothing
 * ```
 *
 * A node belongs to the tree whose number it carries, which alone may change it. A tree that is cloned
 * takes a new number, and so disowns all its nodes.
 *
 * @module
 */

/** Tells the order of two keys: negative, zero or positive. */
export type Compare<K> = (a: K, b: K) => number;

interface Leaf<K, V> {
  readonly owner: number;
  readonly keys: K[];
  readonly values: V[];
  readonly children: undefined;
}

interface Branch<K, V> {
  readonly owner: number;
  readonly keys: K[];
  readonly values: undefined;
  readonly children: Node<K, V>[];
}

type Node<K, V> = Leaf<K, V> | Branch<K, V>;

/** A branch on the way to a leaf, and which of its children is next on it. */
interface Place<K, V> {
  readonly node: Branch<K, V>;
  at: number;
}

/** Most keys of a node, unless a tree is told otherwise. */
const MAX_KEYS = 32;

let owners = 0;

/** A sorted map. Changing it while one of its iterators is in use is not allowed; clone it first. */
export class BTree<K, V> {
  readonly #compare: Compare<K>;
  readonly #maxKeys: number;
  #owner: number = ++owners;
  #root: Node<K, V>;
  #size = 0;

  /** Makes an empty map that is ordered by `compare`; a node has at most `maxKeys` ≥ 8 keys. */
  constructor(compare: Compare<K>, maxKeys: number = MAX_KEYS) {
    this.#compare = compare;
    this.#maxKeys = maxKeys;
    this.#root = leaf(this.#owner, [], []);
  }

  /** Number of pairs. */
  get size(): number {
    return this.#size;
  }

  /** An independent map with the same pairs, in constant time. */
  clone(): BTree<K, V> {
    const copy = new BTree<K, V>(this.#compare, this.#maxKeys);
    copy.#root = this.#root;
    copy.#size = this.#size;
    this.#owner = ++owners;
    return copy;
  }

  /** The value of `key`. */
  get(key: K): V | undefined {
    let node = this.#root;
    while (node.children !== undefined) node = node.children[this.#childOf(node.keys, key)]!;
    const at = this.#firstFrom(node.keys, key);
    return this.#isAt(node.keys, at, key) ? node.values[at] : undefined;
  }

  /** Adds or replaces; true if `key` is new. */
  set(key: K, value: V): boolean {
    const size = this.#size;
    const root = this.#root = this.#owned(this.#root);
    const right = this.#setIn(root, key, value);
    if (right !== undefined) {
      this.#root = branch(this.#owner, [root.keys[0]!, right.keys[0]!], [root, right]);
    }
    return this.#size > size;
  }

  /** Removes; true if `key` was present. */
  delete(key: K): boolean {
    const size = this.#size;
    const root = this.#root = this.#owned(this.#root);
    this.#deleteIn(root, key);
    if (root.children?.length === 1) this.#root = root.children[0]!;
    return this.#size < size;
  }

  /** Pairs in ascending order, from the first key ≥ `from`. */
  *entries(from?: K): IterableIterator<[K, V]> {
    const path: Place<K, V>[] = [];
    let leaf: Leaf<K, V> | undefined = this.#descend(path, this.#root, from, 1);
    for (; leaf !== undefined; leaf = this.#next(path, 1)) {
      const { keys, values } = leaf;
      const first = from === undefined ? 0 : this.#firstFrom(keys, from);
      for (let at = first; at < keys.length; at++) yield [keys[at]!, values[at]!];
    }
  }

  /** Pairs in descending order, from the last key < `before`. */
  *entriesReversed(before?: K): IterableIterator<[K, V]> {
    const path: Place<K, V>[] = [];
    let leaf: Leaf<K, V> | undefined = this.#descend(path, this.#root, before, -1);
    for (; leaf !== undefined; leaf = this.#next(path, -1)) {
      const { keys, values } = leaf;
      const end = before === undefined ? keys.length : this.#firstFrom(keys, before);
      for (let at = end - 1; at >= 0; at--) yield [keys[at]!, values[at]!];
    }
  }

  /** Calls back with each pair in ascending order. */
  forEachPair(callback: (key: K, value: V) => void): void {
    visit(this.#root, callback);
  }

  /** The leaf that `key` belongs to, or the one at the end; notes the way to it. */
  #descend(path: Place<K, V>[], from: Node<K, V>, key: K | undefined, step: 1 | -1): Leaf<K, V> {
    let node = from;
    while (node.children !== undefined) {
      const end = step === 1 ? 0 : node.children.length - 1;
      const at = key === undefined ? end : this.#childOf(node.keys, key);
      path.push({ node, at });
      node = node.children[at]!;
    }
    return node;
  }

  /** The leaf beside the one that the path leads to. */
  #next(path: Place<K, V>[], step: 1 | -1): Leaf<K, V> | undefined {
    for (let last = path.at(-1); last !== undefined; last = path.at(-1)) {
      const child = last.node.children[last.at += step];
      if (child !== undefined) return this.#descend(path, child, undefined, step);
      path.pop();
    }
    return undefined;
  }

  /** Place of the first key ≥ `key`. */
  #firstFrom(keys: readonly K[], key: K): number {
    let low = 0;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#compare(keys[middle]!, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Place of the child that `key` belongs to: the last one with keys[i] ≤ `key`, else the first. */
  #childOf(keys: readonly K[], key: K): number {
    let low = 0;
    let high = keys.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#compare(keys[middle]!, key) > 0) high = middle - 1;
      else low = middle;
    }
    return low;
  }

  #isAt(keys: readonly K[], at: number, key: K): boolean {
    return at < keys.length && this.#compare(keys[at]!, key) === 0;
  }

  /** The node, or a copy of it that this tree may change. */
  #owned(node: Node<K, V>): Node<K, V> {
    const owner = this.#owner;
    if (node.owner === owner) return node;
    const keys = node.keys.slice();
    if (node.children === undefined) return leaf(owner, keys, node.values.slice());
    return branch(owner, keys, node.children.slice());
  }

  #ownedChild(children: Node<K, V>[], at: number): Node<K, V> {
    return children[at] = this.#owned(children[at]!);
  }

  /** Sets in an owned node; what makes it too large is returned, to stand at its right. */
  #setIn(node: Node<K, V>, key: K, value: V): Node<K, V> | undefined {
    if (node.children === undefined) this.#setInLeaf(node, key, value);
    else this.#setInChild(node, key, value);
    return node.keys.length > this.#maxKeys ? this.#split(node) : undefined;
  }

  #setInLeaf({ keys, values }: Leaf<K, V>, key: K, value: V): void {
    const at = this.#firstFrom(keys, key);
    if (this.#isAt(keys, at, key)) {
      values[at] = value;
      return;
    }
    keys.splice(at, 0, key);
    values.splice(at, 0, value);
    this.#size++;
  }

  #setInChild({ keys, children }: Branch<K, V>, key: K, value: V): void {
    const at = this.#childOf(keys, key);
    const right = this.#setIn(this.#ownedChild(children, at), key, value);
    if (right === undefined) return;
    keys.splice(at + 1, 0, right.keys[0]!);
    children.splice(at + 1, 0, right);
  }

  /** Cuts an owned node in two and returns the right part. */
  #split(node: Node<K, V>): Node<K, V> {
    const half = node.keys.length >> 1;
    const keys = node.keys.splice(half);
    if (node.children === undefined) return leaf(this.#owner, keys, node.values.splice(half));
    return branch(this.#owner, keys, node.children.splice(half));
  }

  #deleteIn(node: Node<K, V>, key: K): void {
    if (node.children !== undefined) {
      const at = this.#childOf(node.keys, key);
      this.#deleteIn(this.#ownedChild(node.children, at), key);
      this.#mend(node, at);
      return;
    }
    const at = this.#firstFrom(node.keys, key);
    if (!this.#isAt(node.keys, at, key)) return;
    node.keys.splice(at, 1);
    node.values.splice(at, 1);
    this.#size--;
  }

  /** Gives what is left of a child that became small to its neighbour; a neighbour that became large is cut. */
  #mend({ keys, children }: Branch<K, V>, at: number): void {
    if (children[at]!.keys.length >= this.#maxKeys >> 2 || children.length === 1) return;
    const left = Math.max(at - 1, 0);
    const node = this.#ownedChild(children, left);
    join(node, children[left + 1]!, keys[left + 1]!);
    keys.splice(left + 1, 1);
    children.splice(left + 1, 1);
    if (node.keys.length <= this.#maxKeys) return;
    const right = this.#split(node);
    keys.splice(left + 1, 0, right.keys[0]!);
    children.splice(left + 1, 0, right);
  }
}

function leaf<K, V>(owner: number, keys: K[], values: V[]): Leaf<K, V> {
  return { owner, keys, values, children: undefined };
}

function branch<K, V>(owner: number, keys: K[], children: Node<K, V>[]): Branch<K, V> {
  return { owner, keys, values: undefined, children };
}

/** Adds the content of a node, which begins at `start`, to the one at its left. */
function join<K, V>(left: Node<K, V>, right: Node<K, V>, start: K): void {
  if (left.children === undefined) {
    left.keys.push(...right.keys);
    left.values.push(...right.values!);
    return;
  }
  left.keys.push(start, ...right.keys.slice(1));
  left.children.push(...right.children!);
}

function visit<K, V>(node: Node<K, V>, callback: (key: K, value: V) => void): void {
  const { keys, values, children } = node;
  if (children !== undefined) { for (const child of children) visit(child, callback); }
  else for (let at = 0; at < keys.length; at++) callback(keys[at]!, values[at]!);
}

/** Orders strings by UTF-16 code units, as `<` does. */
export function compareStrings(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

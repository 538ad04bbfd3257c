/**
 * The port that cuts the circle between `Doc`, `List` and what turns plain values and JSON into them:
 * both classes enter their constructors here when they load; readers and converters call them.
 *
 * @module
 */
import type { BTree } from "../util/btree.ts";
import { CrdtError } from "../util/errors.ts";
import type { Doc } from "./doc.ts";
import type { List } from "./list.ts";
import type { Item } from "./list_items.ts";
import type { Value } from "./value.ts";

/** Children of a document: stored values by key, tombstones included. */
export type Children = BTree<string, Value>;

/** Makes a document that takes over `children`. */
export type MakeDoc = (children: Children, atomic: boolean) => Doc;

/** Makes a list that takes over `items`, which must be sorted. */
export type MakeList = (items: Item[]) => List;

let docMaker: MakeDoc | undefined;
let listMaker: MakeList | undefined;

/** Enters the constructor of `Doc`. Called once, by its file. */
export function setDocMaker(maker: MakeDoc): void {
  docMaker = maker;
}

/** Enters the constructor of `List`. Called once, by its file. */
export function setListMaker(maker: MakeList): void {
  listMaker = maker;
}

/** Makes a document that takes over `children`. */
export function makeDoc(children: Children, atomic: boolean): Doc {
  return (docMaker ?? notLoaded("Doc"))(children, atomic);
}

/** Makes a list that takes over `items`, which must be sorted. */
export function makeList(items: Item[]): List {
  return (listMaker ?? notLoaded("List"))(items);
}

function notLoaded(name: string): never {
  throw new CrdtError("InvalidValue", `Cannot make a ${name}: its module was not imported`);
}

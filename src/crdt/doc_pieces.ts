import { BTree, compareStrings } from "../util/btree.ts";
import { CrdtError } from "../util/errors.ts";
import { type Doc, makeDoc } from "./doc.ts";
import type { Children } from "./doc_core.ts";
import { isSorted } from "./list_items.ts";
import { isBranch, type Value } from "./value.ts";

/** How many direct children a piece holds. */
const PIECE_CHILDREN = 512;

/**
 * Cuts a document into small ones whose merge, in order, is the document again: consecutive children,
 * tombstones included, the first piece with its atomic flag. Later changes of the document do not show,
 * and the pieces must not be changed.
 *
 * Throws {@link CrdtError} `SerializationFailed` for a document whose stored form would be read as
 * another one: reading sorts lists, and hostile positions (denominator 0) have no consistent order.
 */
export function* docPieces(doc: Doc): IterableIterator<Doc> {
  doc.share();
  let children = noChildren();
  let isAtomic = doc.isAtomic();
  for (const [key, value] of doc.peekChildren().clone().entries()) {
    checkReadsBack(value);
    children.set(key, value);
    if (children.size < PIECE_CHILDREN) continue;
    yield makeDoc(children, isAtomic);
    [children, isAtomic] = [noChildren(), false];
  }
  if (children.size > 0 || isAtomic) yield makeDoc(children, isAtomic);
}

function noChildren(): Children {
  return new BTree(compareStrings);
}

function checkReadsBack(value: Value): void {
  if (!isBranch(value)) return;
  if (value.typeName === "doc") {
    value.peekEach((_key, child) => checkReadsBack(child));
  } else if (isSorted(value.peekItems())) {
    for (const item of value.peekItems()) checkReadsBack(item.value);
  } else {
    const reason = "a list holds positions without an order";
    throw new CrdtError("SerializationFailed", `Cannot cut a document into pieces: ${reason}`, {
      fields: { reason },
    });
  }
}

import type { Doc } from "./doc.ts";
import type { Children } from "./doc_core.ts";
import { type DocMaker, readDocBytes } from "./doc_reader.ts";
import type { List } from "./list.ts";
import type { Position } from "./position.ts";
import { isVisible, type Value } from "./value.ts";

/** Stands for whatever is read and not kept. */
const ANY: unknown = Object.freeze({});

/**
 * The keys of a document in its stored form, as `Doc.keys` gives them of the document, which is not made: an
 * entry is built without the code of documents. Throws `SerializeError` `DeserializationFailed`.
 */
export function visibleKeys(bytes: Uint8Array): Set<string> {
  // The document that is finished last is the outermost one.
  let last: ReadonlyMap<string, Value> = new Map();
  const make: DocMaker = {
    // The reader does nothing but set.
    children: () => new Map<string, Value>() as unknown as Children,
    doc: (children) => {
      last = children as unknown as typeof last;
      return ANY as Doc;
    },
    list: () => ANY as List,
    position: () => ANY as Position,
  };
  readDocBytes(bytes, make);
  return new Set([...last].filter(([, value]) => isVisible(value)).map(([key]) => key));
}

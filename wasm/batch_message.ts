/**
 * How a part of a batch travels to a thread: one buffer that holds, for each item, the lengths of public
 * key, signature and data (three unsigned 32-bit integers, little endian) and then these bytes in this
 * order. Separate arrays would be copied with everything that shares their buffers, and Deno takes
 * milliseconds to receive a typed array where a bare buffer takes none.
 *
 * @module
 */

import type { VerifyItem } from "./types.ts";

const HEADER = 12;

/** Packs items into one buffer. */
export function packItems(items: readonly VerifyItem[]): ArrayBuffer {
  let length = 0;
  for (const item of items) {
    length += HEADER + partsOf(item).reduce((sum, part) => sum + part.length, 0);
  }
  const out = new Uint8Array(length);
  const view = new DataView(out.buffer);
  let offset = 0;
  for (const item of items) {
    const parts = partsOf(item);
    parts.forEach((part, index) => view.setUint32(offset + 4 * index, part.length, true));
    offset += HEADER;
    for (const part of parts) {
      out.set(part, offset);
      offset += part.length;
    }
  }
  return out.buffer;
}

/** Undoes {@link packItems}; the items are views of `packed`. */
export function unpackItems(packed: ArrayBuffer): VerifyItem[] {
  const bytes = new Uint8Array(packed);
  const view = new DataView(packed);
  const items: VerifyItem[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const header = offset;
    offset += HEADER;
    const take = (index: number): Uint8Array => {
      const start = offset;
      offset += view.getUint32(header + 4 * index, true);
      return bytes.subarray(start, offset);
    };
    items.push({ publicKey: take(0), signature: take(1), data: take(2) });
  }
  return items;
}

function partsOf(item: VerifyItem): readonly Uint8Array[] {
  return [item.publicKey, item.signature, item.data];
}

/**
 * How a part of a batch travels to a thread: one buffer that holds, for each item, the lengths of public
 * key, signature and data (three unsigned 32-bit integers, little endian) and then these bytes in this
 * order. Separate arrays would be copied with everything that shares their buffers.
 *
 * @module
 */

import type { VerifyItem } from "./types.ts";

const HEADER = 12;

/** Packs items into one buffer. */
export function packItems(items: readonly VerifyItem[]): Uint8Array<ArrayBuffer> {
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
  return out;
}

/** Undoes {@link packItems}; the items are views of `bytes`. */
export function unpackItems(bytes: Uint8Array): VerifyItem[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
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

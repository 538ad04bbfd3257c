import { concat } from "../../../util/bytes.ts";
import { malformed } from "../varint.ts";

/** Bytes in the format deflate, without head or checksum. */
export async function deflate(bytes: Uint8Array): Promise<Uint8Array> {
  return await through(new CompressionStream("deflate-raw"), bytes, Infinity);
}

/** What was deflated. `Malformed` when it is not, or has more than so many bytes, of which no more are made. */
export async function inflate(bytes: Uint8Array, most: number): Promise<Uint8Array> {
  try {
    return await through(new DecompressionStream("deflate-raw"), bytes, most);
  } catch {
    throw malformed(`a block is not deflated, or has more than ${most} bytes`);
  }
}

async function through(
  stream: CompressionStream | DecompressionStream,
  bytes: Uint8Array,
  most: number,
): Promise<Uint8Array> {
  const writer = stream.writable.getWriter();
  // A failure shows when reading.
  writer.write(bytes as Uint8Array<ArrayBuffer>).catch(() => {});
  writer.close().catch(() => {});
  const parts: Uint8Array[] = [];
  let length = 0;
  for (const reader = stream.readable.getReader();;) {
    const { value, done } = await reader.read();
    if (done) return concat(...parts);
    length += value.length;
    if (length > most) {
      await reader.cancel();
      throw new RangeError("too long");
    }
    parts.push(value);
  }
}

import { concat } from "../../util/bytes.ts";

/** Bytes that small frames have together in one message of a link. */
const TOGETHER_BYTES = 64 * 1024;

/** Frames put together, so that many small ones make few messages of a link. */
export function* together(frames: readonly Uint8Array[]): Generator<Uint8Array> {
  let some: Uint8Array[] = [];
  let size = 0;
  for (const frame of frames) {
    if (size + frame.length > TOGETHER_BYTES && some.length > 0) {
      yield concat(...some);
      [some, size] = [[], 0];
    }
    some.push(frame);
    size += frame.length;
  }
  if (some.length > 0) yield concat(...some);
}

/**
 * EDGE: the journal of a file storage, a file that only grows.
 *
 * ```text
 * header  = "EIDETICA" u32 format(1)
 * frame   = u32 magic("EIDF") u32 length(payload) u32 crc32(payload) payload
 * payload = f64 last-version change*
 * change  = u8 1 u32 length(key) u32 length(value) f64 version key value      set
 *         | u8 0 u32 length(key) key                                          delete
 * ```
 *
 * Numbers are big-endian; versions are integers up to 2^53 - 1. A frame is one batch, or several that were committed
 * together, and counts only
 * when it is whole and its checksum agrees. One that does not and has none behind it was torn by a
 * crash before it was acknowledged. `last-version` is the highest version given so far, kept even
 * when the key that had it is gone.
 *
 * @module
 */

import { fs, zlib } from "#node";
import { turns } from "../../util/turns.ts";

/** What a journal begins with. */
const MAGIC: Uint8Array = new TextEncoder().encode("EIDETICA");
/** The format that this version reads and writes. */
export const JOURNAL_FORMAT = 1;
/** Length of the header, in bytes. */
export const HEADER_BYTES = 12;
const FRAME_MAGIC = 0x45494446;
const FRAME_HEADER_BYTES = 12;
/** How much of a journal is read at once, in bytes. */
const WINDOW_BYTES = 1 << 20;

/** One change of a frame. */
export interface Change {
  /** The key. */
  readonly key: Uint8Array;
  /** The new value; undefined when the key is deleted. */
  readonly value?: Uint8Array;
  /** Version of the value. */
  readonly version: number;
}

/** Where a value is in the journal. */
export interface Located {
  /** Its first byte. */
  readonly position: number;
  /** How many bytes it has. */
  readonly length: number;
  /** Its version. */
  readonly version: number;
}

/** Takes what a frame says. */
export interface FrameVisitor {
  /** The highest version given so far. */
  lastVersion(version: number): void;
  /** A key has a value now. The key is a copy. */
  set(key: Uint8Array, located: Located): void;
  /** A key has none any more. */
  delete(key: Uint8Array): void;
}

/** The bytes that every journal begins with. */
export function encodeHeader(): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  header.set(MAGIC);
  new DataView(header.buffer).setUint32(MAGIC.length, JOURNAL_FORMAT);
  return header;
}

/** The format of a journal; undefined when the file is something else. */
export function readFormat(fd: number): number | undefined {
  const header = readAt(fd, 0, HEADER_BYTES);
  if (header.length < HEADER_BYTES) return undefined;
  if (MAGIC.some((byte, at) => header[at] !== byte)) return undefined;
  return viewOf(header).getUint32(MAGIC.length);
}

/** The bytes of one frame. */
export function encodeFrame(lastVersion: number, changes: readonly Change[]): Uint8Array {
  let length = FRAME_HEADER_BYTES + 8;
  for (const { key, value } of changes) {
    length += key.length + (value === undefined ? 5 : 17 + value.length);
  }
  const frame = new Uint8Array(length);
  const view = viewOf(frame);
  view.setFloat64(FRAME_HEADER_BYTES, lastVersion);
  let at = FRAME_HEADER_BYTES + 8;
  for (const change of changes) at = encodeChange(frame, view, at, change);
  const payload = frame.subarray(FRAME_HEADER_BYTES);
  view.setUint32(0, FRAME_MAGIC);
  view.setUint32(4, payload.length);
  view.setUint32(8, zlib.crc32(payload));
  return frame;
}

function encodeChange(
  frame: Uint8Array,
  view: DataView,
  start: number,
  { key, value, version }: Change,
): number {
  let at = start;
  view.setUint8(at, value === undefined ? 0 : 1);
  view.setUint32(at + 1, key.length);
  at += 5;
  if (value !== undefined) {
    view.setUint32(at, value.length);
    view.setFloat64(at + 4, version);
    at += 12;
  }
  frame.set(key, at);
  if (value !== undefined) frame.set(value, at + key.length);
  return at + key.length + (value?.length ?? 0);
}

/** Visits the whole frames that `bytes` begins with; returns how many bytes they take. */
export function visitFrames(bytes: Uint8Array, position: number, visitor: FrameVisitor): number {
  const view = viewOf(bytes);
  let at = 0;
  for (let size; (size = wholeFrame(bytes, view, at)) > 0; at += size) {
    visitPayload(bytes, view, at + FRAME_HEADER_BYTES, at + size, position, visitor);
  }
  return at;
}

/** Length of the frame at `at`; 0 when there is none, or not all of it. */
function wholeFrame(bytes: Uint8Array, view: DataView, at: number): number {
  if (at + FRAME_HEADER_BYTES > bytes.length || view.getUint32(at) !== FRAME_MAGIC) return 0;
  const end = at + FRAME_HEADER_BYTES + view.getUint32(at + 4);
  if (end > bytes.length) return 0;
  const payload = bytes.subarray(at + FRAME_HEADER_BYTES, end);
  return zlib.crc32(payload) === view.getUint32(at + 8) ? end - at : 0;
}

function visitPayload(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  position: number,
  visitor: FrameVisitor,
): void {
  visitor.lastVersion(view.getFloat64(start));
  for (let at = start + 8; at < end;) {
    const isSet = view.getUint8(at) === 1;
    const keyLength = view.getUint32(at + 1);
    const keyAt = at + (isSet ? 17 : 5);
    const key = bytes.slice(keyAt, keyAt + keyLength);
    at = keyAt + keyLength;
    if (!isSet) {
      visitor.delete(key);
      continue;
    }
    const length = view.getUint32(keyAt - 12);
    visitor.set(key, { position: position + at, length, version: view.getFloat64(keyAt - 8) });
    at += length;
  }
}

/** An open journal, read up to `end`. */
export class Journal {
  /** Its descriptor. */
  readonly fd: number;
  /** Number of the file on its disk, which differs after the journal was replaced. */
  readonly inode: number;
  /** End of the last frame that was read or written. */
  end: number = HEADER_BYTES;

  /** Opens the file at `path`. */
  constructor(path: string, isReadOnly: boolean) {
    this.fd = fs.openSync(path, isReadOnly ? "r" : "r+");
    this.inode = fs.fstatSync(this.fd).ino;
  }

  /** How many bytes the file has. */
  get size(): number {
    return fs.fstatSync(this.fd).size;
  }

  /** Visits the frames after `end`, up to one that is not whole. */
  readFrames(visitor: FrameVisitor): void {
    for (const _ of this.#windows(visitor));
  }

  /**
   * As {@link readFrames}, for a whole journal: others have their turns. `mayGoOn` is asked after each of these,
   * and ends it by throwing.
   */
  async readFramesInTurns(visitor: FrameVisitor, mayGoOn: () => void): Promise<void> {
    for (const _ of this.#windows(visitor)) {
      if (!turns.isOver) continue;
      await turns.next();
      mayGoOn();
    }
  }

  /** Visits the frames that one read brings at each step. */
  *#windows(visitor: FrameVisitor): Iterable<void> {
    const size = this.size;
    for (let wanted = WINDOW_BYTES; this.end < size;) {
      const window = readAt(this.fd, this.end, Math.min(wanted, size - this.end));
      const used = visitFrames(window, this.end, visitor);
      this.end += used;
      const announced = used > 0 ? WINDOW_BYTES : announcedLength(window);
      if (used === 0 && (announced <= window.length || announced > size - this.end)) return;
      wanted = announced;
      yield;
    }
  }

  /** Whether a whole frame lies behind `end`, so that what is there is damage and no torn end. */
  hasFrameBehindDamage(): boolean {
    const tail = readAt(this.fd, this.end, this.size - this.end);
    const view = viewOf(tail);
    for (let at = 1; at + FRAME_HEADER_BYTES <= tail.length; at++) {
      if (tail[at] === 0x45 && wholeFrame(tail, view, at) > 0) return true;
    }
    return false;
  }

  /** Cuts off what lies behind `end`. */
  truncate(): void {
    fs.ftruncateSync(this.fd, this.end);
  }

  /** Writes a frame at the end and tells where; `isFull` waits until the disk has it. */
  append(frame: Uint8Array, isFull: boolean): number {
    const position = this.end;
    try {
      writeAt(this.fd, position, frame);
      if (isFull) fs.fdatasyncSync(this.fd);
    } catch (error) {
      this.truncate();
      throw error;
    }
    this.end += frame.length;
    return position;
  }

  /** The bytes of a value. */
  read({ position, length }: Located): Uint8Array {
    return readAt(this.fd, position, length);
  }

  /** Closes the file. */
  close(): void {
    fs.closeSync(this.fd);
  }
}

/** Length that the frame at the beginning says to have; 0 when there is no frame. */
function announcedLength(bytes: Uint8Array): number {
  if (bytes.length < FRAME_HEADER_BYTES) return 0;
  const view = viewOf(bytes);
  return view.getUint32(0) === FRAME_MAGIC ? FRAME_HEADER_BYTES + view.getUint32(4) : 0;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function readAt(fd: number, position: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const read = fs.readSync(fd, bytes, at, length - at, position + at);
    if (read === 0) return bytes.subarray(0, at);
    at += read;
  }
  return bytes;
}

/** Writes all of `bytes`, which one call does not promise. */
export function writeAt(fd: number, position: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    at += fs.writeSync(fd, bytes, at, bytes.length - at, position + at);
  }
}

/** Messages of the native protocol as bytes; `messages.ts` has the format. */

import {
  CURSOR_BYTES,
  decodeCursor,
  encodeCursor,
  type LogCursor,
} from "../../backend/log/log_cursor.ts";
import { encodeFrame, type Frame, SKIPPED_TYPES } from "./frames.ts";
import {
  type Access,
  type Close,
  type Credit,
  type Deny,
  type Entries,
  type Hello,
  KEY_BYTES,
  type Mark,
  MAX_CODE_BYTES,
  MAX_ENTRIES,
  MAX_PROOFS,
  MAX_TEXT_BYTES,
  MAX_TIPS,
  MAX_VERSIONS,
  MAX_WANTED,
  type Message,
  NONCE_BYTES,
  type Open,
  type Ping,
  PING_BYTES,
  type Proof,
  type Ranges,
  SIGNATURE_BYTES,
  type State,
  type Stored,
  type Tips,
  type Want,
} from "./messages.ts";
import { readRanges, writeRanges } from "./range_codec.ts";
import { malformed, Reader, Writer } from "./varint.ts";

/** How one kind of message becomes bytes and back. */
interface Codec<M extends Message> {
  readonly code: number;
  write(writer: Writer, message: M): void;
  read(reader: Reader): M;
}

const LOG = 1;
const CURSOR = 2;
const READ = 8;
const WRITE = 16;
const LIVE = 32;

const flags = (...bits: readonly [bit: number, isSet: boolean][]): number =>
  bits.reduce((sum, [bit, isSet]) => isSet ? sum + bit : sum, 0);

function writeCursor(writer: Writer, cursor: LogCursor | undefined): void {
  if (cursor !== undefined) writer.raw(encodeCursor(cursor));
}

function readCursor(reader: Reader): LogCursor {
  return decodeCursor(reader.raw(CURSOR_BYTES)) ?? cannot("a cursor is of another format");
}

function cannot(reason: string): never {
  throw malformed(reason);
}

/** A flag word whose unknown bits are refused, so that they can mean something one day. */
function readFlags(reader: Reader, known: number): number {
  const word = reader.integer(1023);
  return (word & ~known) === 0 ? word : cannot("a flag is not known");
}

const channel = (reader: Reader): number => reader.integer(0xffff_ffff);
const ids = (reader: Reader, most: number) => reader.list(most, 2, () => reader.id());
const code = (reader: Reader): string => reader.text(MAX_CODE_BYTES);
const said = (reader: Reader): string => reader.text(MAX_TEXT_BYTES);

const hello: Codec<Hello> = {
  code: 0x01,
  write(writer, message) {
    writer.list(message.versions, (version) => writer.integer(version)).raw(message.key);
    writer.raw(message.nonce).integer(message.time);
    writer.raw(message.wantedKey ?? new Uint8Array(KEY_BYTES));
    writer.integer(message.features).integer(message.frameLimit).integer(message.credit);
  },
  read(reader) {
    const versions = reader.list(MAX_VERSIONS, 1, () => reader.integer());
    const [key, nonce] = [reader.raw(KEY_BYTES), reader.raw(NONCE_BYTES)];
    const time = reader.integer();
    const wanted = reader.raw(KEY_BYTES);
    const wantedKey = wanted.some((byte) => byte !== 0) ? wanted : undefined;
    const [features, frameLimit, credit] = [reader.integer(), reader.integer(), reader.integer()];
    // What later versions append is theirs: both sides sign these bytes whole.
    if (!reader.isAtEnd) reader.raw(reader.left);
    return { type: "hello", versions, key, nonce, time, wantedKey, features, frameLimit, credit };
  },
};

const proof: Codec<Proof> = {
  code: 0x02,
  write: (writer, { signature }) => void writer.raw(signature),
  read: (reader) => ({ type: "proof", signature: reader.raw(SIGNATURE_BYTES) }),
};

const open: Codec<Open> = {
  code: 0x03,
  write(writer, message) {
    const { log, cursor, live } = message;
    writer.integer(message.channel).id(message.tree).integer(flags(
      [LOG, log !== undefined],
      [CURSOR, cursor !== undefined],
      [LIVE, live],
    ));
    writer.list(message.proofs, ({ key, signature }) => writer.raw(key).raw(signature));
    writer.list(message.tips, (id) => writer.id(id));
    writeCursor(writer, log);
    writeCursor(writer, cursor);
  },
  read(reader) {
    const [number, tree] = [channel(reader), reader.id()];
    const word = readFlags(reader, LOG | CURSOR | LIVE);
    return {
      type: "open",
      channel: number,
      tree,
      live: (word & LIVE) !== 0,
      proofs: reader.list(MAX_PROOFS, KEY_BYTES + SIGNATURE_BYTES, () => ({
        key: reader.raw(KEY_BYTES),
        signature: reader.raw(SIGNATURE_BYTES),
      })),
      tips: ids(reader, MAX_TIPS),
      log: (word & LOG) === 0 ? undefined : readCursor(reader),
      cursor: (word & CURSOR) === 0 ? undefined : readCursor(reader),
    };
  },
};

const state: Codec<State> = {
  code: 0x04,
  write(writer, message) {
    const { log, cursor, mayRead, mayWrite } = message;
    writer.integer(message.channel).integer(flags(
      [LOG, log !== undefined],
      [CURSOR, cursor !== undefined],
      [READ, mayRead],
      [WRITE, mayWrite],
    ));
    writer.list(message.tips, (id) => writer.id(id)).bytes(bitsOf(message.held));
    writer.integer(message.count);
    writeCursor(writer, log);
    writeCursor(writer, cursor);
  },
  read(reader) {
    const number = channel(reader);
    const word = readFlags(reader, LOG | CURSOR | READ | WRITE);
    return {
      type: "state",
      channel: number,
      mayRead: (word & READ) !== 0,
      mayWrite: (word & WRITE) !== 0,
      tips: ids(reader, MAX_TIPS),
      held: heldOf(reader.bytes(MAX_TIPS / 8)),
      count: reader.integer(),
      log: (word & LOG) === 0 ? undefined : readCursor(reader),
      cursor: (word & CURSOR) === 0 ? undefined : readCursor(reader),
    };
  },
};

function bitsOf(held: readonly boolean[]): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(held.length / 8));
  held.forEach((isHeld, at) => bytes[at >> 3]! |= isHeld ? 1 << (at & 7) : 0);
  return bytes;
}

function heldOf(bytes: Uint8Array): boolean[] {
  return Array.from(
    { length: bytes.length * 8 },
    (_, at) => ((bytes[at >> 3]! >> (at & 7)) & 1) === 1,
  );
}

const ranges: Codec<Ranges> = {
  code: 0x05,
  write: (writer, message) => writeRanges(writer.integer(message.channel), message.ranges),
  read: (reader) => ({ type: "ranges", channel: channel(reader), ranges: readRanges(reader) }),
};

const want: Codec<Want> = {
  code: 0x06,
  write: (writer, message) =>
    void writer.integer(message.channel).list(message.ids, (id) => writer.id(id)),
  read: (reader) => ({ type: "want", channel: channel(reader), ids: ids(reader, MAX_WANTED) }),
};

const entries: Codec<Entries> = {
  code: 0x07,
  write: (writer, message) =>
    void writer.integer(message.channel).integer(message.deflated ? 1 : 0).integer(message.count)
      .raw(message.body),
  read(reader) {
    const number = channel(reader);
    const deflated = readFlags(reader, 1) === 1;
    const count = reader.integer(MAX_ENTRIES);
    return { type: "entries", channel: number, deflated, count, body: reader.raw(reader.left) };
  },
};

const mark: Codec<Mark> = {
  code: 0x08,
  write(writer, { channel, cursor, left }) {
    writeCursor(writer.integer(channel), cursor);
    writer.integer(left);
  },
  read: (reader) => ({
    type: "mark",
    channel: channel(reader),
    cursor: readCursor(reader),
    left: reader.integer(),
  }),
};

const stored: Codec<Stored> = {
  code: 0x09,
  write(writer, message) {
    const { cursor } = message;
    writer.integer(message.channel).integer(flags([CURSOR, cursor !== undefined]));
    writeCursor(writer, cursor);
    writer.integer(message.verified).integer(message.waiting).integer(message.failed);
    writer.integer(message.refused).text(message.code);
  },
  read(reader) {
    const number = channel(reader);
    const word = readFlags(reader, CURSOR);
    const cursor = (word & CURSOR) === 0 ? undefined : readCursor(reader);
    const [verified, waiting, failed] = [reader.integer(), reader.integer(), reader.integer()];
    const refused = reader.integer();
    return {
      type: "stored",
      channel: number,
      cursor,
      verified,
      waiting,
      failed,
      refused,
      code: code(reader),
    };
  },
};

const credit: Codec<Credit> = {
  code: 0x0a,
  write: (writer, { bytes }) => void writer.integer(bytes),
  read: (reader) => ({ type: "credit", bytes: reader.integer() }),
};

const tips: Codec<Tips> = {
  code: 0x0b,
  write(writer, message) {
    writer.integer(message.channel).integer(flags([LOG, message.log !== undefined]));
    writeCursor(writer.list(message.tips, (id) => writer.id(id)), message.log);
  },
  read(reader) {
    const number = channel(reader);
    const word = readFlags(reader, LOG);
    const known = ids(reader, MAX_TIPS);
    const log = (word & LOG) === 0 ? undefined : readCursor(reader);
    return { type: "tips", channel: number, tips: known, log };
  },
};

const deny: Codec<Deny> = {
  code: 0x0c,
  write: (writer, message) =>
    void writer.integer(message.channel).text(message.code).text(message.message)
      .integer(message.retryMs),
  read: (reader) => ({
    type: "deny",
    channel: channel(reader),
    code: code(reader),
    message: said(reader),
    retryMs: reader.integer(),
  }),
};

const close: Codec<Close> = {
  code: 0x0d,
  write: (writer, message) =>
    void writer.text(message.code).text(message.message).integer(message.retryMs),
  read: (reader) => ({
    type: "close",
    code: code(reader),
    message: said(reader),
    retryMs: reader.integer(),
  }),
};

const ping: Codec<Ping> = {
  code: 0x0e,
  write: (writer, message) => void writer.integer(message.isAnswer ? 1 : 0).raw(message.token),
  read: (reader) => ({
    type: "ping",
    isAnswer: readFlags(reader, 1) === 1,
    token: reader.raw(PING_BYTES),
  }),
};

const STATES = ["request", "pending", "approved", "rejected"] as const;

const access: Codec<Access> = {
  code: 0x0f,
  write: (writer, message) =>
    void writer.integer(message.channel).integer(STATES.indexOf(message.state)).text(message.id)
      .text(message.permission).text(message.message),
  read: (reader) => ({
    type: "access",
    channel: channel(reader),
    state: STATES[reader.integer(STATES.length - 1)]!,
    id: said(reader),
    permission: code(reader),
    message: said(reader),
  }),
};

const CODECS: { readonly [T in Message["type"]]: Codec<Extract<Message, { type: T }>> } = {
  hello,
  proof,
  open,
  state,
  ranges,
  want,
  entries,
  mark,
  stored,
  credit,
  tips,
  deny,
  close,
  ping,
  access,
};

const BY_CODE = new Map(Object.values(CODECS).map((codec) => [codec.code, codec]));

/** A message as the bytes of one frame. */
export function encodeMessage(message: Message): Uint8Array {
  const codec = CODECS[message.type] as Codec<Message>;
  const writer = new Writer();
  codec.write(writer, message);
  return encodeFrame(codec.code, writer.done());
}

/**
 * The message of a frame; undefined for one that may be skipped. `Malformed` for anything else, also for one of
 * more than `most` bytes that is not a single entry.
 */
export function decodeMessage({ type, payload }: Frame, most: number): Message | undefined {
  const codec = BY_CODE.get(type);
  if (codec === undefined) {
    return type >= SKIPPED_TYPES ? undefined : cannot(`there is no message of type ${type}`);
  }
  const reader = new Reader(payload);
  const message = codec.read(reader);
  reader.end();
  const isLarge = payload.length > most;
  const isOneEntry = message.type === "entries" && message.count === 1;
  return isLarge && !isOneEntry
    ? cannot(`${payload.length} bytes, at most ${most} are taken`)
    : message;
}

/** Messages of the native protocol as bytes; `messages.ts` has the format. */

import { access, hello, open, proof, state } from "./codec_open.ts";
import {
  cannot,
  channel,
  code,
  type Codec,
  CURSOR,
  flags,
  ids,
  LOG,
  readCursor,
  readFlags,
  said,
  writeCursor,
} from "./codec_parts.ts";
import { encodeFrame, type Frame, SKIPPED_TYPES } from "./frames.ts";
import {
  type Close,
  type Credit,
  type Deny,
  type Entries,
  type Mark,
  MAX_ENTRIES,
  MAX_TIPS,
  MAX_WANTED,
  type Message,
  type Ping,
  PING_BYTES,
  type Ranges,
  type Stored,
  type Tips,
  type Want,
} from "./messages.ts";
import { readRanges, writeRanges } from "./range_codec.ts";
import { Reader, Writer } from "./varint.ts";

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

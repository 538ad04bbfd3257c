/** How messages that begin a session, or a channel, become bytes and back; `messages.ts` has the format. */

import {
  bitsOf,
  channel,
  code,
  type Codec,
  CURSOR,
  flags,
  heldOf,
  ids,
  LIVE,
  LOG,
  READ,
  readCursor,
  readFlags,
  said,
  SAME,
  SENDS,
  WRITE,
  writeCursor,
} from "./codec_parts.ts";
import {
  type Access,
  type Hello,
  KEY_BYTES,
  MAX_PROOFS,
  MAX_TIPS,
  MAX_VERSIONS,
  NONCE_BYTES,
  type Open,
  type Proof,
  SIGNATURE_BYTES,
  type State,
} from "./messages.ts";

/** HELLO. */
export const hello: Codec<Hello> = {
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

/** PROOF. */
export const proof: Codec<Proof> = {
  code: 0x02,
  write: (writer, { signature }) => void writer.raw(signature),
  read: (reader) => ({ type: "proof", signature: reader.raw(SIGNATURE_BYTES) }),
};

/** The flag of an OPEN that is vouched for by the proofs of another. */
const VOUCHED = 1;

/** OPEN. */
export const open: Codec<Open> = {
  code: 0x03,
  write(writer, message) {
    const { cursor, live, vouchedBy } = message;
    writer.integer(message.channel).id(message.tree).integer(flags(
      [VOUCHED, vouchedBy !== undefined],
      [CURSOR, cursor !== undefined],
      [LIVE, live],
    ));
    writer.list(message.proofs, ({ key, signature }) => writer.raw(key).raw(signature));
    if (vouchedBy !== undefined) writer.integer(vouchedBy);
    writer.list(message.tips, (id) => writer.id(id));
    writeCursor(writer, cursor);
  },
  read(reader) {
    const [number, tree] = [channel(reader), reader.id()];
    const word = readFlags(reader, VOUCHED | CURSOR | LIVE);
    return {
      type: "open",
      channel: number,
      tree,
      live: (word & LIVE) !== 0,
      proofs: reader.list(MAX_PROOFS, KEY_BYTES + SIGNATURE_BYTES, () => ({
        // Copies: they are kept longer than what they came in.
        key: reader.raw(KEY_BYTES).slice(),
        signature: reader.raw(SIGNATURE_BYTES).slice(),
      })),
      vouchedBy: (word & VOUCHED) === 0 ? undefined : channel(reader),
      tips: ids(reader, MAX_TIPS),
      cursor: (word & CURSOR) === 0 ? undefined : readCursor(reader),
    };
  },
};

/** STATE. */
export const state: Codec<State> = {
  code: 0x04,
  write(writer, message) {
    const { log, cursor, mayRead, mayWrite, sends, isSame } = message;
    writer.integer(message.channel).integer(flags(
      [LOG, log !== undefined],
      [CURSOR, cursor !== undefined],
      [SENDS, sends],
      [READ, mayRead],
      [WRITE, mayWrite],
      [SAME, isSame],
    ));
    writeCursor(writer, log);
    writeCursor(writer, cursor);
    if (isSame) return;
    writer.list(message.tips, (id) => writer.id(id)).bytes(bitsOf(message.held));
    writer.integer(message.count);
  },
  read(reader) {
    const number = channel(reader);
    const word = readFlags(reader, LOG | CURSOR | SENDS | READ | WRITE | SAME);
    const log = (word & LOG) === 0 ? undefined : readCursor(reader);
    const cursor = (word & CURSOR) === 0 ? undefined : readCursor(reader);
    const isSame = (word & SAME) !== 0;
    return {
      type: "state",
      channel: number,
      mayRead: (word & READ) !== 0,
      mayWrite: (word & WRITE) !== 0,
      sends: (word & SENDS) !== 0,
      isSame,
      log,
      cursor,
      tips: isSame ? [] : ids(reader, MAX_TIPS),
      held: isSame ? [] : heldOf(reader.bytes(MAX_TIPS / 8)),
      count: isSame ? 0 : reader.integer(),
    };
  },
};

const STATES = ["request", "pending", "approved", "rejected"] as const;

/** ACCESS. */
export const access: Codec<Access> = {
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

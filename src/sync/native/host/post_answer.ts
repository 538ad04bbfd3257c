/**
 * Answers stateless requests of the native protocol: each is a body of frames, and is answered by frames. Nothing is
 * remembered between two of them.
 *
 * ```text
 * OPEN      →  STATE, then as much of what the sender lacks as the answer has room for: ENTRIES …, MARK
 * RANGES    →  RANGES, and ENTRIES that these have shown to be lacking; instead of the log, where nothing else tells
 * ENTRIES   →  STORED
 * ```
 *
 * @module
 */

import type { ID } from "../../../entry/id.ts";
import type { PublicKey } from "../../../keys/public_key.ts";
import { SyncError } from "../../../util/errors.ts";
import type { VerifyMeter } from "../../access/verify_time.ts";
import type { Block, Items, Judgement } from "../actions.ts";
import { Reading } from "../../access/reading.ts";
import { decodeMessage, encodeMessage } from "../codec.ts";
import { decodeFrames, type Frame } from "../frames.ts";
import { BLOCK_BYTES, INVALID_RETRY_MS, LARGEST_ENTRY_FRAME, SESSION_LIMITS } from "../limits.ts";
import type { Entries, Message, Open, Ranges } from "../messages.ts";
import { answer } from "../reconcile.ts";
import { reasonOf } from "../served_trees.ts";
import { areSameTips } from "../told_tips.ts";
import { type NativeHost, provenKeys } from "./native_host.ts";
import { TreeSide } from "./tree_side.ts";

/** Bytes of entries after which an answer says no more: whoever asks again gets the rest. */
export const POST_ANSWER_BYTES: number = 4 * 1024 * 1024;
/** Databases of which one request may compare ranges. */
export const MAX_POST_COMPARISONS = 4;
/** Databases that one request may open. */
export const MAX_POST_TREES = 256;

/** Who has sent a request. */
export interface PostCaller {
  /** Its proven key. */
  readonly peer: PublicKey;
  /** What other keys sign to vouch for reading a tree. */
  readonly openBytes: (tree: ID) => Uint8Array;
  /** Its time. */
  readonly meter?: VerifyMeter | undefined;
}

type Frames = AsyncGenerator<Uint8Array, void>;

/** The answer to one request. */
export class PostAnswer {
  readonly #host: NativeHost;
  readonly #caller: PostCaller;
  /** What was opened; undefined for what was refused. */
  readonly #opened = new Map<number, TreeSide | undefined>();
  /** Keys that have vouched, by the channel with their proofs. */
  readonly #proven = new Map<number, readonly PublicKey[]>();
  readonly #abort = new AbortController();
  /** Channels of which ranges are told in the body. */
  readonly #compares = new Set<number>();
  /** Those of them for which nothing else tells what is lacking. */
  readonly #undecided = new Set<number>();
  #comparisons = 0;
  #room = POST_ANSWER_BYTES;
  #proofs = 0;
  #invalid = 0;

  /** Answers a caller for an instance. */
  constructor(host: NativeHost, caller: PostCaller) {
    this.#host = host;
    this.#caller = caller;
  }

  /** The frames that answer those of a body. What is malformed, or too much, ends the answer with CLOSE. */
  async *frames(body: Uint8Array): Frames {
    try {
      // All of them must be whole before the first is dealt with; together they may be too many to be kept.
      for (const frame of decodeFrames(body, LARGEST_ENTRY_FRAME)) this.#foresee(frame);
      for (const frame of decodeFrames(body, LARGEST_ENTRY_FRAME)) {
        const message = decodeMessage(frame, SESSION_LIMITS.frameBytes);
        if (message !== undefined) yield* this.#answer(message);
      }
    } catch (error) {
      const [code, message, retryMs] = reasonOf(error);
      yield encodeMessage({ type: "close", code, message: message.slice(0, 200), retryMs });
    } finally {
      this.#abort.abort();
    }
  }

  /** Whoever tells its ranges of a database is not sent its log: they show what it lacks. */
  #foresee(frame: Frame): void {
    if (frame.type !== RANGES) return;
    const message = decodeMessage(frame, SESSION_LIMITS.frameBytes) as Ranges;
    if (this.#compares.has(message.channel)) throw tooMuch("ranges are told twice");
    this.#compares.add(message.channel);
  }

  async *#answer(message: Message): Frames {
    if (!TAKEN.has(message.type)) {
      throw new SyncError(
        "NotOverPost",
        `Cannot take ${message.type.toUpperCase()} in a request that stands alone`,
      );
    }
    try {
      if (message.type === "open") yield* this.#open(message);
      if (message.type === "ranges") yield* this.#compare(message);
      if (message.type === "entries") yield* this.#store(message);
    } catch (error) {
      if (error instanceof SyncError && FATAL.has(error.code)) throw error;
      if (!("channel" in message)) throw error;
      this.#opened.set(message.channel, undefined);
      const [code, text, retryMs] = reasonOf(error);
      yield encodeMessage({
        type: "deny",
        channel: message.channel,
        code,
        message: text.slice(0, 200),
        retryMs,
      });
    }
  }

  // --- OPEN ------------------------------------------------------------------------------------

  async *#open(open: Open): Frames {
    const { channel, tree } = open;
    if (this.#opened.has(channel)) throw tooMuch("a channel is opened twice");
    if (this.#opened.size >= MAX_POST_TREES) throw tooMuch("too many databases are opened");
    this.#opened.set(channel, undefined);
    const { peer } = this.#caller;
    const proven = this.#provenKeys(open);
    const reading = new Reading(this.#host, tree, [peer, ...proven]);
    const side = new TreeSide(this.#host, {
      ...{ tree, peer, reading },
      ...{ deflates: true, keepsCursor: false, meter: this.#caller.meter },
    });
    const judgement = await side.judge(open);
    const { mayRead } = judgement;
    this.#opened.set(channel, side);
    const isSame = mayRead && areSameTips(judgement.tips, open.tips);
    yield stateOf(channel, judgement, isSame);
    if (!mayRead) return;
    await this.#host.noteReader(tree, reading.keys);
    if (!isSame) yield* this.#send(open, side, judgement);
  }

  #provenKeys({ channel, tree, proofs, vouchedBy }: Open): PublicKey[] {
    this.#proofs += proofs.length;
    if (this.#proofs > SESSION_LIMITS.proofs) throw tooMuch("too many proofs are sent");
    this.#caller.meter?.charge(proofs.length);
    const others = vouchedBy === undefined ? [] : this.#proven.get(vouchedBy) ?? [];
    const own = provenKeys(proofs, this.#caller.openBytes(tree));
    if (own.length > 0) this.#proven.set(channel, own);
    return [...own, ...others];
  }

  /**
   * By the tips, when they are known here and it is not much; else by the log from the cursor, by ranges if they are
   * told, or by the log from its beginning.
   */
  async *#send(open: Open, side: TreeSide, { held, isCursorValid, log }: Judgement): Frames {
    const { channel, tips, cursor } = open;
    if (tips.length > 0 && held.every(Boolean)) {
      const { lacking, log: end } = await side.differ(tips, isCursorValid);
      if (lacking !== undefined) return yield* this.#sendItems(channel, side, lacking, end ?? log);
    }
    if (!isCursorValid && this.#compares.has(channel)) return void this.#undecided.add(channel);
    let from = isCursorValid ? cursor : undefined;
    for (let left = 1; left > 0 && this.#room > 0;) {
      const page = await side.page(from, Math.min(BLOCK_BYTES, this.#room));
      if (!page.isValid || page.next === undefined) return;
      if (page.block !== undefined) yield this.#block(channel, page.block);
      [from, left] = [page.next, page.left];
      yield encodeMessage({ type: "mark", channel, cursor: from, left });
    }
  }

  // --- RANGES ----------------------------------------------------------------------------------

  /** Nothing of it is remembered: what is found to be lacking is sent at once. */
  async *#compare({ channel, ranges: told }: Ranges): Frames {
    const side = this.#opened.get(channel);
    if (side === undefined || !this.#undecided.has(channel)) return;
    if (++this.#comparisons > MAX_POST_COMPARISONS) throw tooMany();
    const found = await side.table(false);
    const empty = { ranges: [], lacking: [] };
    const { ranges, lacking } = found === undefined ? empty : answer(found.table, told);
    yield encodeMessage({ type: "ranges", channel, ranges });
    const positions = lacking.flatMap(([from, to]) => {
      return Array.from({ length: to - from }, (_, at) => found!.table.positionAt(from + at));
    });
    yield* this.#sendItems(channel, side, Uint32Array.from(positions), undefined);
  }

  async *#sendItems(
    channel: number,
    side: TreeSide,
    lacking: Items,
    log: Judgement["log"],
  ): Frames {
    let at = 0;
    while (at < lacking.length && this.#room > 0) {
      const maxBytes = Math.min(BLOCK_BYTES, this.#room);
      const { block, taken } = await side.fetch(lacking.slice(at, at + ITEMS_AT_ONCE), maxBytes);
      if (block !== undefined) yield this.#block(channel, block);
      at += taken;
    }
    if (at < lacking.length || log === undefined) return;
    yield encodeMessage({ type: "mark", channel, cursor: log, left: 0 });
  }

  #block(channel: number, block: Block): Uint8Array {
    this.#room -= block.body.length;
    return encodeMessage({ type: "entries", channel, ...block });
  }

  // --- ENTRIES ---------------------------------------------------------------------------------

  async *#store(message: Entries): Frames {
    const { channel } = message;
    const side = this.#opened.get(channel);
    if (!this.#opened.has(channel)) {
      throw tooMuch("entries of a database are sent that is not open");
    }
    // It was denied: what is still under way to it is ignored.
    if (side === undefined) return;
    const report = await side.store([message], this.#abort.signal);
    this.#invalid += report.invalid;
    if (this.#invalid > SESSION_LIMITS.invalid) throw this.#banned();
    const { verified, waiting, failed, refused, code } = report;
    const counts = { verified, waiting, failed, refused, code };
    yield encodeMessage({ type: "stored", channel, cursor: undefined, ...counts });
  }

  #banned(): SyncError {
    this.#host.admissions.ban(this.#caller.peer, INVALID_RETRY_MS);
    const message = "Cannot take more: too many entries are invalid";
    return new SyncError("TooManyInvalid", message, { fields: { retryMs: INVALID_RETRY_MS } });
  }
}

/** Entries that are looked for at once. */
const ITEMS_AT_ONCE = 512;
/** Type of RANGES. */
const RANGES = 0x05;
/** What is taken in a body. */
const TAKEN: ReadonlySet<string> = new Set(["open", "ranges", "entries"]);
/** What ends the whole answer. */
const FATAL: ReadonlySet<string> = new Set(["TooMuch", "TooManyInvalid"]);

function stateOf(channel: number, judgement: Judgement, isSame: boolean): Uint8Array {
  const { mayRead, mayWrite, log } = judgement;
  const { tips, count, held } = mayRead && !isSame ? judgement : NOTHING;
  const what = { mayRead, mayWrite, sends: mayRead, isSame, tips, held, count };
  const end = isSame ? log : undefined;
  return encodeMessage({ type: "state", channel, ...what, log: end, cursor: undefined });
}

const NOTHING = { tips: [], count: 0, held: [] };

function tooMany(): SyncError {
  const message = `Cannot compare more than ${MAX_POST_COMPARISONS} databases in a request`;
  return new SyncError("Busy", message);
}

function tooMuch(why: string): SyncError {
  return new SyncError("TooMuch", `Cannot answer the request: ${why}`);
}

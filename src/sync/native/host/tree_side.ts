import { ArrivalLog } from "../../../backend/log/arrival_log.ts";
import type { LogCursor } from "../../../backend/log/log_cursor.ts";
import type { Entry } from "../../../entry/entry.ts";
import type { ID } from "../../../entry/id.ts";
import type { PublicKey } from "../../../keys/public_key.ts";
import type {
  Block,
  Difference,
  Fetched,
  Items,
  Judgement,
  Page,
  Standing,
  StoreReport,
  Table,
} from "../actions.ts";
import type { Reading } from "../../access/reading.ts";
import { packBlock } from "../block.ts";
import type { VerifyMeter } from "../../access/verify_time.ts";
import { BLOCK_BYTES } from "../limits.ts";
import { type Entries, MAX_TIPS, type Open } from "../messages.ts";
import { deflate } from "./deflate.ts";
import { Intake } from "./intake.ts";
import type { NativeHost } from "./native_host.ts";
import { RecentIds } from "./recent.ts";

/** Entries that are met at most while a difference is looked for that the log could tell, too. */
const FEW = 1024;
/** Bytes from which on a block is worth deflating. */
const DEFLATED_FROM = 512;

/** What a channel begins with: how the tree stands, and up to where the other's log is here. */
export type Opening = Standing & Pick<Open, "cursor">;

/** How a side of a channel is made. */
export interface TreeSideOptions {
  /** Root of the tree. */
  readonly tree: ID;
  /** Key of the other side. */
  readonly peer: PublicKey;
  /** Whether the other side may read; undefined when a user here wants it to have all that this side has. */
  readonly reading: Reading | undefined;
  /** Whether blocks are deflated. */
  readonly deflates: boolean;
  /** Whether up to where the peer's log is here is kept. */
  readonly keepsCursor: boolean;
  /** Time for verifying what the peer sends; undefined where that is not bounded, since this side has asked for it. */
  readonly meter?: VerifyMeter | undefined;
}

/** Does what one channel of a session wants of an instance. */
export class TreeSide {
  readonly #host: NativeHost;
  readonly #options: TreeSideOptions;
  readonly #recent = new RecentIds();
  readonly #intake: Intake;

  /** The side of an instance in a channel. */
  constructor(host: NativeHost, options: TreeSideOptions) {
    this.#host = host;
    this.#options = options;
    const { tree, meter } = options;
    this.#intake = new Intake(host.serving.host.host, tree, this.#recent, meter);
  }

  get #tree(): ID {
    return this.#options.tree;
  }

  get #backend() {
    return this.#host.serving.host.host.backend;
  }

  /** What a channel begins with: how the tree stands, and up to where the other's log is here. */
  async opening(): Promise<Opening> {
    const cursor = await this.#host.cursors.get(this.#tree, this.#options.peer);
    return { ...await this.#standing(), cursor };
  }

  async #standing(): Promise<Standing> {
    const log = await ArrivalLog.of(this.#backend).cursor(this.#tree);
    const { tips } = await this.#backend.verifiedSnapshot(this.#tree);
    // Whoever has some of the tips has less than all, and is sent more.
    return { tips: tips.slice(0, MAX_TIPS), log };
  }

  /** See the question `judge`. */
  async judge(open: Open): Promise<Judgement> {
    const reading = this.#options.reading!;
    // Before anything is done for a stranger, and again for what was read meanwhile.
    await reading.isAllowed();
    const held = await ArrivalLog.of(this.#backend).holds(this.#tree, open.tips);
    const count = (await ArrivalLog.of(this.#backend).head(this.#tree))?.count ?? 0;
    const { cursor } = open;
    const isCursorValid = cursor !== undefined &&
      await ArrivalLog.of(this.#backend).isValid(this.#tree, cursor);
    const standing = await this.opening();
    const mayRead = await reading.isAllowed();
    return { ...standing, mayRead, mayWrite: true, held, count, isCursorValid };
  }

  /** See the question `page`. What came from the other side is left out. */
  async page(from: LogCursor | undefined, maxBytes: number): Promise<Page> {
    const page = await ArrivalLog.of(this.#backend).entriesAfter(this.#tree, from, {
      bytes: maxBytes,
    });
    await this.#options.reading?.require();
    if (page === undefined && from !== undefined) return { isValid: false };
    if (page === undefined) return { isValid: true, block: undefined, next: undefined, left: 0 };
    const entries = page.entries.filter(({ id }) => !this.#recent.has(id));
    const { next, left } = page;
    return { isValid: true, block: await this.#pack(entries), next, left };
  }

  /** See the question `differ`. */
  async differ(tips: readonly ID[], isFew: boolean): Promise<Difference> {
    const log = ArrivalLog.of(this.#backend);
    // The place first: what comes after it is sent, and perhaps twice.
    const end = await log.cursor(this.#tree);
    const { lacking, unknown } = await log.difference(
      this.#tree,
      tips,
      isFew ? FEW : this.#host.mostMet,
    );
    await this.#options.reading?.require();
    const isKnown = unknown.length === 0;
    return { lacking: isKnown ? lacking?.map(({ id }) => id) : undefined, isKnown, log: end };
  }

  /** See the question `table`. */
  async table(isHeld: boolean): Promise<Table | undefined> {
    const table = isHeld ? undefined : await this.#host.tables.of(this.#tree);
    await this.#options.reading?.require();
    return table;
  }

  /** See the question `lack`. */
  async lack(ids: readonly ID[]): Promise<ID[]> {
    const rows = await this.#backend.loadRows(ids);
    return ids.filter((_, at) => rows[at] === undefined);
  }

  /** See the question `stand`. */
  async stand(): Promise<Standing> {
    const standing = await this.#standing();
    await this.#options.reading?.require();
    return standing;
  }

  /** See the question `fetch`. What is no Verified entry of the tree is left out. */
  async fetch(items: Items, maxBytes: number): Promise<Fetched> {
    const ids = items instanceof Uint32Array ? await this.#idsAt(items) : items;
    const held = await ArrivalLog.of(this.#backend).holds(this.#tree, ids);
    const entries: Entry[] = [];
    let [taken, bytes] = [0, 0];
    for (; taken < ids.length && (entries.length === 0 || bytes < maxBytes); taken++) {
      const entry = held[taken] ? await this.#backend.find(ids[taken]!) : undefined;
      if (entry === undefined) continue;
      bytes += entry.bytes.length;
      if (entries.length > 0 && bytes > maxBytes) break;
      entries.push(entry);
    }
    await this.#options.reading?.require();
    return { block: await this.#pack(entries), taken };
  }

  /** The IDs at positions of the log. Most of these lie side by side. */
  async #idsAt(positions: Uint32Array): Promise<ID[]> {
    const ids: ID[] = [];
    for (let at = 0; at < positions.length;) {
      let end = at + 1;
      while (positions[end] === positions[at]! + end - at) end++;
      const rows = await ArrivalLog.of(this.#backend).read(this.#tree, positions[at]!, end - at);
      ids.push(...rows.map(({ id }) => id));
      at = end;
    }
    return ids;
  }

  async #pack(entries: readonly { readonly bytes: Uint8Array }[]): Promise<Block | undefined> {
    if (entries.length === 0) return undefined;
    const block = packBlock(entries.map(({ bytes }) => bytes));
    const { length } = block.body;
    const isWorth = this.#options.deflates && length >= DEFLATED_FROM && length <= 2 * BLOCK_BYTES;
    return isWorth ? { ...block, deflated: true, body: await deflate(block.body) } : block;
  }

  /** See the question `store`. Nothing is taken any more of a tree that is not shared any more. */
  async store(blocks: readonly Entries[], signal: AbortSignal): Promise<StoreReport> {
    await this.#options.reading?.isAllowed();
    return await this.#intake.store(blocks, signal);
  }

  /** Notes that everything of the other's log up to a place is durable here. */
  keep(cursor: LogCursor): void {
    if (!this.#options.keepsCursor) return;
    this.#host.cursors.move(this.#tree, this.#options.peer, cursor);
  }
}

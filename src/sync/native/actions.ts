import type { LogCursor } from "../../backend/log/log_cursor.ts";
import type { ID } from "../../entry/id.ts";
import type { Access, Entries, Open } from "./messages.ts";
import type { RangeTable } from "./range_table.ts";

/**
 * What a session wants done by whoever drives it. Those with a question are answered by the method of the same
 * name; the others are told. Entries pass through as blocks that the session never looks into.
 */
export type Action =
  | { readonly do: "send"; readonly bytes: Uint8Array }
  | {
    readonly do: "established";
    readonly key: Uint8Array;
    readonly features: number;
    /** The other side's clock minus this one's. */
    readonly skewMs: number;
  }
  | { readonly do: "judge"; readonly channel: number; readonly open: Open }
  | {
    readonly do: "page";
    readonly channel: number;
    /** Where to read on; undefined for the beginning. */
    readonly from: LogCursor | undefined;
    readonly maxBytes: number;
  }
  | { readonly do: "differ"; readonly channel: number; readonly tips: readonly ID[] }
  | { readonly do: "table"; readonly channel: number }
  | {
    readonly do: "fetch";
    readonly channel: number;
    readonly items: readonly ID[];
    readonly maxBytes: number;
    /** Whether the other side has asked for these by their IDs. */
    readonly wanted: boolean;
  }
  | { readonly do: "store"; readonly channel: number; readonly entries: Entries }
  /** Everything of the other side's log up to here is durable here. */
  | { readonly do: "keep"; readonly channel: number; readonly cursor: LogCursor }
  /** The other side has everything of this side's log up to here. */
  | { readonly do: "reached"; readonly channel: number; readonly cursor: LogCursor }
  /** Some entries were refused by the other side. */
  | {
    readonly do: "refused";
    readonly channel: number;
    readonly count: number;
    readonly code: string;
  }
  | {
    readonly do: "opened";
    readonly channel: number;
    readonly mayRead: boolean;
    readonly mayWrite: boolean;
    readonly count: number;
  }
  | {
    readonly do: "denied";
    readonly channel: number;
    readonly code: string;
    readonly message: string;
    readonly retryMs: number;
  }
  | { readonly do: "access"; readonly message: Access }
  | {
    readonly do: "closed";
    readonly code: string;
    readonly message: string;
    readonly retryMs: number;
  };

/** A block of entries as it goes into one message. */
export interface Block {
  /** How many entries there are. */
  readonly count: number;
  /** The entries, each with its length before it; deflated together if so marked. */
  readonly body: Uint8Array;
  /** Whether the body is deflated. */
  readonly deflated: boolean;
}

/** Answer to `judge`: what the other side may do with a tree, and where this side stands. */
export interface Judgement {
  readonly mayRead: boolean;
  readonly mayWrite: boolean;
  readonly tips: readonly ID[];
  /** For each tip of OPEN whether it is Verified here. */
  readonly held: readonly boolean[];
  readonly count: number;
  readonly log: LogCursor | undefined;
  /** Up to where this side has the other's log. */
  readonly cursor: LogCursor | undefined;
}

/** Answer to `page`. */
export type Page =
  | { readonly isValid: false }
  | {
    readonly isValid: true;
    /** Undefined when everything that was read came from the other side. */
    readonly block: Block | undefined;
    readonly next: LogCursor;
    readonly left: number;
  };

/** Answer to `differ`: what the owner of the tips lacks, parents first, unless it cannot be told. */
export interface Difference {
  /** Entries that the tips do not reach; undefined when some tip is unknown, or they are too many. */
  readonly lacking: readonly ID[] | undefined;
  /** The end of the log when that was found out. */
  readonly log: LogCursor;
}

/** Answer to `table`. */
export interface Table {
  readonly table: RangeTable;
  /** The entry of a place in the table. */
  readonly idAt: (place: number) => ID;
  /** The end of the log when the table was made. */
  readonly log: LogCursor;
}

/** Answer to `fetch`: how many of the items are in the block. */
export interface Fetched {
  /** As in the question. */
  readonly wanted: boolean;
  readonly block: Block | undefined;
  readonly taken: number;
}

/** Answer to `store`: what became of the entries, which are durable now. */
export interface StoreReport {
  readonly verified: number;
  readonly waiting: number;
  readonly failed: number;
  readonly refused: number;
  /** Code of the first refusal. */
  readonly code: string;
  /** IDs that entries wait for and nobody has sent. */
  readonly missing: readonly ID[];
}

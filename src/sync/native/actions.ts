import type { LogCursor } from "../../backend/log/log_cursor.ts";
import type { ID } from "../../entry/id.ts";
import type { Access, Entries, Open, State, Stored, Tips } from "./messages.ts";
import type { RangeTable } from "./range_table.ts";

/** Entries that are to be read: by their IDs, or by their positions in the log. */
export type Items = readonly ID[] | Uint32Array;

/** A question about one channel; each has an {@link Answer} that names it. */
export type Question =
  /** May the tree be read and written, and how does it stand here? */
  | { readonly do: "judge"; readonly channel: number; readonly open: Open }
  /** What is in the log after `from`, or from its beginning? */
  | {
    readonly do: "page";
    readonly channel: number;
    readonly from: LogCursor | undefined;
    readonly maxBytes: number;
  }
  /** What does the owner of these tips lack? */
  | {
    readonly do: "differ";
    readonly channel: number;
    readonly tips: readonly ID[];
    /** Whether to give up when it is much, because the log is a faster way. */
    readonly isFew: boolean;
  }
  /** All that is Verified, as a table; if that is held, whether it may still be told of. */
  | { readonly do: "table"; readonly channel: number; readonly isHeld: boolean }
  /** Read these entries, as many as fit. */
  | {
    readonly do: "fetch";
    readonly channel: number;
    readonly items: Items;
    readonly maxBytes: number;
  }
  /** Store these blocks; answered when everything is durable. */
  | { readonly do: "store"; readonly channel: number; readonly blocks: readonly Entries[] }
  /** Which of these does this side not have in any state? */
  | { readonly do: "lack"; readonly channel: number; readonly ids: readonly ID[] }
  /** How does the tree stand? */
  | { readonly do: "stand"; readonly channel: number };

/** What the owner of a session is told. */
export type Notice =
  /** The other side has proved its key. Nothing more is read until `admitted` is called. */
  | {
    readonly do: "established";
    readonly key: Uint8Array;
    readonly features: number;
    /** The other side's clock minus this one's. */
    readonly skewMs: number;
  }
  /** Everything of the other side's log up to here is durable here; `left` of it is still to come. */
  | {
    readonly do: "keep";
    readonly channel: number;
    readonly cursor: LogCursor;
    readonly left: number;
  }
  /** What the other side has stored, and up to where it has this side's log. */
  | { readonly do: "reached"; readonly channel: number; readonly stored: Stored }
  /** The other side has answered an OPEN, or something has changed about it. */
  | { readonly do: "opened"; readonly channel: number; readonly state: State }
  /** The other side has more than it sends now. */
  | { readonly do: "lagging"; readonly channel: number; readonly tips: Tips }
  /** A channel has ended. */
  | {
    readonly do: "denied";
    readonly channel: number;
    readonly code: string;
    readonly message: string;
    readonly retryMs: number;
  }
  /** Access is asked for, or was decided on. */
  | { readonly do: "access"; readonly message: Access }
  /** The session has ended. */
  | {
    readonly do: "closed";
    /** Whether it was the other side that has ended it. */
    readonly isByOther: boolean;
    readonly code: string;
    readonly message: string;
    readonly retryMs: number;
  };

/** What a session wants of whoever drives it. */
export type Action = { readonly do: "send"; readonly bytes: Uint8Array } | Question | Notice;

/** A block of entries as it goes into one message. */
export interface Block {
  /** How many entries there are. */
  readonly count: number;
  /** The entries, each with its length before it; deflated together if so marked. */
  readonly body: Uint8Array;
  /** Whether the body is deflated. */
  readonly deflated: boolean;
}

/** Where a tree stands. */
export interface Standing {
  /** Its Verified tips. */
  readonly tips: readonly ID[];
  /** The end of its log; undefined when it is not held. */
  readonly log: LogCursor | undefined;
}

/** What answers `judge`: what the other side may do with a tree, and where this side stands. */
export interface Judgement extends Standing {
  readonly mayRead: boolean;
  readonly mayWrite: boolean;
  /** For each tip of OPEN whether it is Verified here. */
  readonly held: readonly boolean[];
  /** How many entries are Verified here. */
  readonly count: number;
  /** Up to where this side has the other's log. */
  readonly cursor: LogCursor | undefined;
  /** Whether the cursor of OPEN is a place in the log. */
  readonly isCursorValid: boolean;
}

/** What answers `page`. */
export type Page =
  /** There is no such place in the log. */
  | { readonly isValid: false }
  | {
    readonly isValid: true;
    /** Undefined when everything that was read came from the other side, or nothing was. */
    readonly block: Block | undefined;
    /** The place after it; undefined while the tree is not held. */
    readonly next: LogCursor | undefined;
    /** How many rows are left after that. */
    readonly left: number;
  };

/** What answers `differ`. */
export interface Difference {
  /** What the owner of the tips lacks, parents first; undefined when it cannot be told. */
  readonly lacking: readonly ID[] | undefined;
  /** Whether all the tips are Verified here. */
  readonly isKnown: boolean;
  /** The end of the log when that was found out; undefined while the tree is not held. */
  readonly log: LogCursor | undefined;
}

/** All that is Verified. */
export interface Table {
  readonly table: RangeTable;
  /** The end of the log when the table was made. */
  readonly log: LogCursor;
}

/** What answers `table`: one, none if the tree is not held, or that the one which is held may still be told of. */
export interface FoundTable {
  readonly table: Table | undefined;
  /** As it was asked. */
  readonly isHeld: boolean;
}

/** What answers `fetch`. */
export interface Fetched {
  readonly block: Block | undefined;
  /** How many of the items were looked for. */
  readonly taken: number;
}

/** What answers `store`: what became of the entries, which are durable now. */
export interface StoreReport {
  readonly verified: number;
  readonly waiting: number;
  readonly failed: number;
  readonly refused: number;
  /** How many of those that were refused or failed nobody honest would have sent. */
  readonly invalid: number;
  /** How many of those that were refused had better be sent again, later. */
  readonly again: number;
  /** Code of the first refusal. */
  readonly code: string;
  /** IDs that entries wait for and nobody has sent. */
  readonly missing: readonly ID[];
}

/** The answer to a question. */
export type Answer =
  | ({ readonly to: "judge" } & Judgement)
  | { readonly to: "page"; readonly page: Page }
  | ({ readonly to: "differ" } & Difference)
  | ({ readonly to: "table" } & FoundTable)
  | ({ readonly to: "fetch" } & Fetched)
  | ({ readonly to: "store" } & StoreReport)
  | { readonly to: "lack"; readonly ids: readonly ID[] }
  | ({ readonly to: "stand" } & Standing);

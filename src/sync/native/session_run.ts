import type { ID } from "../../entry/id.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import type { Notice } from "./actions.ts";
import type { NativeHost } from "./host/native_host.ts";
import type { SessionLimits } from "./limits.ts";
import type { NativeChannel } from "./native_channel.ts";

/** How a session is run. */
export interface SessionRun {
  /** The instance. */
  readonly host: NativeHost;
  /** Whether this side has connected, or was connected to. */
  readonly role: "client" | "server";
  /** Names what carries the session, the same on both sides: what is signed for one is of no use on another. */
  readonly binding: string;
  /** The peer that must answer; anybody unless told. */
  readonly wanted?: PublicKey | undefined;
  /** Whether blocks of entries are deflated; not unless told. */
  readonly deflates?: boolean | undefined;
  /** Whether the other side shall send what it gets at once; true unless told. */
  readonly pushes?: boolean | undefined;
  /** Where the other side has connected from, for the side that was connected to. */
  readonly remote?: string | undefined;
  /** Limits other than the usual ones. */
  readonly limits?: Partial<SessionLimits> | undefined;
  /** Ends the session. */
  readonly signal?: AbortSignal | undefined;
  /** Told of everything that is told of the session and its channels, with the tree of the channel. */
  readonly onNotice?: ((notice: Notice, tree: ID | undefined) => void) | undefined;
  /** Told of each tree that the other side has opened and may read. */
  readonly onServed?: ((channel: NativeChannel) => void) | undefined;
}

/** Who is at the other end of a session. */
export interface Established {
  /** Its proven key. */
  readonly peer: PublicKey;
  /** Whether it is registered here. */
  readonly isKnown: boolean;
  /** Its clock minus this one's, in milliseconds. */
  readonly skewMs: number;
}

/** How a session has ended. */
export interface SessionEnd {
  /** Whether it was the other side that has ended it. */
  readonly isByOther: boolean;
  /** Why, for programs. */
  readonly code: string;
  /** Why, for people. */
  readonly message: string;
  /** Milliseconds to wait before the next attempt; 0 when nothing was said. */
  readonly retryMs: number;
}

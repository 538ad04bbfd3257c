import { setInspection } from "#inspect";
import type { User } from "../user/user.ts";
import type { Clock } from "../util/clock.ts";
import { type RandomSource, uuidV4 } from "../util/random.ts";

/** How long a session may be left alone, in milliseconds. */
export const MAX_IDLE_MS: number = 30 * 60_000;
/** How long a session may last, in milliseconds. */
export const MAX_SESSION_MS: number = 12 * 60 * 60_000;
/** Most sessions of one user; with one more the one that was left alone longest ends. */
export const MAX_USER_SESSIONS = 16;
/** Most sessions of all users; with one more the one that was left alone longest ends. */
export const MAX_SESSIONS = 1024;

/** How often it is looked for sessions that have ended, in milliseconds. */
const SWEEP_MS = 60_000;

/** A user who is logged in, in one browser. */
export interface WebSession {
  /** What the cookie holds. Never in a page, never in a log. */
  readonly token: string;
  /** What forms of this session hold: another site cannot know it. */
  readonly csrf: string;
  /** The user, with unlocked keys. */
  readonly user: User;
  /** When it ends whatever happens, in milliseconds since the epoch. */
  readonly endsAt: number;
  /** Aborted when it has ended. */
  readonly ended: AbortSignal;
}

interface Held {
  readonly session: WebSession;
  readonly usedAt: number;
  readonly end: AbortController;
}

/** The sessions of a node. They are in memory alone, and end with it. */
export class Sessions {
  readonly #clock: Clock;
  readonly #random: RandomSource;
  /** By token, those first that were left alone longest. */
  readonly #all = new Map<string, Held>();
  #sweptAt = 0;

  /** No sessions yet. */
  constructor({ clock, random }: { readonly clock: Clock; readonly random: RandomSource }) {
    this.#clock = clock;
    this.#random = random;
  }

  /** How many there are. */
  get size(): number {
    this.#sweep();
    return this.#all.size;
  }

  /** Begins a session of a user. */
  begin(user: User): WebSession {
    this.#sweep();
    this.#makeRoom(user);
    const now = this.#clock.nowMillis();
    const [token, csrf] = [uuidV4(this.#random), uuidV4(this.#random)];
    const end = new AbortController();
    const session = { token, csrf, user, endsAt: now + MAX_SESSION_MS, ended: end.signal };
    this.#all.set(token, { session, usedAt: now, end });
    return session;
  }

  /** The session of a token, which is used by this; undefined when there is none, or it has ended. */
  use(token: string | undefined): WebSession | undefined {
    if (this.#clock.nowMillis() - this.#sweptAt >= SWEEP_MS) this.#sweep();
    const session = this.peek(token);
    if (session === undefined) return undefined;
    const held = this.#all.get(session.token)!;
    this.#all.delete(session.token);
    this.#all.set(session.token, { ...held, usedAt: this.#clock.nowMillis() });
    return session;
  }

  /** The session of a token, which is not used by this. */
  peek(token: string | undefined): WebSession | undefined {
    const found = token === undefined ? undefined : this.#all.get(token);
    if (found === undefined) return undefined;
    if (!this.#isOver(found)) return found.session;
    this.end(found.session);
    return undefined;
  }

  /** Ends a session: its keys are wiped. */
  end(session: WebSession): void {
    const held = this.#all.get(session.token);
    if (held === undefined) return;
    this.#all.delete(session.token);
    session.user.logout();
    held.end.abort();
  }

  /** Ends all. */
  close(): void {
    for (const { session } of [...this.#all.values()]) this.end(session);
  }

  #makeRoom({ uuid }: User): void {
    const all = [...this.#all.values()].map(({ session }) => session);
    const own = all.filter(({ user }) => user.uuid === uuid);
    if (own.length >= MAX_USER_SESSIONS) this.end(own[0]!);
    else if (all.length >= MAX_SESSIONS) this.end(all[0]!);
  }

  #isOver({ session, usedAt }: Held): boolean {
    const now = this.#clock.nowMillis();
    return now >= session.endsAt || now - usedAt >= MAX_IDLE_MS;
  }

  #sweep(): void {
    this.#sweptAt = this.#clock.nowMillis();
    for (const each of [...this.#all.values()]) if (this.#isOver(each)) this.end(each.session);
  }

  static {
    setInspection(this, "Sessions", ({ size }) => [`${size} sessions`]);
  }
}

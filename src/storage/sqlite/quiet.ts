import { timers } from "#node";
import type { SqliteDatabase, SqliteStatement } from "./database.ts";

/** How long nothing must have been written, in milliseconds. */
const QUIET_MS = 1000;

/**
 * Empties the log of a database when it has not been written for a while. While it is written, its log
 * may grow: to copy it into the database, and to wait for the disk, again and again would cost more than
 * a commit does. The timer keeps no process alive, and there is none while there is nothing to do.
 */
export class QuietCheckpoint {
  readonly #checkpoint: SqliteStatement;
  #timer: ReturnType<typeof timers.setInterval> | undefined;
  #isWritten = false;

  /** Empties the log of `database`. */
  constructor(database: SqliteDatabase) {
    this.#checkpoint = database.prepare("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  /** Takes note of a write. */
  written(): void {
    this.#isWritten = true;
    if (this.#timer !== undefined) return;
    this.#timer = timers.setInterval(() => this.#look(), QUIET_MS);
    this.#timer.unref();
  }

  #look(): void {
    if (!this.#isWritten && this.#empty()) this.stop();
    this.#isWritten = false;
  }

  /** Whether all of the log is in the database, and the log empty. */
  #empty(): boolean {
    try {
      return Number((this.#checkpoint.get() as { busy: number }).busy) === 0;
    } catch {
      // Somebody holds it, or the disk fails: the next look tries again, and whoever writes is told.
      return false;
    }
  }

  /** Stops looking, until the next write. */
  stop(): void {
    timers.clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

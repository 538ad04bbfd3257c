import { fs } from "#node";
import { StorageError } from "../../util/errors.ts";
import { forgetHolder, type Holder, lifeOf, newHolder, parseHolder } from "./holder.ts";
import { codeOf } from "./paths.ts";

/** How long a holder may take from the making of its mark to the writing of its name, in milliseconds. */
const WRITING_MS = 1000;
/** How often the mark of a dead holder is taken away before somebody else's is believed. */
const MAX_ATTEMPTS = 3;

/**
 * That one process alone replaces a file: a mark beside it, `NAME.lock`, says who holds it. Only a holder
 * that is known to be alive is in the way: one that has died, or cannot be asked, is not, so that
 * nobody is kept out for ever; what is written over then shows when it is written.
 */
export class FileHold {
  readonly #mark: string;
  readonly #holder: Holder = newHolder();
  /** A short name that no other hold has. */
  readonly name: string = this.#holder.token.slice(0, 8);

  /** Holds the file at `target`, which may be missing; `Busy` when somebody has it. */
  constructor(target: string) {
    this.#mark = markOf(target);
    try {
      this.#take(target);
    } catch (error) {
      forgetHolder(this.#holder);
      throw error;
    }
  }

  #take(target: string): void {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      if (this.#make()) return;
      requireFree(target);
      this.#remove();
    }
    throw busy(target, undefined);
  }

  #make(): boolean {
    try {
      fs.writeFileSync(this.#mark, JSON.stringify(this.#holder), { flag: "wx", mode: 0o600 });
      return true;
    } catch (error) {
      if (codeOf(error) === "EEXIST") return false;
      throw error;
    }
  }

  /** Takes away the mark of somebody who is gone; one that a faster process has put there is put back. */
  #remove(): void {
    const aside = `${this.#mark}-${this.#holder.token}`;
    try {
      fs.renameSync(this.#mark, aside);
    } catch (error) {
      // Somebody else was faster.
      if (codeOf(error) === "ENOENT") return;
      throw error;
    }
    const found = readHolder(aside);
    if (found !== undefined && lifeOf(found) === "alive") fs.renameSync(aside, this.#mark);
    else fs.unlinkSync(aside);
  }

  /** Whether this holds the file at `target`. */
  isOf(target: string): boolean {
    return readHolder(markOf(target))?.token === this.#holder.token;
  }

  /** Holds it no longer. */
  release(): void {
    try {
      if (readHolder(this.#mark)?.token === this.#holder.token) fs.unlinkSync(this.#mark);
    } catch {
      // A mark that stays is that of a dead holder soon.
    }
    forgetHolder(this.#holder);
  }
}

/** Fails with `Busy` when somebody who is alive holds the file at `target`. */
export function requireFree(target: string): void {
  const mark = markOf(target);
  const holder = readHolder(mark);
  const isHeld = holder === undefined ? isFresh(mark) : lifeOf(holder) === "alive";
  if (isHeld) throw busy(target, holder);
}

function markOf(target: string): string {
  return `${target}.lock`;
}

function readHolder(mark: string): Holder | undefined {
  try {
    return parseHolder(fs.readFileSync(mark, "utf8"));
  } catch {
    return undefined;
  }
}

/** Whether a mark without a name is about to get one. */
function isFresh(mark: string): boolean {
  const stats = fs.statSync(mark, { throwIfNoEntry: false });
  return stats !== undefined && Date.now() - stats.mtimeMs < WRITING_MS;
}

function busy(target: string, holder: Holder | undefined): StorageError {
  const who = holder === undefined ? "somebody else" : `process ${holder.pid} on "${holder.host}"`;
  const next = `close it there, open it with \`readOnly\`, or remove "${
    markOf(target)
  }" if that process is gone`;
  return new StorageError("Busy", `Cannot replace the file "${target}": ${who} holds it; ${next}`, {
    fields: { path: target, holder: holder?.pid },
  });
}

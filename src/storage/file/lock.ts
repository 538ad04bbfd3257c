/**
 * EDGE: a lock between processes, held by at most one, that survives the death of its holder.
 *
 * Every handle has a file of its own that says whose it is (`owner-TOKEN`). To take the lock is to
 * make a hard link to it under the name of the lock, which works for one only, and shows at once who
 * it was. When the holder has died, whoever wants the lock first takes a second one that is named
 * after the dead holder's token: only with that may the dead link be removed, so that nobody removes
 * the lock of somebody who came in between.
 *
 * @module
 */

import { fs, paths, timers } from "#node";
import { aborted } from "../../util/abort.ts";
import { forgetHolder, type Holder, lifeOf, newHolder, parseHolder } from "../shared/holder.ts";
import { storageError } from "./errors.ts";

/** Name of the lock in its directory. */
export const LOCK_NAME = "lock";
/** What names of files that say whose a lock is begin with. */
export const OWNER_PREFIX = "owner-";
/** Longest pause between two attempts, in milliseconds. */
const MAX_PAUSE_MS = 8;

/** A lock in a directory, for one handle. */
export class FileLock {
  readonly #directory: string;
  readonly #timeoutMs: number;
  readonly #owner: Holder = newHolder();
  readonly #ownerPath: string;

  /** Makes the file that says whose lock it is. Nothing is locked yet. */
  constructor(directory: string, timeoutMs: number) {
    this.#directory = directory;
    this.#timeoutMs = timeoutMs;
    this.#ownerPath = ownerPath(directory, this.#owner.token);
    fs.writeFileSync(this.#ownerPath, JSON.stringify(this.#owner), { flag: "wx", mode: 0o600 });
  }

  /**
   * Runs `step` while no other handle holds the lock; fails with `Busy` when its time is over, and with
   * `Aborted` when the signal is aborted meanwhile.
   */
  async run<T>(step: () => T, signal?: AbortSignal): Promise<T> {
    const path = paths.join(this.#directory, LOCK_NAME);
    const begun = performance.now();
    for (let pause = 1; !this.#take(path); pause = Math.min(2 * pause, MAX_PAUSE_MS)) {
      const waited = performance.now() - begun;
      if (signal?.aborted) throw aborted(signal, `get the lock "${path}"`, waited);
      if (waited >= this.#timeoutMs) throw this.#busy(path);
      await timers.promises.setTimeout(Math.ceil(Math.random() * pause));
    }
    try {
      return step();
    } finally {
      fs.unlinkSync(path);
    }
  }

  /** Forgets the file that says whose lock it is. */
  dispose(): void {
    fs.rmSync(this.#ownerPath, { force: true });
    forgetHolder(this.#owner);
  }

  #take(path: string): boolean {
    if (this.#link(path)) return true;
    const holder = readOwner(path);
    if (holder === undefined || lifeOf(holder) !== "dead") return false;
    this.#removeDead(path, holder);
    return this.#link(path);
  }

  #removeDead(path: string, dead: Holder): void {
    const guard = `${path}-${dead.token}`;
    if (!this.#take(guard)) return;
    try {
      if (readOwner(path)?.token === dead.token) fs.unlinkSync(path);
      fs.rmSync(ownerPath(this.#directory, dead.token), { force: true });
    } finally {
      fs.unlinkSync(guard);
    }
  }

  #link(path: string): boolean {
    try {
      fs.linkSync(this.#ownerPath, path);
      return true;
    } catch (error) {
      if ((error as { code?: string }).code === "EEXIST") return false;
      throw error;
    }
  }

  #busy(path: string): Error {
    const holder = readOwner(path);
    const who = holder === undefined
      ? "another handle"
      : `process ${holder.pid} on "${holder.host}"`;
    return storageError(
      "Busy",
      this.#directory,
      "write",
      `${who} has held the lock "${path}" for ${this.#timeoutMs} ms; try again, raise \`busyTimeoutMs\`, or remove that file if the process is gone`,
      { holder: holder?.pid },
    );
  }
}

/** Removes what handles of dead processes have left. Only the holder of the lock may do this. */
export function removeDeadOwners(directory: string): void {
  for (const name of fs.readdirSync(directory)) {
    const path = paths.join(directory, name);
    const owner = name.startsWith(OWNER_PREFIX) ? readOwner(path) : undefined;
    if (owner !== undefined && lifeOf(owner) === "dead") fs.rmSync(path, { force: true });
  }
}

function ownerPath(directory: string, token: string): string {
  return paths.join(directory, OWNER_PREFIX + token);
}

/** Whose the lock at `path` is; undefined when it is free, or says nothing that can be used. */
function readOwner(path: string): Holder | undefined {
  try {
    return parseHolder(fs.readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

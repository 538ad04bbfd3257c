/**
 * Work that one process does at a time, whoever else wants to do the same; told by a file.
 *
 * Plain JavaScript: it runs before anything is installed.
 */

import { randomUUID } from "node:crypto";
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import process from "node:process";

/** How long another process is waited for, in milliseconds. */
const WAIT_MS = 600_000;
/** How often it is looked whether it is done, in milliseconds. */
const LOOK_MS = 200;

/** Runs `work` while no other process has the lock at the path `lock`. */
export function withLock(lock, work, waitMs = WAIT_MS) {
  const mine = JSON.stringify({
    token: randomUUID(),
    pid: process.pid,
    host: hostname(),
    since: beginningOf(process.pid),
  });
  for (const started = Date.now(); !acquire(lock, mine);) {
    if (Date.now() - started > waitMs) throw new Error(`Cannot go on while ${lock} is there`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_MS);
  }
  try {
    return work();
  } finally {
    if (read(lock) === mine) rmSync(lock, { force: true });
  }
}

function acquire(lock, mine) {
  const own = `${lock}.${randomUUID()}`;
  // Written before it gets its name, so that no lock is ever empty.
  writeFileSync(own, mine, { flag: "wx" });
  try {
    linkSync(own, lock);
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    removeAbandoned(lock);
    return false;
  } finally {
    rmSync(own, { force: true });
  }
}

/** Removes the lock of a process that is gone; what somebody else has taken meanwhile is put back. */
function removeAbandoned(lock) {
  const seen = read(lock);
  if (seen === undefined || isHeld(seen)) return;
  const aside = `${lock}.${randomUUID()}`;
  try {
    renameSync(lock, aside);
    if (read(aside) !== seen) linkSync(aside, lock);
  } catch (error) {
    if (!["ENOENT", "EEXIST"].includes(error.code)) throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Whether the process that a lock tells of may still be at it; processes of other machines cannot be asked. */
function isHeld(text) {
  const { pid, host, since } = parse(text);
  if (!Number.isInteger(pid)) return false;
  if (host !== undefined && host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error.code !== "ESRCH";
  }
  // A number is given to another process when its own has died; when it began tells one from the other.
  const now = beginningOf(pid);
  return now === undefined || since === undefined || now === since;
}

function parse(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : { pid: value };
  } catch {
    return {};
  }
}

/** The boot of this machine, and the moment since then at which a process began; only Linux tells. */
function beginningOf(pid) {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name before may hold anything, brackets and spaces too; the start is the 20th behind it.
    return `${boot} ${stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]}`;
  } catch {
    return undefined;
  }
}

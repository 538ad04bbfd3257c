/**
 * EDGE: who holds a lock, and whether that one is still there.
 *
 * ```text
 * { "token": UUID, "pid": number, "host": name, "since": boot and start of the process }
 * ```
 *
 * A number alone is no proof of life: it is given to another process when its own has died, at once
 * in a container, where every process may be number 1. So a holder must also have begun when it says.
 *
 * @module
 */

import { fs, os, process } from "#node";
import { missingPermission } from "../../util/permission.ts";

/** Whose a lock is. */
export interface Holder {
  /** Names the handle. */
  readonly token: string;
  /** The process. */
  readonly pid: number;
  /** Its machine; empty where the process may not know. */
  readonly host: string;
  /** When it began, which no other process of that number did; absent where nothing tells. */
  readonly since?: string | undefined;
}

const TOKEN = /^[0-9a-f-]{36}$/;
/** The tokens of this process. */
const own = new Set<string>();

/** A new holder in this process, until it is forgotten. */
export function newHolder(): Holder {
  const token = crypto.randomUUID();
  own.add(token);
  return { token, pid: process.pid, host: hostname(), since: beginningOf(process.pid) };
}

/** Takes note that a holder of this process holds nothing any more. */
export function forgetHolder({ token }: Holder): void {
  own.delete(token);
}

/** The name of this machine, for which Deno wants a permission that storing does not need. */
function hostname(): string {
  try {
    return os.hostname();
  } catch {
    return "";
  }
}

/** What is written about a holder; undefined when it says nothing that can be used. */
export function parseHolder(text: string): Holder | undefined {
  const { token, pid, host, since } = parseObject(text);
  if (!TOKEN.test(String(token)) || !Number.isSafeInteger(pid)) return undefined;
  const begun = typeof since === "string" ? since : undefined;
  return { token: String(token), pid: pid as number, host: String(host), since: begun };
}

function parseObject(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

/** Whether a holder is still there; `unknown` where nobody can be asked: on other machines, for one. */
export type Life = "alive" | "dead" | "unknown";

/** Finds out whether a holder is still there. */
export function lifeOf(holder: Holder): Life {
  if (own.has(holder.token)) return "alive";
  const host = hostname();
  if (host === "" || holder.host !== host) return "unknown";
  const isHere = holder.pid === process.pid;
  const running = isHere ? "alive" : lifeOfProcess(holder.pid);
  if (running !== "alive") return running;
  const since = beginningOf(holder.pid);
  if (since !== undefined && holder.since !== undefined) {
    return since === holder.since ? "alive" : "dead";
  }
  // It may be another thread of this process, or the process that had its number before.
  return isHere ? "unknown" : "alive";
}

function lifeOfProcess(pid: number): Life {
  try {
    process.kill(pid, 0);
    return "alive";
  } catch (error) {
    if (missingPermission(error) !== undefined) return "unknown";
    return (error as { code?: string }).code === "ESRCH" ? "dead" : "alive";
  }
}

/** The boot of this machine, and the moment since then at which a process began; only Linux tells. */
function beginningOf(pid: number): string | undefined {
  try {
    const boot = fs.readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name before may hold anything, brackets and spaces too; the start is the 20th behind it.
    return `${boot} ${stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]}`;
  } catch {
    return undefined;
  }
}

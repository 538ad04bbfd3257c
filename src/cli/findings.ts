import { stat, statfs } from "node:fs/promises";
import process from "node:process";
import { countEntries } from "../console/entry_counts.ts";
import type { Instance } from "../instance/instance.ts";
import { ready } from "../../wasm/mod.ts";
import type { EideticaError } from "../util/errors.ts";
import { bytes, many } from "./frame/text.ts";
import { databaseRoots, nameOf, shortId } from "./databases.ts";
import { CODES } from "./explanations.ts";
import { openToRead, type Place } from "./place.ts";
import { readRunFile } from "./run_file.ts";

/** What was found about one thing. */
export interface Finding {
  readonly check: string;
  readonly state: "ok" | "warn" | "fail";
  readonly detail: string;
  readonly next: string | null;
}

function finding(check: string, state: Finding["state"], detail: string, next?: string): Finding {
  return { check, state, detail, next: next ?? null };
}

/** Which runtime this is, and whether signatures work on it. */
export async function runtimeState(): Promise<Finding> {
  const { deno, bun, node } = process.versions as Record<string, string | undefined>;
  const name = deno ? `Deno ${deno}` : bun ? `Bun ${bun}` : `Node ${node}`;
  const core = await ready();
  const seed = new Uint8Array(32).fill(1);
  const data = new Uint8Array(8);
  const signature = core.ed25519.sign(seed, data);
  return core.ed25519.verify(core.ed25519.publicKey(seed), data, signature)
    ? finding("runtime", "ok", `${name}, signatures pass their self-test`)
    : finding(
      "runtime",
      "fail",
      `${name} makes signatures that do not hold`,
      "use another runtime",
    );
}

/** Whether the storage opens, and what waits in it. */
export async function storageState(place: Place, signal: AbortSignal): Promise<Finding[]> {
  let instance: Instance;
  try {
    instance = await openToRead(place, { signal });
  } catch (error) {
    const { code = "", message } = error as EideticaError;
    return [finding("storage", "fail", message.split("\n")[0]!, CODES[code]?.next)];
  }
  try {
    const size = place.file === undefined ? "" : `, ${bytes((await stat(place.file)).size)}`;
    return [finding("storage", "ok", `${place.label}${size}`), ...await pending(instance)];
  } finally {
    await instance.close();
  }
}

async function pending(instance: Instance): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const root of await databaseRoots(instance)) {
    const { unverified, failed } = await countEntries(instance.host.backend, root);
    const name = await nameOf(instance, root) ?? shortId(root);
    if (unverified > 0) {
      const detail = `${many(unverified, "entry", "entries")} of ${name} for what is not here`;
      found.push(finding("waiting", "warn", detail, `eidetica db sync ${shortId(root)}`));
    }
    if (failed > 0) {
      const detail = `${many(failed, "entry", "entries")} of ${name}`;
      const next = `eidetica db log ${shortId(root)} --status Failed`;
      found.push(finding("failed", "warn", detail, next));
    }
  }
  return found;
}

const OTHERS = 0o077;

/** Whether others of this machine may look into the folder. */
export async function folderRights({ folder, file }: Place): Promise<Finding> {
  const paths = file === undefined ? [folder] : [folder, file];
  for (const path of paths.reverse()) {
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) continue;
    const mode = (found.mode & 0o777).toString(8).padStart(4, "0");
    const isOpen = process.platform !== "win32" && (found.mode & OTHERS & 0o044) !== 0;
    // A folder that others may look into is no harm as long as the file is ours alone.
    if (path === folder && file !== undefined && !isOpen) continue;
    return isOpen
      ? finding(
        "rights",
        "warn",
        `${path} is ${mode}: others of this machine may read it`,
        `chmod go-rwx ${path}`,
      )
      : finding("rights", "ok", `${path} is ${mode}`);
  }
  return finding("rights", "ok", "there is nothing that others could read");
}

/** Less than this is soon used up, in bytes. */
const LITTLE = 200_000_000;

/** How much room the disk has. */
export async function diskState({ folder }: Place): Promise<Finding> {
  try {
    const { bavail, bsize } = await statfs(folder);
    const free = Number(bavail) * Number(bsize);
    return free < LITTLE
      ? finding("disk", "fail", `${bytes(free)} free`, "free space in the data directory")
      : finding("disk", "ok", `${bytes(free)} free`);
  } catch (error) {
    return finding("disk", "warn", `cannot be told: ${(error as Error).message}`);
  }
}

/** Which process serves the folder. */
export async function servedBy({ folder }: Place): Promise<Finding> {
  const serving = await readRunFile(folder);
  if (serving === undefined) return finding("served", "ok", "by nobody");
  const where = [serving.http, serving.socket].filter((it) => it !== null).join(", ");
  return finding("served", "ok", `by process ${serving.pid} at ${where}`);
}

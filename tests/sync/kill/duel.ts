import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newDatabaseOn, serverUrl } from "../../helpers/shared.ts";
import { describeRun, type Place, type Run } from "./plan.ts";
import { lastingPort, Side, type SideOptions } from "./side.ts";

/** Entries that both sides write after the one that was killed is there again. */
const AFTER = 3;

/** What a side holds in the end. */
interface Holding {
  readonly tips: readonly string[];
  readonly count: number;
  readonly entries: string;
  readonly keys: readonly string[];
}

/** One run: both write, one is killed and comes back, both go on, and have the same in the end. */
export async function duel(run: Run): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "eidetica-kill-"));
  const sides = { owner: new Side(run.owner.runtime), guest: new Side(run.guest.runtime) };
  try {
    await fight(run, sides, await startsOf(run, folder));
    await compare(run, sides);
  } catch (cause) {
    throw new Error(`${describeRun(run)}: ${(cause as Error).message}`, { cause });
  } finally {
    await Promise.all([sides.owner.kill(), sides.guest.kill()]);
    rmSync(folder, { recursive: true, force: true });
  }
}

type Sides = Readonly<Record<"owner" | "guest", Side>>;
type Starts = Readonly<Record<"owner" | "guest", SideOptions>>;

async function startsOf(run: Run, folder: string): Promise<Starts> {
  const [owner, guest] = await Promise.all([
    urlOf(run.owner, `${folder}/owner`),
    urlOf(run.guest, `${folder}/guest`),
  ]);
  const port = run.isGuestServing ? await lastingPort() : undefined;
  return {
    owner: { role: "owner", url: owner, port: await lastingPort() },
    guest: { role: "guest", url: guest, port },
  };
}

async function urlOf({ storage }: Place, path: string): Promise<string> {
  switch (storage) {
    case "sqlite":
      return `sqlite://${path}.db`;
    case "memory":
      return `memory://${path}.json`;
    case "deno-kv":
      return `denokv:${path}.kv`;
    case "postgres":
      return await newDatabaseOn(await serverUrl());
    default:
      return `file://${path}`;
  }
}

async function fight(run: Run, { owner, guest }: Sides, starts: Starts): Promise<void> {
  owner.start(starts.owner);
  const ticket = await owner.line("ticket ");
  guest.start({ ...starts.guest, ticket });
  await guest.line("joining");
  const victim = { owner, guest }[run.victim];
  await victim.more(run.entries);
  await pause(run.delayMs);
  await victim.kill();
  await pause(run.aloneMs);
  victim.start({ ...starts[run.victim], ticket });
  await Promise.all([owner.more(AFTER), guest.more(AFTER)]);
  await Promise.all([owner.ask("stop"), guest.ask("stop")]);
}

async function compare(run: Run, { owner, guest }: Sides): Promise<void> {
  await guest.ask("flush");
  // A barrier: what the guest has is at the owner, whatever happened to the owner meanwhile.
  requireAll(guest, await holdingOf(owner));
  // A guest that nobody reaches fetches what it lacks itself, as does one whose owner has lost its address.
  const mayHaveForgotten = run.owner.storage === "memory" || run.guest.storage === "memory";
  if (run.isGuestServing && !mayHaveForgotten) await owner.ask("flush");
  else await guest.ask("sync");
  const [one, other] = await Promise.all([owner, guest].map(holdingOf)) as [Holding, Holding];
  assert.deepEqual(one, other);
  for (const side of [owner, guest]) requireAll(side, one);
}

async function holdingOf(side: Side): Promise<Holding> {
  return JSON.parse(await side.ask("look")) as Holding;
}

/** All that a side has acknowledged is there. */
function requireAll(side: Side, holding: Holding): void {
  const keys = new Set(holding.keys);
  assert.deepEqual([...side.durable].filter((key) => !keys.has(key)), []);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

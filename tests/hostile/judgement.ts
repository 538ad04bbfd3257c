/**
 * What a node thinks of a history, however it has arrived.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { Database, type Entry, type ID, Instance, NewUser } from "../../mod.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { EntryMetadata } from "../../src/entry/metadata.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { Dice, entriesOf, type History, newAuthor, randomHistory } from "./history.ts";

/** Statuses by ID. */
export type Statuses = ReadonlyMap<string, string>;

/** A node that holds nothing yet. */
export async function newJudge(storage: StorageDriver = memoryStorage()): Promise<Instance> {
  return (await Instance.createBackend(storage, NewUser.passwordless("judge"))).instance;
}

/** Pieces of both trees in an order and in batches that the dice decide. */
export function* arrivals(history: History, dice: Dice, largest: number): Iterable<[ID, Entry[]]> {
  const open = [history.team, history.main].map((tree) => ({
    root: tree.root.id,
    left: dice.shuffled(entriesOf(tree)),
  }));
  while (open.some(({ left }) => left.length > 0)) {
    const { root, left } = dice.pick(open);
    const batch = left.splice(0, 1 + dice.below(largest));
    if (batch.length > 0) yield [root, batch];
  }
}

/** What a node thinks of all entries now; those it has refused are `refused`. */
export async function statusesOf(node: Instance, history: History): Promise<Statuses> {
  const found = new Map<string, string>();
  for (const { id } of [...entriesOf(history.team), ...entriesOf(history.main)]) {
    const status = await node.backend.getVerificationStatus(id).catch(() => "refused");
    found.set(id.toString(), status);
  }
  return found;
}

/** Looks again at what waits for another tree, until nothing changes. */
export async function settle(node: Instance, history: History): Promise<void> {
  for (let isMoving = true; isMoving;) {
    isMoving = false;
    for (const root of [history.team.root, history.main.root]) {
      const { verified, failed } = await (await Database.open(node, root.id)).verify();
      isMoving ||= verified + failed > 0;
    }
  }
}

/** Hands a history to a node, and says what it thinks in the end. */
export async function judgeHistory(
  node: Instance,
  history: History,
  dice: Dice,
  largest: number,
): Promise<Statuses> {
  for (const [root, batch] of arrivals(history, dice, largest)) {
    await node.putRemoteEntries(root, batch);
  }
  await settle(node, history);
  return await statusesOf(node, history);
}

/** Everything that an entry relies on: parents, store parents, pin, claimed tips. */
export function references(entry: Entry): ID[] {
  const claimed = (entry.sig.key.path ?? []).flatMap(({ tips }) => [...tips]);
  const stores = entry.subtrees.flatMap((name) => [...entry.subtreeParents(name)]);
  const { settingsTips } = EntryMetadata.parse(entry.metadata!);
  return [...entry.parents, ...stores, ...settingsTips.tips, ...claimed];
}

/** A digest over the verdicts on `count` histories from `seed`, and how many verdicts there were of each. */
export async function digest(
  seed: number,
  count: number,
  steps = 12,
): Promise<{ digest: string; counts: Record<string, number> }> {
  const dice = new Dice(seed);
  const author = await newAuthor(seed);
  const judge = await newJudge();
  const hash = createHash("sha256");
  const counts: Record<string, number> = {};
  for (let at = 0; at < count; at++) {
    const history = await randomHistory(author, dice, steps);
    const statuses = await judgeHistory(judge, history, dice, 1 + dice.below(20));
    // Entries go by their number: their IDs change with every byte that the engine writes.
    const numbers = new Map([...statuses.keys()].map((id, number) => [id, number]));
    for (const [id, verdict] of statuses) {
      hash.update(`${numbers.get(id)} ${verdict}\n`);
      counts[verdict] = (counts[verdict] ?? 0) + 1;
    }
    for (const { root } of [history.team, history.main]) {
      const { tips } = await (await Database.open(judge, root.id)).snapshot();
      hash.update(`${tips.map((id) => numbers.get(`${id}`)!).sort((a, b) => a - b)}\n`);
    }
  }
  await author.close();
  await judge.close();
  return { digest: hash.digest("hex"), counts };
}

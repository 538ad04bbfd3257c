import type { Entry } from "../entry/entry.ts";
import { ID } from "../entry/id.ts";
import type { BackendError } from "../util/errors.ts";
import type { VerificationStatus } from "./backend.ts";
import type { LocalBackend } from "./local.ts";
import { headKey, idKey, storeTipsKey, unverifiedKey } from "./keys.ts";
import { encodeHead, encodeIdRow, encodeStoreTips } from "./records.ts";

/** Errors that these functions pass on; named for their documentation. */
export type DemotionError = BackendError;

interface Row {
  readonly entry: Entry;
  status: VerificationStatus;
}

/**
 * Overwrites one verdict, whatever it was (05 §2). Frontiers of the Verified set are rebuilt from
 * the whole tree, so this is for local repair and tests, not for the write path.
 */
export async function overwriteStatus(
  backend: LocalBackend,
  id: ID,
  status: VerificationStatus,
): Promise<void> {
  const entry = await backend.get(id);
  await rewrite(backend, entry.root ?? entry.id, (rows) => {
    rows.get(id.toString())!.status = status;
  });
}

/** Makes an entry Unverified, and every Verified descendant of it (07 §10.7). */
export async function demote(backend: LocalBackend, tree: ID, id: ID): Promise<void> {
  await backend.get(id);
  await rewrite(backend, tree, (rows) => {
    const tainted = new Set([id.toString()]);
    rows.get(id.toString())!.status = "Unverified";
    for (const [key, row] of rows) {
      if (!row.entry.parents.some((parent) => tainted.has(parent.toString()))) continue;
      tainted.add(key);
      if (row.status === "Verified") row.status = "Unverified";
    }
  });
}

/** Reads all rows of a tree, parents first, lets `change` edit them, and writes what follows. */
async function rewrite(
  backend: LocalBackend,
  tree: ID,
  change: (rows: Map<string, Row>) => void,
): Promise<void> {
  for (;;) {
    const { head, version } = await backend.trees.read(tree);
    const rows = new Map<string, Row>();
    for (const entry of await backend.getTree(tree)) {
      const status = (await backend.loadRow(entry.id))!.status;
      rows.set(entry.id.toString(), { entry, status });
    }
    change(rows);
    const frontiers = verifiedFrontiers(rows);
    const sequence = head.sequence + 1;
    const all = [...rows.values()];
    const unverified = all.filter((row) => row.status === "Unverified").length;
    const set: [Uint8Array, Uint8Array][] = [[
      headKey(tree),
      encodeHead({ ...head, sequence, unverified, verified: frontiers.get("") ?? [] }),
    ]];
    const remove: Uint8Array[] = [];
    for (const { entry, status } of all) {
      set.push([idKey(entry.id), encodeIdRow({ status, height: entry.height, tree })]);
      const marker = unverifiedKey(tree, entry.height, entry.id);
      if (status === "Unverified") set.push([marker, new Uint8Array(0)]);
      else remove.push(marker);
    }
    for (const store of new Set(all.flatMap(({ entry }) => [...entry.subtrees]))) {
      const raw = (await backend.storeSnapshot(tree, store)).tips;
      const verified = frontiers.get(store) ?? [];
      set.push([storeTipsKey(tree, store), encodeStoreTips({ sequence, verified, raw })]);
    }
    const checks = [{ key: headKey(tree), version }];
    const result = await backend.driver.commit({ checks, set, delete: remove });
    backend.trees.forget(tree);
    for (const { entry } of all) backend.entries.delete(entry.id);
    if (result.ok) return;
  }
}

/** Frontiers of the Verified prefix, under `""` that of the main tree (06 §4.2). */
function verifiedFrontiers(rows: Map<string, Row>): Map<string, ID[]> {
  const prefix = new Map<string, Entry>();
  for (const [key, { entry, status }] of rows) {
    const closed = entry.parents.every((parent) => prefix.has(parent.toString()));
    if (status === "Verified" && closed) prefix.set(key, entry);
  }
  const tips = new Map<string, ID[]>();
  const stores = new Set([...prefix.values()].flatMap((entry) => [...entry.subtrees]));
  for (const scope of ["", ...stores]) tips.set(scope, frontier([...prefix.values()], scope));
  return tips;
}

function frontier(entries: readonly Entry[], scope: string): ID[] {
  const members = entries.filter((entry) => scope === "" || entry.subtrees.includes(scope));
  const parentsOf = (entry: Entry) => scope === "" ? entry.parents : entry.subtreeParents(scope);
  const covered = new Set(members.flatMap((entry) => parentsOf(entry).map(String)));
  return members.map((entry) => entry.id).filter((id) => !covered.has(id.toString()))
    .sort(ID.compare);
}

import { type Database, type ID, Instance, NewUser, Snapshot, Table } from "../../mod.ts";
import { DocStore } from "../../mod.ts";
import type { LocalBackend } from "../../src/backend/local.ts";
import { type Bed, bed } from "../bed.ts";
import type { Case, Run, Scope, Suite } from "../case.ts";
import { commitMany, commitOne } from "../workloads.ts";

/*
 * The benchmarks of the Rust project under their names, on its default storage: SQLite in memory. The
 * two of the network (`iroh_sync_throughput`, `iroh_connection`) stand in `sync_iroh.ts`.
 */

const PLACE = "sqlite in memory";
const STORE = "data";

function backendOf({ instance }: Bed): LocalBackend {
  return instance.backend as LocalBackend;
}

/** A case on one database; `make` gets it filled with `history` commits of one key. */
function onFilled(
  group: string,
  name: string,
  history: number,
  make: (bed: Bed) => Promise<Run["step"]> | Run["step"],
  more: Partial<Case> & { readonly place?: "memory" } = {},
): Case {
  const prepare = async () => {
    const made = await bed(more.place ?? PLACE);
    await commitMany(made.database, 0, history);
    return { step: await make(made), end: () => made.remove() };
  };
  return { group, name, unit: "operations", prepare, ...more };
}

/** A case whose every step has a fresh database with `history` commits. */
function onFresh(
  group: string,
  name: string,
  history: number,
  step: (database: Database) => Promise<unknown>,
  more: Partial<Case> = {},
): Case {
  const prepare = () => {
    let made: Bed | undefined;
    return {
      async before(): Promise<void> {
        await made?.remove();
        made = await bed(PLACE);
        await commitMany(made.database, 0, history);
      },
      step: () => step(made!.database),
      end: () => made?.remove(),
    };
  };
  return { group, name, unit: "operations", prepare, ...more };
}

async function setMany(database: Database, count: number): Promise<void> {
  const transaction = await database.newTransaction();
  const store = await transaction.getStore(DocStore, STORE);
  for (let at = 0; at < count; at++) await store.set(`batch_key_${at}`, `batch_value_${at}`);
  await transaction.commit();
}

function writes(): Case[] {
  return [
    ...[0, 10, 100].map((size) =>
      onFresh("add_entries", `single_entry/${size}`, size, (database) => {
        return commitOne(database, `new_key_${size}`, `new_value_${size}`);
      })
    ),
    ...[1, 10, 50, 100].map((size) =>
      onFresh("batch_add_entries", `batch/${size}`, 0, (database) => setMany(database, size), {
        each: size,
        unit: "keys",
      })
    ),
    ...[0, 100].map((size) =>
      onFilled("incremental_add_entries", `incremental_single/${size}`, size, ({ database }) => {
        let count = 0;
        return () => commitOne(database, `inc_key_${count}`, `inc_value_${count++}`);
      })
    ),
  ];
}

function reads(): Case[] {
  return [
    ...[10, 100].map((size) =>
      onFilled("access_entries", `random_access/${size}`, size, ({ database }) => {
        return async () => {
          const transaction = await database.newTransaction();
          await (await transaction.getStore(DocStore, STORE)).get(`key_${size / 2}`);
        };
      })
    ),
    {
      group: "tree_operations",
      name: "create_tree",
      unit: "operations",
      prepare: () => ({ step: createTree }),
    },
    ...[0, 10, 100].map((size) =>
      onFilled("tree_operations", `create_transaction/${size}`, size, ({ database }) => {
        return () => database.newTransaction();
      })
    ),
  ];
}

async function createTree(): Promise<void> {
  const first = NewUser.passwordless("bench_user");
  const { instance, user } = await Instance.connectOrCreate("memory://", first);
  await user!.createDatabase({ name: "bench" });
  await instance.close();
}

/** Commits one key on top of `at`; the ID of the entry. */
async function commitAt(database: Database, at: readonly ID[], key: string): Promise<ID> {
  const transaction = await database.newTransaction({ at: Snapshot.of(at) });
  await (await transaction.getStore(DocStore, STORE)).set(key, "value");
  return await transaction.commit();
}

/** Chain of commits on top of `from`. */
async function chain(database: Database, from: ID, length: number, name: string): Promise<ID[]> {
  const ids: ID[] = [];
  for (let at = 0; at < length; at++) {
    ids.push(await commitAt(database, [ids.at(-1) ?? from], `${name}_${at}`));
  }
  return ids;
}

function mergeBases(): Case[] {
  return [
    ...[10, 50, 100].map((length) =>
      onFilled("find_merge_base_linear", `length/${length}`, 0, async (made) => {
        const { database } = made;
        const ids = await chain(database, database.rootId, length, "key");
        const ends = [ids[0]!, ids.at(-1)!];
        return () => backendOf(made).findMergeBase(database.rootId, STORE, ends);
      })
    ),
    onFilled("find_merge_base_diamond", "find_merge_base_diamond", 0, async (made) => {
      const { database } = made;
      const a = await commitAt(database, [database.rootId], "a");
      const sides = [await commitAt(database, [a], "b"), await commitAt(database, [a], "c")];
      return () => backendOf(made).findMergeBase(database.rootId, STORE, sides);
    }),
  ];
}

function snapshots(): Case[] {
  return [
    ...[5, 10, 25].map((tips) =>
      onFilled("snapshot", `num_tips/${tips}`, 0, async (made) => {
        const { database } = made;
        for (let at = 0; at < tips; at++) await chain(database, database.rootId, 3, `branch_${at}`);
        return () => backendOf(made).snapshot(database.rootId);
      })
    ),
    ...[50, 100].map((size) =>
      onFilled("is_tip", `tree_size/${size}`, size, async (made) => {
        const { rootId } = made.database;
        const last = (await made.database.snapshot()).tips[0]!;
        return async () => (await backendOf(made).snapshot(rootId)).contains(last);
      }, { place: "memory" })
    ),
  ];
}

type Shape = "linear" | "wide";

/** Entries of a chain, or siblings on the root, in the order in which they were made. */
async function shaped(database: Database, shape: Shape, size: number): Promise<ID[]> {
  if (shape === "linear") return await chain(database, database.rootId, size, "key");
  const ids: ID[] = [];
  for (let at = 0; at < size; at++) ids.push(await commitAt(database, [database.rootId], `${at}`));
  return ids;
}

function trees(): Case[] {
  const all = (["linear", "wide"] as const).flatMap((shape) => {
    return [100, 500].map((size) => ({ shape, size }));
  });
  return [
    ...all.map(({ shape, size }) =>
      onFilled("large_tree_operations", `get_tree_${shape}/${size}`, 0, async (made) => {
        await shaped(made.database, shape, size);
        return () => backendOf(made).getTree(made.database.rootId);
      })
    ),
    ...all.map(({ shape, size }) =>
      onFilled("get_tree_from_tips", `${shape}/${size}`, 0, async (made) => {
        const ids = await shaped(made.database, shape, size);
        const tips = Snapshot.of(ids.slice(-3));
        return () => backendOf(made).getTreeFromTips(made.database.rootId, tips);
      }, { place: "memory" })
    ),
    ...[10, 20].map((depth) =>
      onFilled("crdt_computation", `depth/${depth}`, 0, async ({ database }) => {
        const last = (await chain(database, database.rootId, depth, "key")).at(-1)!;
        return () => commitAt(database, [last], "test_key");
      })
    ),
  ];
}

interface Row {
  readonly id: number;
  readonly name: string;
  readonly value: number;
}
const Rows = Table.of<Row>();

async function insertRow(database: Database, row: Row): Promise<string> {
  const transaction = await database.newTransaction();
  const key = await (await transaction.getStore(Rows, "table")).insert(row);
  await transaction.commit();
  return key;
}

async function fillTable(database: Database, size: number): Promise<string> {
  let first: string | undefined;
  for (let id = 0; id < size; id++) {
    const key = await insertRow(database, { id, name: `record_${id}`, value: id * 100 });
    first ??= key;
  }
  return first!;
}

async function readRow(database: Database, key: string): Promise<Row> {
  return await (await database.getStoreViewer(Rows, "table")).get(key);
}

/** A case on a table of `size` rows; `isCold` forgets all states before each step. */
function onTable(
  group: string,
  name: string,
  isCold: boolean,
  step: (database: Database, first: string, size: number) => Promise<unknown>,
): Case[] {
  return [10, 50, 100, 200].map((size) => ({
    group,
    name: `${name}/${size}`,
    unit: "operations",
    prepare: async (): Promise<Run> => {
      const made = await bed(PLACE);
      const first = await fillTable(made.database, size);
      await readRow(made.database, first);
      const run = { step: () => step(made.database, first, size), end: () => made.remove() };
      return isCold
        ? { ...run, before: () => Promise.resolve(backendOf(made).states.clear()) }
        : run;
    },
  }));
}

function tables(): Case[] {
  return [
    ...onTable("table_cache_rebuild", "single_commit_diff", false, async (database, first, id) => {
      await insertRow(database, { id, name: "new_record", value: 999 });
      await readRow(database, first);
    }),
    ...onTable("table_warm_cache", "single_read", false, readRow),
    ...onTable("table_cold_cache", "first_read", true, async (database, first) => {
      const transaction = await database.newTransaction();
      await (await transaction.getStore(Rows, "table")).get(first);
    }),
  ];
}

/** The benchmarks of the Rust project, one to one. */
export function reference(_: Scope): Suite {
  const groups = [writes, reads, mergeBases, snapshots, trees, tables];
  return { name: "reference", cases: groups.flatMap((group) => group()) };
}

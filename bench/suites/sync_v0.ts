import { Instance, NewUser } from "../../mod.ts";
import { type Bed, bed, temporaryFolder } from "../bed.ts";
import type { Case, Run, Scope, Suite } from "../case.ts";
import { commitMany, verifiedIngest } from "../workloads.ts";

/** Entries per storage commit of the local ingest that replication is compared with. */
const BATCH = 500;

/** Replication over loopback HTTP, beside the local ingest of a history of the same length. */
export function syncV0({ quick, large }: Scope): Suite {
  const count = quick ? 50 : 10_000;
  const history = quick ? 100 : large ? 100_000 : 10_000;
  const cases: readonly Case[] = [
    {
      group: "initial replication",
      name: `${count.toLocaleString("en")} entries, local ingest, sqlite`,
      unit: "entries",
      each: count,
      baseline: true,
      samples: 3,
      prepare: () => verifiedIngest(count, BATCH),
    },
    {
      group: "initial replication",
      name: `${count.toLocaleString("en")} entries, sync v0 over HTTP, sqlite`,
      unit: "entries",
      each: count,
      samples: 3,
      prepare: () => replication(count),
    },
    {
      group: "incremental sync v0",
      name: `nothing new, ${history.toLocaleString("en")} entries`,
      unit: "rounds",
      prepare: () => rounds(history, false),
    },
    {
      group: "incremental sync v0",
      name: `one entry more than ${history.toLocaleString("en")}`,
      unit: "rounds",
      prepare: () => rounds(history, true),
    },
  ];
  return { name: "sync", cases };
}

interface Server {
  readonly source: Bed;
  readonly address: { readonly transportType: string; readonly address: string };
}

/** A database of so many entries that everybody may read, served over HTTP. */
async function serve(count: number): Promise<Server> {
  const source = await bed("memory");
  await source.database.grant("everyone", "read");
  await commitMany(source.database, 0, count - 2);
  const sync = await source.instance.enableSync();
  const server = await sync.serve();
  const user = await source.instance.loginUser("bench_user");
  await user.share(source.database);
  return { source, address: { transportType: "http", address: server.address } };
}

async function client(): Promise<{ instance: Instance; end(): Promise<void> }> {
  const { folder, remove } = temporaryFolder();
  const url = `sqlite://${folder}/client.db`;
  const { instance } = await Instance.connectOrCreate(url, NewUser.passwordless("client"), {
    durability: "normal",
  });
  await instance.enableSync();
  const end = async () => {
    await instance.close();
    remove();
  };
  return { instance, end };
}

async function replication(count: number): Promise<Run> {
  const { source, address } = await serve(count);
  let target: Awaited<ReturnType<typeof client>> | undefined;
  return {
    async before() {
      await target?.end();
      target = await client();
    },
    step: () => target!.instance.sync!.syncWithPeer(address, source.database.rootId),
    async end() {
      await target?.end();
      await source.remove();
    },
  };
}

async function rounds(count: number, more: boolean): Promise<Run> {
  const { source, address } = await serve(count);
  const target = await client();
  const sync = target.instance.sync!;
  const peer = await sync.syncWithPeer(address, source.database.rootId);
  let next = count;
  return {
    async before() {
      if (more) await commitMany(source.database, next++, 1);
    },
    step: () => sync.syncTreeWithPeer(peer, source.database.rootId),
    async end() {
      await target.end();
      await source.remove();
    },
  };
}

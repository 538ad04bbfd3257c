import type { Instance } from "../../instance/instance.ts";
import type { PeerInfo } from "../../sync/peers/records.ts";
import type { Sync } from "../../sync/port.ts";
import type { Command, Run } from "../frame/command.ts";
import { shown } from "../frame/text.ts";
import { findDatabase } from "../databases.ts";
import { when } from "../entry_lines.ts";
import { STORAGE } from "../options.ts";
import { writing } from "../session.ts";
import { knownSync } from "../sharing.ts";

/** `eidetica peers`. */
export const peers: Command = {
  about: "Show with whom databases are kept in step",
  options: [{ name: "db", value: "DB", help: "Only the peers of this database" }, ...STORAGE],
  examples: ["eidetica peers", "eidetica peers --db orchard --json"],
  run: (run) => writing(run, (instance) => show(run, instance)),
};

async function show(run: Run, instance: Instance): Promise<void> {
  const { out } = run;
  const sync = await knownSync(instance);
  const found = sync === undefined ? [] : await wanted(run, instance, sync);
  if (out.json) return out.value(await Promise.all(found.map((peer) => peerJson(sync!, peer))));
  if (found.length === 0) return out.line("No peers.");
  const rows = found.map((peer) => [
    shown(peer.displayName ?? peer.id.toString()),
    peer.addresses.map(({ transportType, address }) => shown(`${transportType}:${address}`)).join(
      " ",
    ),
    shown(String(peer.lastError ?? peer.status)),
    when(Date.parse(peer.lastSuccessfulSync ?? peer.lastSeen), out),
  ]);
  out.table(["PEER", "ROUTE", "STATE", "LAST SEEN"], rows);
}

async function wanted({ values }: Run, instance: Instance, sync: Sync): Promise<PeerInfo[]> {
  const all = await sync.listPeers();
  const text = values.get("db");
  if (text === undefined) return all;
  const { root } = await findDatabase(instance, text);
  const keys = await sync.getTreePeers(root);
  return all.filter(({ id }) => keys.some((key) => key.equals(id)));
}

async function peerJson(sync: Sync, peer: PeerInfo): Promise<Record<string, unknown>> {
  const trees = await sync.getPeerTrees(peer.id);
  return {
    peer: peer.id.toString(),
    name: peer.displayName ?? null,
    routes: peer.addresses.map(({ transportType, address }) => `${transportType}:${address}`),
    state: peer.status,
    last_seen: peer.lastSeen,
    last_sync: peer.lastSuccessfulSync ?? null,
    error: peer.lastError ?? null,
    databases: trees.map((id) => ({ id: id.toString() })),
  };
}

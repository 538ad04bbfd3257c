import type { Sync } from "../../sync/port.ts";
import type { ID } from "../../entry/id.ts";
import { PublicKey } from "../../keys/public_key.ts";
import { EideticaError } from "../../util/errors.ts";
import { tryRead } from "../../util/try_read.ts";
import type { Command, Run } from "../frame/command.ts";
import { EXIT, Failure } from "../frame/failure.ts";
import { shown } from "../frame/text.ts";
import { findDatabase } from "../databases.ts";
import { DATABASE, millisecondsOf, refuseSeconds, STORAGE } from "../options.ts";
import { syncing, useKeyOf } from "../sharing.ts";

/** `eidetica db sync`. */
export const dbSync: Command = {
  about: "Bring a database in step with its peers now",
  options: [
    { name: "peer", value: "PEER", help: "Only this peer: its key, or the beginning of it" },
    {
      name: "timeout",
      value: "SECONDS",
      default: "60",
      refuse: refuseSeconds,
      help: "How long to try each peer",
    },
    ...STORAGE,
  ],
  positionals: [DATABASE],
  examples: ["eidetica db sync orchard", "eidetica db sync orchard --peer ed25519:… --timeout 5"],
  run: (run) =>
    syncing(run, async (user, sync, instance) => {
      const { root } = await findDatabase(instance, run.values.text("DB"));
      useKeyOf(user, sync, root);
      const results = [];
      for (const peer of await peersOf(run, sync, root)) {
        const result = await round(run, sync, root, peer);
        results.push(result);
        if (!run.out.json) run.out.line(line(result));
      }
      if (run.out.json) run.out.value(results);
      return results.every(({ complete }) => complete) ? 0 : EXIT.waiting;
    }),
};

interface Result {
  readonly peer: string;
  readonly sent: number;
  readonly received: number;
  readonly bytes: number;
  readonly complete: boolean;
  readonly error?: string;
}

async function peersOf({ values }: Run, sync: Sync, root: ID): Promise<PublicKey[]> {
  const all = await sync.getTreePeers(root);
  const wanted = values.get("peer");
  const whole = wanted === undefined ? undefined : tryRead(() => PublicKey.parse(wanted));
  if (whole !== undefined) return [whole];
  const found = all.filter((peer) => {
    const text = peer.toString();
    return wanted === undefined || text.startsWith(wanted) || text.startsWith(`ed25519:${wanted}`);
  });
  if (found.length > 0) return found;
  throw new Failure("Cannot bring it in step: there is nobody to do so with.", {
    code: "NoPeers",
    next: "eidetica db share DB here, eidetica db join TICKET there",
  });
}

async function round(
  { values, signal }: Run,
  sync: Sync,
  root: ID,
  peer: PublicKey,
): Promise<Result> {
  const late = AbortSignal.timeout(millisecondsOf(values.text("timeout")));
  try {
    const options = { peer, signal: AbortSignal.any([signal, late]) };
    const { sent, received, bytes, complete } = await sync.syncNow(root, options);
    return { peer: peer.toString(), sent, received, bytes, complete };
  } catch (error) {
    if (signal.aborted || !(error instanceof EideticaError)) throw error;
    const nothing = { sent: 0, received: 0, bytes: 0, complete: false };
    return { peer: peer.toString(), ...nothing, error: error.message };
  }
}

function line({ peer, sent, received, complete, error }: Result): string {
  const state = error ?? (complete ? "in step" : "not in step");
  return `${shown(peer)}  sent ${sent}, received ${received}, ${shown(state)}`;
}

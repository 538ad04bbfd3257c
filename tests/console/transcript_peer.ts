/** The other end of the transcripts: a peer, one who never answers, and a port where nobody listens. */

import { Instance, NewUser } from "../../mod.ts";

/** Values of the placeholders that name them. */
export interface PeerPlaces {
  /** Port of the peer. */
  readonly peer: string;
  /** Port at which nobody listens. */
  readonly closed: string;
  /** Port at which nobody answers. */
  readonly silent: string;
  /** Database of the peer that everybody may write, and its tip. */
  readonly open: string;
  readonly openTip: string;
  /** Database of the peer for which it has to be asked. */
  readonly guarded: string;
  /** Has those be refused who wait at the port where nobody answers. */
  release(): void;
  /** Ends them all. */
  close(): Promise<void>;
}

function portOf(address: string): string {
  return address.slice(address.lastIndexOf(":") + 1);
}

/** A peer that serves two databases. */
export async function transcriptPeer(): Promise<PeerPlaces> {
  const { instance, user } = await Instance.connectOrCreate("memory://", NewUser.passwordless("p"));
  const sync = await instance.enableSync();
  const open = await user!.createDatabase({ name: "peer <db>" });
  await open.grant("everyone", "write");
  const guarded = await user!.createDatabase({ name: "guarded" });
  for (const database of [open, guarded]) await user!.share(database);
  const server = await sync.serve();
  let release: () => void = () => {};
  const released = new Promise<Response>((resolve) => {
    release = () => resolve(new Response(null, { status: 503 }));
  });
  const silent = await sync.serve({ handler: () => released });
  const gone = await sync.serve();
  await gone.close();
  return {
    peer: portOf(server.address),
    closed: portOf(gone.address),
    silent: portOf(silent.address),
    open: `${open.rootId}`,
    openTip: `${(await open.snapshot()).tips[0]}`,
    guarded: `${guarded.rootId}`,
    release: () => release(),
    close: async () => {
      release();
      await instance.close();
    },
  };
}

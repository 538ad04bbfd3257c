import type { PublicKey } from "../keys/public_key.ts";
import type { Address, Link, LinkInfo } from "../transport/port.ts";
import type { ID } from "../entry/id.ts";
import type { NonceLedger } from "./access/port.ts";
import { tasksEndWithRequests } from "../util/isolate.ts";
import { answerPost, type PostServer } from "./http/native_post.ts";
import { answerEvents } from "./http/tips_route.ts";
import type { NativeDoor } from "./http/native_route.ts";
import type { Notice } from "./native/actions.ts";
import type { NativeHost } from "./native/host/native_host.ts";
import type { NativeChannel } from "./native/native_channel.ts";
import { type NativeSession, runSession, type SessionRun } from "./native/native_session.ts";
import type { NativeOffers } from "./native_offers.ts";
import { upgradeHere } from "./serve.ts";
import type { Transports } from "./transports.ts";

/** Who is told of what happens in sessions. */
export interface SessionListener {
  /** The peer has proved its key, and is registered. */
  met(peer: PublicKey): void;
  /** The peer, who is registered, has opened a tree that it may read. */
  served(peer: PublicKey, session: NativeSession, channel: NativeChannel): void;
  /** Something has happened to a tree. */
  noted(peer: PublicKey, tree: ID, notice: Notice): void;
}

/** What sessions are run with. */
export interface NativeSessionsOptions {
  readonly host: () => NativeHost;
  /** Spent nonces; those of all transports. */
  readonly nonces: NonceLedger;
  readonly transports: Transports;
  readonly offers: NativeOffers;
  readonly listener: SessionListener;
}

/** Begins sessions of the native protocol for one instance, with others and for others. */
export class NativeSessions implements NativeDoor {
  /** See {@link NativeDoor.upgradeHere}. */
  readonly upgradeHere: NativeDoor["upgradeHere"] = upgradeHere;
  readonly #options: NativeSessionsOptions;

  /** No sessions yet. */
  constructor(options: NativeSessionsOptions) {
    this.#options = options;
  }

  /** See {@link NativeDoor.accept}. */
  accept(link: Link, { binding, remote }: LinkInfo): void {
    const session = this.#run(link, { role: "server", deflates: true, binding, remote });
    session.established.then(({ peer, isKnown }) => {
      if (isKnown) this.#options.listener.met(peer);
    }, () => {});
  }

  /** See {@link NativeDoor.post}. */
  post(request: Request, remote: string | undefined): Promise<Response> {
    return answerPost(this.#server(), request, remote);
  }

  /** See {@link NativeDoor.events}. */
  events(request: Request, remote: string | undefined): Promise<Response> {
    return answerEvents(this.#server(), request, remote);
  }

  #server(): PostServer {
    const { host: hostOf, nonces } = this.#options;
    const host = hostOf();
    return { host, nonces, device: host.serving.host.deviceKey() };
  }

  /** Whether a peer can be spoken to natively at an address. */
  leadsTo(peer: PublicKey, address: Address): boolean {
    // What an isolate connects to ends with the request.
    if (tasksEndWithRequests) return false;
    if (this.#options.offers.pathOf(peer) === undefined) return false;
    return this.#options.transports.find(address)?.connect !== undefined;
  }

  /** Begins a session with a peer at an address; resolves when both have proved their keys. */
  async connect(peer: PublicKey, address: Address, signal: AbortSignal): Promise<NativeSession> {
    const { transports, offers } = this.#options;
    const transport = transports.leadingTo(address);
    const link = await transports.connect(address, { signal, path: offers.pathOf(peer) });
    const session = this.#run(link, {
      role: "client",
      wanted: peer,
      deflates: !isHere(address),
      binding: transport.binding?.(address) ?? address.address,
      signal,
    });
    await session.established;
    return session;
  }

  #run(link: Link, how: Omit<SessionRun, "host" | "onNotice" | "onServed">): NativeSession {
    const { host, listener } = this.#options;
    let [peer, isKnown] = [how.wanted, false];
    const session: NativeSession = runSession(link, {
      ...how,
      host: host(),
      onNotice: (notice, tree) => {
        if (tree !== undefined && peer !== undefined) listener.noted(peer, tree, notice);
      },
      onServed: (channel) => {
        if (isKnown) listener.served(peer!, session, channel);
      },
    });
    session.established.then((it) => [peer, isKnown] = [it.peer, it.isKnown], () => {});
    return session;
  }
}

/** Whether an address is on this machine: nothing is gained by making less of what goes there. */
function isHere({ transportType, address }: Address): boolean {
  return transportType === "port" ||
    /^(?:https?:\/\/)?(?:127\.|localhost[:/]|\[::1\])/i.test(address);
}

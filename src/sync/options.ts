import type { PrivateKey } from "../keys/private_key.ts";
import type { PublicKey } from "../keys/public_key.ts";
import type { IrohOptions } from "../transport/iroh_options.ts";
import type { Address, Transport, WebHandler } from "../transport/port.ts";
import { optionsOf, requireMethod, wrongArgument } from "../util/arguments.ts";
import { requireOptionalText } from "./arguments.ts";
import type { Origins } from "./http/origins.ts";
import { irohWish } from "./iroh.ts";
import type { DatabaseTicket } from "./ticket.ts";
import type { Timers } from "./worker/timers.ts";
import type { TreeReport } from "./worker/tree_sync.ts";

/** How synchronisation is enabled. */
export interface SyncOptions {
  /** Transports by name; `{ http: … }`, which only connects, unless others are given. */
  readonly transports?: Readonly<Record<string, Transport>>;
  /** Waiting; the platform's timers unless others are given. */
  readonly timers?: Timers;
  /** Name that other nodes are told. */
  readonly displayName?: string;
  /**
   * Whether the native protocol is offered and used, which exchanges live and in less bytes; true unless told. With
   * peers who do not offer it, protocol v0 is spoken anyway.
   */
  readonly native?: boolean;
  /**
   * Whether others are reached through Iroh as well, without servers and through routers, as tickets with addresses of
   * that kind need it; not unless told. On Deno, Bun and Node, with the npm package `@number0/iroh`.
   */
  readonly iroh?: boolean | IrohOptions;
}

/** What a handler of requests does. */
export interface HandlerOptions {
  /**
   * Whether the instance is a relay from now on: it takes every database that somebody brings, stores what is valid, and
   * passes it on, live, to all who may read it. It needs no key of them. Give it a storage of its own.
   */
  readonly relay?: boolean;
  /**
   * Origins of pages that may speak to it besides those of its own origin, by `fetch` and over WebSockets: `"*"`, or a
   * list; none unless told.
   */
  readonly origins?: Origins;
}

/** Where a server listens. */
export interface ServeOptions {
  /** Port; 0, which has one picked, unless told. */
  readonly port?: number;
  /** Address of an interface; only this machine unless told. */
  readonly hostname?: string;
  /** Where others reach this server, if that is another place, as behind a proxy: `host:port` or a URL. */
  readonly publicAddress?: string;
  /** Certificate and key in PEM form, for `https`. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /**
   * Origins of pages that may speak to it besides those of its own origin, by `fetch` and over WebSockets: `"*"`, or a
   * list; none unless told.
   */
  readonly origins?: Origins;
  /**
   * Answers all requests instead, and passes those on to `fetchHandler()` that are for synchronisation, such as the handler of
   * a node (`eidetica/console`). `origins` is then its own affair.
   */
  readonly handler?: WebHandler;
  /**
   * Whether others can reach this instance through Iroh, too, from behind its router. Options count where Iroh was not
   * enabled before; see {@link SyncOptions.iroh}.
   */
  readonly iroh?: boolean | IrohOptions;
}

/** A server that listens. */
export interface SyncServer extends AsyncDisposable {
  /** Where it listens, `host:port`. */
  readonly address: string;
  /** Ends it; exchanges under way are finished. */
  close(): Promise<void>;
}

/** What one call has brought in step. */
export interface SyncReport extends TreeReport {
  /** Whether all peers that were asked have everything now, and this instance all that they had. */
  readonly complete: boolean;
}

/** With whom a database is kept in step. */
export interface FollowOptions {
  /** Tickets, addresses or keys of peers. */
  readonly peers: readonly (DatabaseTicket | Address | PublicKey)[];
  /** Key that may read the database; the device's own key unless told. */
  readonly key?: PrivateKey;
}

/** What is asked for, checked. */
export function syncOptions(options: SyncOptions): SyncOptions {
  const action = "enable synchronisation";
  const given = optionsOf(options, action);
  const { transports, timers, displayName, native, iroh } = given;
  optionsOf(transports, action);
  if (timers !== undefined) requireMethod(timers, "after", action, "`timers`");
  requireOptionalText(displayName, action, "`displayName`");
  if (native !== undefined && typeof native !== "boolean") {
    throw wrongArgument(action, "`native`", "true or false", native);
  }
  irohWish(iroh, action);
  return given;
}

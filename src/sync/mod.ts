/**
 * Keeping databases in step with other instances: tickets, servers, followers, events.
 *
 * ```ts
 * import { DocStore, Instance, NewUser } from "eidetica";
 * import { DatabaseTicket } from "eidetica/sync";
 *
 * const home = await Instance.connectOrCreate("memory://", NewUser.passwordless("ada"));
 * const notes = await home.user!.createDatabase({ name: "notes" });
 * await notes.grant("everyone", "write");
 * await notes.withTransaction(async (tx) => (await tx.getStore(DocStore, "p")).set("hello", "world"));
 * const sync = await home.instance.enableSync();
 * await sync.serve();
 * const ticket = (await home.user!.share(notes)).toString();
 *
 * const away = await Instance.connectOrCreate("memory://", NewUser.passwordless("bob"));
 * await away.instance.enableSync();
 * const copy = await away.user!.join(DatabaseTicket.parse(ticket));
 * const pages = await copy.getStoreViewer(DocStore, "p");
 * if (await pages.getString("hello") !== "world") throw new Error("not there");
 * await away.instance.close();
 * await home.instance.close();
 * ```
 *
 * @module
 */

export type { Address } from "./address.ts";
export { DatabaseTicket, type TicketOptions } from "./ticket.ts";
export { Sync } from "./sync.ts";
export type {
  FollowOptions,
  HandlerOptions,
  ServeOptions,
  SyncOptions,
  SyncReport,
  SyncServer,
} from "./options.ts";
export { TICKET_ADDRESS_MS } from "./over_ticket.ts";
export { type AccessRequest, type RoundControls, SyncNetwork } from "./sync_network.ts";
export { SyncRecords } from "./sync_records.ts";
export { SyncTransports, type TransportBuilder } from "./sync_transports.ts";
export {
  type HandleHost,
  SyncHandle,
  type SyncPeer,
  type SyncStatus,
  type WaitOptions,
} from "./declarative.ts";
export type { Origins } from "./http/origins.ts";
export { SyncLink } from "./link.ts";
export type { SyncEvent } from "./events.ts";
export type { TreeMetrics } from "./metrics.ts";
export type { BootstrapRequest, BootstrapStatus } from "./peers/bootstrap_requests.ts";
export type { ConnectionState, PeerInfo, PeerStatus } from "./peers/records.ts";
export {
  successRate,
  type SyncCursor,
  type SyncHistoryEntry,
  type SyncMetadata,
  type SyncOutcome,
  SyncStateManager,
} from "./peers/sync_state.ts";
export {
  type HttpConfig,
  httpConfig,
  type IrohConfig,
  irohConfig,
  type RelayMode,
  type TransportConfigType,
} from "./peers/transports.ts";
export type { SyncHost, SyncWrites } from "./host.ts";
export type { Timers } from "./worker/timers.ts";
export type { TreeReport } from "./worker/tree_sync.ts";
export { bunServer } from "./bun_server.ts";
export type {
  BunHandlers,
  BunLink,
  BunServer,
  BunSocket,
  BunSocketHandlers,
} from "../transport/bun_server.ts";
export { irohTransport } from "./iroh.ts";
export type { IrohOptions, IrohRelays } from "../transport/iroh_options.ts";
export { HttpTransport, type HttpTransportOptions } from "../transport/http_transport.ts";
export { type MessagePortLike, MessagePortLink } from "../transport/message_port_link.ts";
export {
  type MessagePortOptions,
  MessagePortTransport,
} from "../transport/message_port_transport.ts";
export type {
  ByteStream,
  ConnectionInfo,
  ConnectOptions,
  ExchangeOptions,
  FetchHandler,
  Link,
  LinkInfo,
  Listen,
  Listening,
  ListenOptions,
  PostedAnswer,
  PostedRequest,
  ServerSide,
  Transport,
  Upgrade,
  Upgraded,
  WebHandler,
} from "../transport/port.ts";

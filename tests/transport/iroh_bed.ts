/** Endpoints of Iroh on this machine, without relays. */

import process from "node:process";
import { openIroh } from "../../src/transport/edge/iroh.ts";
import { type Addon, loadAddon } from "../../src/transport/edge/iroh_addon.ts";
import type { IrohOptions } from "../../src/transport/iroh_options.ts";
import type { Address, ByteStream, Link, ServerSide, Transport } from "../../src/transport/port.ts";
import { concat } from "../../src/util/bytes.ts";
import { systemRandom } from "../../src/util/random.ts";

/** Nobody outside of this machine is asked or told. */
export const HERE: IrohOptions = { relays: "disabled", bindAddress: "127.0.0.1:0" };

/** The same for an instance that reaches others by nothing else. */
export const ALONE: { readonly transports: Record<never, Transport>; readonly iroh: IrohOptions } =
  {
    transports: {},
    iroh: HERE,
  };

/** The reason why there is no add-on here; false where there is. In CI there must be. */
export const skip: string | false = await loadAddon().then(() => false, (error: Error) => {
  if (process.env["CI"] !== undefined) throw error;
  return error.message;
});

/** All bytes of a stream. */
export async function all(stream: ByteStream): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return concat(...pieces);
}

/** Bytes of which no two parts are the same. */
export function bytes(length: number): Uint8Array {
  const all = new Uint8Array(length);
  for (let at = 0; at < length; at++) all[at] = at * 31 + (at >> 8);
  return all;
}

/** What a server does that sends back what it is sent, and keeps connections. */
export function echo(accepted: Link[] = []): ServerSide {
  return {
    exchange: async (request) => [await all(request)] as unknown as ByteStream,
    accept: (link) => accepted.push(link),
    fetch: () => Promise.reject(new Error("not asked")),
  };
}

/** A transport that is nobody's yet. */
export function transport(options: IrohOptions = {}): Promise<Transport> {
  return openIroh({ ...HERE, ...options }, systemRandom.bytes(32));
}

/** Where a transport serves. */
export function addressOf(serving: Transport): Address {
  return { transportType: serving.type, address: serving.serverAddress() };
}

/** A transport that connects, and one that serves; both are closed with the test. */
export async function withIroh(
  server: ServerSide,
  test: (client: Transport, serving: Transport, address: Address) => Promise<void>,
  options: IrohOptions = {},
): Promise<void> {
  const [client, serving] = [await transport(options), await transport()];
  await serving.start(server);
  try {
    await test(client, serving, addressOf(serving));
  } finally {
    await client.close!();
    await serving.close!();
  }
}

/** A ticket of an endpoint that is nowhere. */
export function nobody({ EndpointTicket, ...addon }: Addon & AddonOfTests): string {
  const id = addon.SecretKey.fromBytes([...systemRandom.bytes(32)]).public();
  const address = new addon.EndpointAddr(id, null, ["127.0.0.1:9"]);
  return EndpointTicket.fromAddr(address as never).toString();
}

/** More of the add-on than the transport uses. */
export interface AddonOfTests {
  readonly EndpointAddr: new (id: object, relay: string | null, places: string[]) => object;
}

/** The add-on itself. */
export async function addon(): Promise<Addon & AddonOfTests> {
  return await loadAddon() as Addon & AddonOfTests;
}

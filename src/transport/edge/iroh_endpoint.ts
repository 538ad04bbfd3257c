/** EDGE: an endpoint of Iroh, which is bound when it is needed first. */

import { endedBy, unlessAborted } from "../../util/abort.ts";
import { SyncError } from "../../util/errors.ts";
import { connectionFailed, serverBind } from "../errors.ts";
import type { IrohOptions } from "../iroh_options.ts";
import { SilenceWatch } from "../silence.ts";
import {
  type Addon,
  type AddonAddress,
  type AddonConnection,
  type AddonEndpoint,
  type AddonIncoming,
  borderOf,
  plainError,
  type ToAddon,
} from "./iroh_addon.ts";
import { closeConnection } from "./iroh_stream.ts";

/** How long it may take until another endpoint is reached, in milliseconds, unless told. */
export const IROH_OPEN_MS = 15_000;
/** How long a relay is waited for, in milliseconds, unless told. */
export const RELAY_MS = 3000;
/** How often it is looked whether there is one: the add-on has a call that waits, and never ends where there is none. */
const LOOK_MS = 25;

/** An endpoint. */
export class IrohEndpoint {
  /** Its name, in hexadecimal. */
  readonly id: string;
  /** How bytes go to the add-on. */
  readonly toAddon: ToAddon;
  readonly #addon: Addon;
  readonly #options: IrohOptions;
  readonly #secret: Uint8Array;
  readonly #relays: object;
  #bound: Promise<AddonEndpoint> | undefined;
  #open: AddonEndpoint | undefined;
  #isClosed = false;
  #accepting: Promise<void> | undefined;

  /** An endpoint with a secret key; `TransportInit` for relays that cannot be used. */
  constructor(addon: Addon, options: IrohOptions, secret: Uint8Array) {
    this.#addon = addon;
    this.#options = options;
    this.#secret = secret;
    this.toAddon = borderOf(addon);
    this.id = addon.SecretKey.fromBytes(this.toAddon(secret)).public().toString();
    this.#relays = relayMode(addon, options.relays);
  }

  /** The socket, opened when it is not open yet. */
  async bound(): Promise<AddonEndpoint> {
    if (this.#isClosed) throw new Error("the transport was closed");
    try {
      return this.#open = await (this.#bound ??= this.#bind());
    } catch (error) {
      this.#bound = undefined;
      throw plainError(error);
    }
  }

  async #bind(): Promise<AddonEndpoint> {
    const { relays = "default", bindAddress } = this.#options;
    const builder = this.#addon.Endpoint.builder();
    // What the Iroh project runs is only asked where its relays are wanted.
    if (relays === "default" || relays === "staging") builder.applyN0();
    else builder.applyMinimal();
    builder.relayMode(this.#relays);
    builder.secretKey(this.toAddon(this.#secret));
    if (bindAddress !== undefined) builder.bindAddr(bindAddress);
    return await builder.bind();
  }

  /** Where it is, as a text; undefined before it is bound. */
  get ticket(): string | undefined {
    if (this.#open === undefined) return undefined;
    return this.#addon.EndpointTicket.fromAddr(this.#open.addr()).toString();
  }

  /** The address that a text names; `SerializationError` when it names none. */
  addressOf(text: string): AddonAddress {
    try {
      return this.#addon.EndpointTicket.fromString(text).endpointAddr();
    } catch (error) {
      const cause = plainError(error);
      const message =
        `Cannot read the address of an endpoint: it is no endpoint ticket (${cause.message})`;
      throw new SyncError("SerializationError", message, { cause });
    }
  }

  /** Connects to another endpoint; `ConnectionFailed` when that cannot be. */
  async connect(text: string, alpn: string, signal?: AbortSignal): Promise<AddonConnection> {
    const address = this.addressOf(text);
    return await this.inTime(
      text,
      signal,
      () => this.#connect(address, text, alpn),
      closeConnection,
    );
  }

  /** Does a part of reaching an endpoint; `ConnectionFailed` when it takes longer than that may. */
  async inTime<T>(
    text: string,
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
    discard?: (late: T) => unknown,
  ): Promise<T> {
    const { openMs = IROH_OPEN_MS } = this.#options;
    const watch = new SilenceWatch(openMs, signal);
    const failure = () =>
      watch.wasSilent
        ? connectionFailed(text, new Error(`no answer within ${openMs} ms`))
        : endedBy(watch.signal, `reach ${text}`);
    try {
      return await unlessAborted(watch.signal, work, discard ? { failure, discard } : { failure });
    } finally {
      watch.stop();
    }
  }

  async #connect(address: AddonAddress, text: string, alpn: string): Promise<AddonConnection> {
    try {
      return await (await this.bound()).connect(address, this.#nameOf(alpn));
    } catch (error) {
      throw connectionFailed(text, plainError(error));
    }
  }

  #nameOf(alpn: string) {
    return this.toAddon(new TextEncoder().encode(alpn));
  }

  /** Takes connections for these protocols from now on, none if there are none. */
  async listen(alpns: readonly string[], take: (incoming: AddonIncoming) => void): Promise<void> {
    const { bindAddress = "0.0.0.0:0" } = this.#options;
    const endpoint = await this.bound().catch((error) => {
      throw serverBind(bindAddress, error);
    });
    endpoint.setAlpns(alpns.map((alpn) => this.#nameOf(alpn)));
    this.#accepting ??= this.#accept(endpoint, take);
    if (this.#options.relays !== "disabled") await this.#relayFound(endpoint);
  }

  /** Takes no connections any more. */
  mute(): void {
    this.#open?.setAlpns([]);
  }

  async #accept(endpoint: AddonEndpoint, take: (incoming: AddonIncoming) => void): Promise<void> {
    for (;;) {
      const incoming = await endpoint.acceptNext().catch(() => null);
      if (incoming === null) return;
      take(incoming);
    }
  }

  async #relayFound(endpoint: AddonEndpoint): Promise<void> {
    const { relayMs = RELAY_MS } = this.#options;
    const until = performance.now() + relayMs;
    while (!this.#isClosed && endpoint.addr().relayUrl() === null && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** Closes the socket; nothing is opened after that. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const endpoint = await this.#bound?.catch(() => undefined);
    await endpoint?.close();
    await this.#accepting;
  }
}

function relayMode({ RelayMode }: Addon, relays: IrohOptions["relays"]): object {
  if (relays === "disabled") return RelayMode.disabled();
  if (relays === "staging") return RelayMode.staging();
  if (relays === undefined || typeof relays === "string") return RelayMode.defaultMode();
  try {
    return RelayMode.customFromUrls([...relays]);
  } catch (error) {
    const cause = plainError(error);
    const message = `Cannot use the relays that were given: ${cause.message}`;
    throw new SyncError("TransportInit", message, { cause });
  }
}

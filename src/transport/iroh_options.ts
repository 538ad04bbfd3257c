import { optionsOf, requireText, wrongArgument, wrongNumber } from "../util/arguments.ts";

/** Bytes of the secret key of an endpoint. */
export const IROH_KEY_BYTES = 32;

/**
 * Relays that help endpoints to find each other, and pass on what cannot go directly: those that the Iroh project runs,
 * with its directory of endpoints (`"default"`, `"staging"`), none (`"disabled"`), or the URLs of your own.
 */
export type IrohRelays = "default" | "staging" | "disabled" | readonly string[];

/** How an instance is reached through Iroh, and reaches others. */
export interface IrohOptions {
  /** Relays; `"default"` unless told. With `"disabled"` or URLs of your own nobody else is asked for anything. */
  readonly relays?: IrohRelays;
  /**
   * IPv4 address and port of an interface, `ip:port`; all interfaces and a free port unless told. The add-on also opens
   * an IPv6 socket on all interfaces, whatever this says.
   */
  readonly bindAddress?: string;
  /**
   * Secret key of the endpoint, 32 bytes, for the first start under a name: it is kept with the instance, and what is
   * kept counts from then on. A new one is made unless told.
   */
  readonly secretKey?: Uint8Array;
  /** How long it may take until the other side is reached, in milliseconds; 15,000 unless told. */
  readonly openMs?: number;
  /**
   * How long `serve` waits until a relay is found, so that the first ticket names it, in milliseconds; 3,000 unless told.
   * Without one it serves, too.
   */
  readonly relayMs?: number;
  /**
   * Most bytes of one answer of protocol v0; as many as come unless told, because they are stored while they arrive. Nodes
   * of the Rust project read 1 MiB.
   */
  readonly answerBytes?: number;
}

const NAMED: readonly unknown[] = ["default", "staging", "disabled"];

/** The options, checked. */
export function irohOptions(options: IrohOptions | undefined, action: string): IrohOptions {
  const given = optionsOf(options, action) as IrohOptions;
  const { relays, bindAddress, secretKey } = given;
  if (relays !== undefined) requireRelays(relays, action);
  if (bindAddress !== undefined) requireText(bindAddress, action, "`bindAddress`");
  if (secretKey !== undefined) requireSecret(secretKey, action);
  for (const name of ["openMs", "relayMs", "answerBytes"] as const) {
    requireCount(given[name], action, `\`${name}\``);
  }
  // The socket is opened later: callers may have wiped their copy of the key by then.
  return secretKey === undefined ? given : { ...given, secretKey: secretKey.slice() };
}

function requireRelays(relays: unknown, action: string): void {
  if (NAMED.includes(relays)) return;
  const isList = Array.isArray(relays) && relays.length > 0 &&
    relays.every((url) => typeof url === "string" && /^https?:\/\//i.test(url));
  if (isList) return;
  const expected = '"default", "staging", "disabled" or a list of http(s) URLs';
  throw wrongArgument(action, "`relays`", expected, relays);
}

function requireSecret(secretKey: unknown, action: string): void {
  if (secretKey instanceof Uint8Array && secretKey.length === IROH_KEY_BYTES) return;
  throw wrongArgument(action, "`secretKey`", `${IROH_KEY_BYTES} bytes`, secretKey);
}

function requireCount(value: unknown, action: string, argument: string): void {
  if (value === undefined || typeof value === "number" && value >= 0) return;
  throw wrongNumber(action, argument, "a number of 0 or more", value);
}

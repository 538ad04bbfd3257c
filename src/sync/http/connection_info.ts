import { addressBlock, isOwnMachine } from "../../transport/address_block.ts";
import { joinAddress } from "../../transport/addresses.ts";
import type { ConnectionInfo } from "../../transport/port.ts";

/** What servers pass to handlers beside the request, each its own. */
interface Given {
  readonly remoteAddress?: unknown;
  readonly remoteAddr?: { readonly hostname?: unknown; readonly port?: unknown };
  readonly upgrade?: unknown;
  readonly requestIP?: unknown;
}

/** Who is counted: a host, not its ports. What comes from this machine may have passed a proxy, and be anybody. */
export function countedHost(remote: string | undefined): string | undefined {
  return remote === undefined || isOwnMachine(remote) ? undefined : addressBlock(remote);
}

/** What is known of a request, out of what the server that was asked passes along. */
export function connectionInfo(given: unknown): ConnectionInfo {
  const { remoteAddress, remoteAddr, upgrade, requestIP } = (given ?? {}) as Given;
  const { hostname, port } = remoteAddr ?? {};
  const told = typeof hostname === "string" ? joinAddress(hostname, Number(port)) : remoteAddress;
  // The server of Bun has a method of that name which does something else.
  const isOurs = typeof upgrade === "function" && requestIP === undefined;
  return {
    ...typeof told === "string" ? { remoteAddress: told } : {},
    ...isOurs ? { upgrade: upgrade as NonNullable<ConnectionInfo["upgrade"]> } : {},
  };
}

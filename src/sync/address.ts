/**
 * Addresses and their JSON form, `{"transport_type": text, "address": text}`.
 *
 * @module
 */

import type { Address } from "../transport/port.ts";
import { tryParse } from "./peers/parse.ts";

export type { Address } from "../transport/port.ts";

/** Whether two addresses are the same; nothing is normalised. */
export function isSameAddress(a: Address, b: Address): boolean {
  return a.transportType === b.transportType && a.address === b.address;
}

/** An address as one text, as tickets have it: `http:127.0.0.1:4000`. */
export function addressText({ transportType, address }: Address): string {
  return `${transportType}:${address}`;
}

/** The JSON form of an address. */
export function addressJson({ transportType, address }: Address): object {
  return { transport_type: transportType, address };
}

/** The JSON text of several addresses. */
export function writeAddresses(addresses: readonly Address[]): string {
  return JSON.stringify(addresses.map(addressJson));
}

/** Reads a JSON text of several addresses, without those that cannot be read. */
export function readAddresses(text: string | undefined): Address[] {
  const listed = tryParse(() => JSON.parse(text ?? "[]") as unknown).flat();
  return listed.flatMap((json) => tryParse(() => readAddress(json)));
}

function readAddress(json: unknown): Address {
  const { transport_type: transportType, address } = json as Record<string, unknown>;
  if (typeof transportType === "string" && typeof address === "string") {
    return { transportType, address };
  }
  throw new Error("an address needs two texts");
}

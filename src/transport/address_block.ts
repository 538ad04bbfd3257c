/**
 * Whose address it is: of IPv6, whoever has one has the 2^64 of its network, so that all of them count as one.
 *
 * @module
 */

/** Groups of an IPv6 address. */
const GROUPS = 8;
/** Groups of the part that names a network. */
const NETWORK_GROUPS = 4;

/**
 * What stands for the owner of an address, given with or without a port: the network `…::/64` for IPv6, the address
 * itself for IPv4, also where that is written as `::ffff:…`, and for anything else.
 */
export function addressBlock(address: string): string {
  const host = hostOf(address);
  const groups = ipv6Groups(host);
  if (groups === undefined) return host;
  if (isMapped(groups)) return groups.slice(6).flatMap(bytesOf).join(".");
  if (groups.join() === LOOPBACK) return "::1";
  return `${groups.slice(0, NETWORK_GROUPS).map((group) => group.toString(16)).join(":")}::/64`;
}

/** Whether an address is of this machine. */
export function isOwnMachine(address: string): boolean {
  return /^(?:127\.|::1$|unix)/.test(addressBlock(address));
}

const LOOPBACK = "0,0,0,0,0,0,0,1";

function hostOf(address: string): string {
  if (ipv6Groups(address) !== undefined) return address;
  return address.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
}

function isMapped(groups: readonly number[]): boolean {
  return groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
}

function bytesOf(group: number): number[] {
  return [group >> 8, group & 0xff];
}

/** The eight groups of an IPv6 address; undefined for anything else. */
function ipv6Groups(text: string): number[] | undefined {
  const [address = "", zone] = text.split("%", 2);
  if (zone === "" || !address.includes(":")) return undefined;
  const [before, after, ...more] = dottedAsGroups(address).split("::").map(groupsOf);
  if (before === undefined || more.length > 0) return undefined;
  const missing = GROUPS - before.length - (after?.length ?? 0);
  const isWhole = after === undefined ? missing === 0 : missing > 0;
  if (!isWhole) return undefined;
  const groups = [...before, ...new Array<number>(missing).fill(0), ...after ?? []];
  return groups.some(Number.isNaN) ? undefined : groups;
}

function groupsOf(text: string): number[] {
  if (text === "") return [];
  return text.split(":").map((group) => /^[\da-f]{1,4}$/i.test(group) ? parseInt(group, 16) : NaN);
}

/** The last two groups may be written as an IPv4 address. */
function dottedAsGroups(text: string): string {
  return text.replace(/(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/, (_, ...bytes) => {
    const [a, b, c, d] = bytes.slice(0, 4).map(Number) as [number, number, number, number];
    if (Math.max(a, b, c, d) > 255) return "?";
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
}

import { serverBind } from "./errors.ts";

/** Host and port of `host:port`, with or without the brackets of an IPv6 address. */
export function splitAddress(text: string): { hostname: string; port: number } {
  const parts = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(text);
  const port = Number(parts?.[3]);
  if (parts !== null && port < 65_536) return { hostname: parts[1] ?? parts[2]!, port };
  throw serverBind(text, new Error("it is not of the form host:port"));
}

/** `host:port`, with the brackets that an IPv6 address needs. */
export function joinAddress(hostname: string, port: number): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

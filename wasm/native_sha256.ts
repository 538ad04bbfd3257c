import { builtinModule } from "../src/util/builtin.ts";
import type { Hash } from "./types.ts";

interface HostHash {
  hash(algorithm: string, data: Uint8Array, encoding: "buffer"): Uint8Array;
}

/** The runtime's SHA-256, or null in a browser or an isolate without the module. */
export function nativeSha256(): Hash | null {
  const host = builtinModule<HostHash>("crypto");
  if (host === undefined) return null;
  return (data) => new Uint8Array(host.hash("sha256", data, "buffer"));
}

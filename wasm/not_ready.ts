import { CryptoError } from "../src/util/errors.ts";

/** Refuses what needs an engine, before there is one. */
export function notReady(what: string): never {
  const message = `Cannot ${what}: this host has no engine of its own and none is loaded yet; ` +
    "call `await ready()` first";
  throw new CryptoError("NotReady", message);
}

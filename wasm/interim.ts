/**
 * What works before `ready`, without loading anything: hashes, and signatures where the runtime has an
 * engine of its own. What waits anyway waits for `ready`.
 *
 * @module
 */

import { earlyHashes } from "./hashes.ts";
import { type NativeEngines, nativeEngines } from "./native.ts";
import { notReady } from "./not_ready.ts";
import { failedEd25519Test } from "./self_test.ts";
import { ed25519With } from "./signatures.ts";
import type { CryptoCore, Ed25519Engine } from "./types.ts";

/** A core until `ready` has loaded one. */
export function interimCore(
  ready: () => Promise<CryptoCore>,
  host: NativeEngines | null = nativeEngines(),
): CryptoCore {
  const engine = host !== null && failedEd25519Test(host.ed25519) === undefined
    ? host.ed25519
    : refusing;
  return Object.freeze<CryptoCore>({
    ...earlyHashes(host && host.sha256),
    engine: engine.name,
    ed25519: ed25519With(engine, () => async (items) => {
      return await (await ready()).ed25519.verifyBatch(items);
    }),
    argon2id: async (...args) => await (await ready()).argon2id(...args),
    seal: async (...args) => await (await ready()).seal(...args),
    open: async (...args) => await (await ready()).open(...args),
  });
}

const refusing: Ed25519Engine = {
  name: "none",
  signer: () => notReady("sign"),
  verifyOrdinary: () => notReady("verify"),
  sha512: () => notReady("verify"),
};

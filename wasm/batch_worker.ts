/**
 * What threads run. One for batches is told first how to load its core, and answers every packed part with one
 * byte (1: accepted) an item. One for passwords answers every derivation with the key.
 *
 * @module
 */

import { anyArgon2id } from "./argon2id.ts";
import { type Derivation, THREAD_IS_HERE } from "./argon2id_threads.ts";
import { unpackItems } from "./batch_message.ts";
import { loadCore } from "./load.ts";
import { threadPort } from "./threads.ts";
import type { CryptoCore, ReadyOptions } from "./types.ts";

const port = threadPort();
let core: CryptoCore | undefined;

async function start(options: ReadyOptions): Promise<void> {
  core = await loadCore(options);
  port.post("ready", []);
}

function verify(packed: ArrayBuffer, { ed25519 }: CryptoCore): void {
  const items = unpackItems(packed);
  const verdicts = Uint8Array.from(
    items,
    (item) => ed25519.verify(item.publicKey, item.data, item.signature) ? 1 : 0,
  );
  port.post(verdicts.buffer, [verdicts.buffer]);
}

async function derive({ password, salt, options }: Derivation): Promise<void> {
  try {
    const key = (await anyArgon2id(password, salt, options)).slice();
    port.post(key.buffer, [key.buffer]);
  } finally {
    password.fill(0);
  }
}

port.listen((message) => {
  if (message instanceof ArrayBuffer && core !== undefined) return verify(message, core);
  const isDerivation = typeof message === "object" && message !== null && "password" in message;
  const work = isDerivation ? derive(message as Derivation) : start(message as ReadyOptions);
  work.catch(() => port.post("failed", []));
});
port.post(THREAD_IS_HERE, []);

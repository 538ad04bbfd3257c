/**
 * The thread that verifies parts of batches: first it is told how to load its core, then it answers
 * every packed part with one byte (1: accepted) an item.
 *
 * @module
 */

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

port.listen((message) => {
  if (message instanceof ArrayBuffer && core !== undefined) verify(message, core);
  else start(message as ReadyOptions).catch(() => port.post("failed", []));
});

/**
 * What threads run. One for batches is told first how to choose its engine, and answers every packed part with one
 * byte (1: accepted) an item. One for passwords answers every derivation with the key.
 *
 * @module
 */

import { anyArgon2id } from "./argon2id.ts";
import { type Derivation, THREAD_IS_HERE } from "./argon2id_message.ts";
import { acceptanceRule, type Verify } from "./acceptance.ts";
import { unpackItems } from "./batch_message.ts";
import { chooseEd25519 } from "./choose.ts";
import { nativeEngines } from "./native.ts";
import { threadPort } from "./thread_port.ts";
import type { ReadyOptions } from "./types.ts";

const port = threadPort();
let verify: Verify | undefined;

async function start(options: ReadyOptions): Promise<void> {
  const native = options.engine === "wasm" ? null : nativeEngines();
  verify = acceptanceRule(await chooseEd25519(options, native));
  port.post("ready", []);
}

function judge(packed: ArrayBuffer, verify: Verify): void {
  const items = unpackItems(packed);
  const verdicts = Uint8Array.from(
    items,
    (item) => verify(item.publicKey, item.data, item.signature) ? 1 : 0,
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
  if (message instanceof ArrayBuffer && verify !== undefined) return judge(message, verify);
  const isDerivation = typeof message === "object" && message !== null && "password" in message;
  const work = isDerivation ? derive(message as Derivation) : start(message as ReadyOptions);
  work.catch(() => port.post("failed", []));
});
port.post(THREAD_IS_HERE, []);

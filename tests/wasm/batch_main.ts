import { ready } from "../../wasm/mod.ts";

const { ed25519 } = await ready();
const signer = ed25519.signer(new Uint8Array(32).fill(5));
const data = new Uint8Array(300);
const item = { publicKey: signer.publicKey, data, signature: signer.sign(data) };
const items = Array.from({ length: 300 }, () => item);

let accepted = 0;
for (let round = 0; round < 5; round++) {
  accepted = (await ed25519.verifyBatch(items)).filter(Boolean).length;
}
console.log(`${accepted} of ${items.length}`);

import assert from "node:assert/strict";
import { test } from "node:test";
import { open, seal } from "../../wasm/aes_gcm.ts";
import { concat } from "../../src/util/bytes.ts";
import { fromHex } from "../../src/util/hex.ts";
import { skip, thirdParty } from "./third_party.ts";

interface Group {
  readonly keySize: number;
  readonly ivSize: number;
  readonly tagSize: number;
  readonly tests: readonly Record<"aad" | "key" | "iv" | "msg" | "ct" | "tag" | "result", string>[];
}

test("AES-256-GCM does what Wycheproof says", { skip }, async () => {
  const groups: Group[] = thirdParty("wycheproof-aes-gcm.json").testGroups;
  const ours = groups.find((one) =>
    one.keySize === 256 && one.ivSize === 96 && one.tagSize === 128
  );
  const cases = ours!.tests.filter(({ aad }) => aad === "");
  assert.equal(cases.length, 48);
  for (const one of cases) {
    const [key, nonce, plain] = [fromHex(one.key), fromHex(one.iv), fromHex(one.msg)];
    const sealed = concat(fromHex(one.ct), fromHex(one.tag));
    if (one.result === "valid") {
      assert.deepEqual(await seal(key, nonce, plain), sealed);
      assert.deepEqual(await open(key, nonce, sealed), plain);
    } else {
      await assert.rejects(open(key, nonce, sealed), { code: "DecryptionFailed" });
    }
  }
});

test("AES-256-GCM refuses wrong lengths and changed data", async () => {
  const [key, nonce, data] = [new Uint8Array(32), new Uint8Array(12), Uint8Array.of(1, 2, 3)];
  for (const wrong of [new Uint8Array(16), new Uint8Array(33)]) {
    const error = { name: "CryptoError", code: "InvalidKeyLength", expected: 32 };
    await assert.rejects(seal(wrong, nonce, data), error);
    await assert.rejects(open(wrong, nonce, data), error);
  }
  const error = { name: "CryptoError", code: "InvalidNonceLength", expected: 12, actual: 11 };
  await assert.rejects(seal(key, nonce.subarray(1), data), error);
  const sealed = await seal(key, nonce, data);
  assert.equal(sealed.length, 3 + 16);
  sealed[0] ^= 1;
  await assert.rejects(open(key, nonce, sealed), { code: "DecryptionFailed" });
  await assert.rejects(open(key, nonce, new Uint8Array(15)), { code: "DecryptionFailed" });
});

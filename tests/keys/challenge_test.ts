import assert from "node:assert/strict";
import { before, test } from "node:test";
import { ready } from "../../wasm/mod.ts";
import {
  createChallengeResponse,
  generateChallenge,
  verifyChallengeResponse,
} from "../../src/keys/challenge.ts";
import { generateKeypair } from "../../src/keys/private_key.ts";

before(async () => {
  await ready();
});

const INVALID = { name: "AuthError", code: "InvalidSignature" };

test("02#5 challenges are 32 bytes and differ", () => {
  const [one, other] = [generateChallenge(), generateChallenge()];
  assert.equal(one.length, 32);
  assert.notDeepEqual(one, other);
});

test("02#5 a response is 64 raw bytes and verifies for its challenge and key only", () => {
  const { privateKey, publicKey } = generateKeypair();
  const challenge = generateChallenge();
  const response = createChallengeResponse(challenge, privateKey);
  assert.equal(response.length, 64);
  assert.deepEqual(response, privateKey.sign(challenge));
  assert.doesNotThrow(() => verifyChallengeResponse(challenge, response, publicKey));
  assert.throws(() => verifyChallengeResponse(generateChallenge(), response, publicKey), INVALID);
  const stranger = generateKeypair().publicKey;
  assert.throws(() => verifyChallengeResponse(challenge, response, stranger), INVALID);
  assert.throws(() => verifyChallengeResponse(challenge, response.slice(1), publicKey), INVALID);
});

test("02#47 a challenge that is not 32 bytes is refused", () => {
  const { privateKey } = generateKeypair();
  for (const length of [0, 31, 33, 64, 600]) {
    assert.throws(() => createChallengeResponse(new Uint8Array(length), privateKey), {
      name: "AuthError",
      code: "InvalidChallenge",
      expected: 32,
      actual: length,
    });
  }
});

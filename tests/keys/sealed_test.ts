import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";
import { core, ready } from "../../wasm/mod.ts";
import { PrivateKey } from "../../src/keys/private_key.ts";
import { deriveKey, newSalt, openPrivateKey, sealPrivateKey } from "../../src/keys/sealed.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { fromHex, toHex } from "../../src/util/hex.ts";

before(async () => {
  await ready();
});

/** The vector of 08 §4. */
const PASSWORD = "password123";
const SALT = "A".repeat(22);
const DERIVED = "77625a7176d8731810942a79eb557013056e3d238467e64e27642b64f1dd807c";
const DERIVED_FROM_DECODED_SALT =
  "9f8cedcb165451abfe95f54f5302644e053e0262cbb6b12f0a52e92973678724";
const KEY_TEXT = "ed25519:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
const PUBLIC_TEXT = "ed25519:6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=";
const NONCE = fromHex("000102030405060708090a0b");
const CIPHERTEXT = fromHex(
  "559dc374116a31fb940c0c3e46e7c88fa91357e09c5d04f14f716a94cfc29a1d66e2d050" +
    "189648f827ad18e53a82c3e2427c0dec1138552563c07db5f857e01ebc0edf2d",
);

/** Cheap costs for tests that are not about the derivation. */
const CHEAP = { memoryKiB: 8, iterations: 1, parallelism: 1 };

function withNonce(nonce: Uint8Array): { bytes: () => Uint8Array } {
  return { bytes: () => nonce };
}

test("08#9 derivation matches the vector; using the decoded salt does not", async () => {
  assert.equal(toHex(await deriveKey(PASSWORD, SALT)), DERIVED);
  const costs = { memoryKiB: 19_456, iterations: 2, parallelism: 1, length: 32 };
  const decoded = await core().argon2id(utf8(PASSWORD), new Uint8Array(16), costs);
  assert.equal(toHex(decoded), DERIVED_FROM_DECODED_SALT);
});

test("08#9 the empty password is a password", async () => {
  const empty = await deriveKey("", SALT, CHEAP);
  assert.equal(empty.length, 32);
  assert.notDeepEqual(empty, await deriveKey(" ", SALT, CHEAP));
  const { argon2id } = await ready({ engine: "wasm" });
  const bytes = await argon2id(new Uint8Array(0), utf8(SALT), { ...CHEAP, length: 32 });
  assert.deepEqual(bytes, empty);
  await ready({ engine: "auto" });
});

test("sealing gives the vector of 08 §4, and it opens again", async () => {
  const key = PrivateKey.parse(KEY_TEXT);
  const sealed = await sealPrivateKey(key, fromHex(DERIVED), withNonce(NONCE));
  assert.deepEqual(sealed, { ciphertext: CIPHERTEXT, nonce: NONCE });
  const opened = await openPrivateKey({ ciphertext: CIPHERTEXT, nonce: NONCE }, fromHex(DERIVED));
  assert.equal(opened.reveal(), KEY_TEXT);
  assert.equal(opened.publicKey.toString(), PUBLIC_TEXT);
});

test("08#10 two encryptions of one key use different nonces and both decrypt", async () => {
  const [key, derived] = [PrivateKey.parse(KEY_TEXT), fromHex(DERIVED)];
  const [one, other] = [await sealPrivateKey(key, derived), await sealPrivateKey(key, derived)];
  assert.notDeepEqual(one.nonce, other.nonce);
  assert.notDeepEqual(one.ciphertext, other.ciphertext);
  for (const sealed of [one, other]) {
    assert.equal(sealed.ciphertext.length, 68);
    assert.equal((await openPrivateKey(sealed, derived)).reveal(), KEY_TEXT);
  }
});

test("08#11 salts of 21 or 23 characters are an InvalidSaltLength", async () => {
  for (const [salt, actual] of [["A".repeat(21), 21], ["A".repeat(23), 23], ["é".repeat(22), 44]]) {
    await assert.rejects(deriveKey("p", salt as string, CHEAP), {
      name: "UserError",
      code: "InvalidSaltLength",
      expected: 22,
      actual,
    });
  }
});

test("08#11 a salt that contains `_` or `=` is an EncryptionFailed", async () => {
  for (const letter of ["_", "=", " ", "\n", "\0"]) {
    await assert.rejects(deriveKey("p", "A".repeat(21) + letter, CHEAP), (error: Error) => {
      assert.equal((error as Error & { code: string }).code, "EncryptionFailed");
      return /salt/.test((error as Error & { reason: string }).reason);
    }, JSON.stringify(letter));
  }
  const odd = await deriveKey("p", `${"A".repeat(18)}.-/+`, CHEAP);
  assert.equal(odd.length, 32);
});

test("08#11 a new salt is 22 characters and derives", async () => {
  assert.equal(newSalt({ bytes: (length) => new Uint8Array(length) }), SALT);
  const salt = newSalt();
  assert.match(salt, /^[A-Za-z0-9+/]{22}$/);
  assert.notEqual(salt, newSalt());
  assert.equal((await deriveKey("p", salt, CHEAP)).length, 32);
});

test("a wrong key, a changed byte or no key inside is a DecryptionFailed", async () => {
  const derived = fromHex(DERIVED);
  const failed = { name: "UserError", code: "DecryptionFailed" };
  const sealed = { ciphertext: CIPHERTEXT, nonce: NONCE };
  await assert.rejects(openPrivateKey(sealed, new Uint8Array(32)), failed);
  for (const at of [0, 51, 52, 67]) {
    const ciphertext = CIPHERTEXT.slice();
    ciphertext[at] ^= 1;
    await assert.rejects(openPrivateKey({ ciphertext, nonce: NONCE }, derived), failed);
  }
  for (const plain of [utf8("no key"), Uint8Array.of(0xff, 0xfe)]) {
    const ciphertext = await core().seal(derived, NONCE, plain);
    await assert.rejects(openPrivateKey({ ciphertext, nonce: NONCE }, derived), failed);
  }
  await assert.rejects(
    openPrivateKey({ ciphertext: new Uint8Array(3), nonce: NONCE }, derived),
    failed,
  );
});

test("wrong lengths of derived key and nonce have their own errors", async () => {
  const key = PrivateKey.parse(KEY_TEXT);
  const sealed = { ciphertext: CIPHERTEXT, nonce: NONCE };
  for (const length of [0, 16, 33]) {
    const derived = new Uint8Array(length);
    await assert.rejects(sealPrivateKey(key, derived), { code: "EncryptionFailed" });
    await assert.rejects(openPrivateKey(sealed, derived), { code: "DecryptionFailed" });
  }
  const short = { ciphertext: CIPHERTEXT, nonce: NONCE.subarray(1) };
  await assert.rejects(openPrivateKey(short, fromHex(DERIVED)), {
    name: "UserError",
    code: "InvalidNonceLength",
    expected: 12,
    actual: 11,
  });
});

test("the reference's sealed keys open with their users' passwords", async () => {
  const { cases } = readVectors("snapshots.json");
  for (const one of cases) {
    const passwords: Record<string, string | null> = {
      [one.user]: one.password,
      [one.second_user]: one.second_password,
    };
    const found = findSealed(readVectors(one.file));
    assert.equal(found.length, Object.values(passwords).filter((word) => word !== null).length);
    for (const { username, salt, publicKey, ciphertext, nonce } of found) {
      const derived = await deriveKey(passwords[username]!, salt);
      const sealed = { ciphertext: Uint8Array.from(ciphertext), nonce: Uint8Array.from(nonce) };
      assert.equal((await openPrivateKey(sealed, derived)).publicKey.toString(), publicKey);
    }
  }
});

// deno-lint-ignore no-explicit-any
function readVectors(name: string): any {
  return JSON.parse(readFileSync(new URL(`../vectors/${name}`, import.meta.url), "utf8"));
}

interface Found {
  readonly username: string;
  readonly salt: string;
  readonly publicKey: string;
  readonly ciphertext: readonly number[];
  readonly nonce: readonly number[];
}

/** Digs user records out of the snapshot: JSON texts and byte arrays inside of JSON. */
function findSealed(value: unknown): Found[] {
  if (typeof value === "string") return value.startsWith("{") ? findSealed(JSON.parse(value)) : [];
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return findInArray(value);
  const record = value as Record<string, Record<string, unknown>>;
  if (record.credentials?.password_salt) return [sealedOf(record)];
  return Object.values(record).flatMap(findSealed);
}

function findInArray(values: readonly unknown[]): Found[] {
  if (values[0] !== 123 || !values.every((one) => typeof one === "number")) {
    return values.flatMap(findSealed);
  }
  const text = new TextDecoder().decode(Uint8Array.from(values as number[]));
  return findSealed(JSON.parse(text));
}

function sealedOf({ username, credentials }: Record<string, unknown>): Found {
  const { root_key, password_salt, root_key_id } = credentials as Record<string, unknown>;
  const { ciphertext, nonce } = root_key as Pick<Found, "ciphertext" | "nonce">;
  return {
    username: username as string,
    salt: password_salt as string,
    publicKey: root_key_id as string,
    ciphertext,
    nonce,
  };
}

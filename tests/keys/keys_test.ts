import assert from "node:assert/strict";
import { before, test } from "node:test";
import { inspect } from "node:util";
import fc from "../helpers/fast_check.ts";
import { ready } from "../../wasm/mod.ts";
import { generateKeypair, PrivateKey, signData } from "../../src/keys/private_key.ts";
import { PublicKey } from "../../src/keys/public_key.ts";
import { decodeBase64, encodeBase64 } from "../../src/util/base64.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { AuthError } from "../../src/util/errors.ts";
import { fromHex, toHex } from "../../src/util/hex.ts";

before(async () => {
  await ready();
});

/** The examples of 02 §2.2. */
const SEED_TEXT = "ed25519:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const PUBLIC_TEXT = "ed25519:A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";
const RFC_PUBLIC_TEXT = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const RFC_PUBLIC_HEX = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

const SEED = Uint8Array.from({ length: 32 }, (_, index) => index);
const NO_POINT = Uint8Array.of(2, ...new Uint8Array(31));
const DATA = utf8("data");

const BAD_TEXTS: readonly string[] = [
  "",
  "abc",
  "rsa:abc",
  `ED25519:${PUBLIC_TEXT.slice(8)}`,
  PUBLIC_TEXT.slice(8),
  "ed25519:",
  "ed25519:AAAA",
  "ed25519:not base64 at all, but of the same length as 44",
  PUBLIC_TEXT.replace("=", ""),
  PUBLIC_TEXT.replace("/", "_"),
  PUBLIC_TEXT.replace("bg=", "bh="),
  `${PUBLIC_TEXT} `,
  ` ${PUBLIC_TEXT}`,
  `${PUBLIC_TEXT}\n`,
  `ed25519:${encodeBase64(new Uint8Array(31))}`,
  `ed25519:${encodeBase64(new Uint8Array(33))}`,
];

test("02#1 a generated key signs and verifies; other data or another key fails", () => {
  const { privateKey, publicKey } = generateKeypair();
  const signature = privateKey.sign(DATA);
  assert.equal(signature.length, 64);
  assert.equal(publicKey.verify(DATA, signature), true);
  assert.equal(publicKey.verify(utf8("date"), signature), false);
  assert.equal(PublicKey.random().verify(DATA, signature), false);
});

test("02#1 signatures of 10, 63 and wrong 64 bytes fail", () => {
  const { privateKey, publicKey } = generateKeypair();
  const signature = privateKey.sign(DATA);
  assert.equal(publicKey.verify(DATA, signature.subarray(0, 10)), false);
  assert.equal(publicKey.verify(DATA, signature.subarray(0, 63)), false);
  assert.equal(publicKey.verify(DATA, new Uint8Array(64)), false);
});

test("02#2 public and private key text round-trips", () => {
  for (let i = 0; i < 10; i++) {
    const { privateKey, publicKey } = generateKeypair();
    const again = PublicKey.parse(publicKey.toString());
    assert.ok(again.equals(publicKey));
    assert.deepEqual(PublicKey.fromBytes(publicKey.bytes).bytes, publicKey.bytes);
    assert.ok(PrivateKey.parse(privateKey.reveal()).publicKey.equals(publicKey));
    assert.equal(publicKey.toString().length, 52);
  }
});

test("02#2 malformed key texts are refused and not quoted", () => {
  for (const text of BAD_TEXTS) {
    for (const parse of [PublicKey.parse, PrivateKey.parse]) {
      assert.throws(() => parse(text), (error) => {
        assert.ok(error instanceof AuthError, text);
        assert.equal(error.code, "InvalidKeyFormat");
        return text.length < 12 || !error.message.includes(text.slice(8).trim());
      }, text);
    }
  }
});

test("bytes that are no curve point are a KeyParsingFailed of the public key only", () => {
  const text = `ed25519:${encodeBase64(NO_POINT)}`;
  assert.throws(() => PublicKey.parse(text), { name: "AuthError", code: "KeyParsingFailed" });
  assert.throws(() => PublicKey.fromBytes(NO_POINT), { code: "KeyParsingFailed" });
  assert.equal(PrivateKey.parse(text).reveal(), text);
});

test("02#3 the examples of the chapter", () => {
  const key = PrivateKey.fromSeed(SEED);
  assert.equal(key.reveal(), SEED_TEXT);
  assert.equal(key.publicKey.toString(), PUBLIC_TEXT);
  assert.equal(PrivateKey.parse(SEED_TEXT).publicKey.toString(), PUBLIC_TEXT);
  assert.equal(toHex(PublicKey.parse(RFC_PUBLIC_TEXT).bytes), RFC_PUBLIC_HEX);
  assert.equal(PublicKey.fromBytes(fromHex(RFC_PUBLIC_HEX)).toString(), RFC_PUBLIC_TEXT);
});

test("02#3 JSON of a public key is its text; algorithm is ed25519", () => {
  assert.equal(JSON.stringify({ key: PublicKey.parse(PUBLIC_TEXT) }), `{"key":"${PUBLIC_TEXT}"}`);
  assert.equal(PublicKey.parse(PUBLIC_TEXT).algorithm, "ed25519");
});

test("02#3 nothing but reveal and toBytes shows a private key", () => {
  const key = PrivateKey.parse(SEED_TEXT);
  key.sign(DATA);
  const shown = [
    `${key}`,
    String(key),
    inspect(key, { showHidden: true }),
    JSON.stringify({ key }),
  ];
  for (const text of [...shown, ...Object.keys(key), ...Object.values(key).map(String)]) {
    assert.doesNotMatch(text, /AAECAwQF|00010203|0, ?1, ?2, ?3/);
  }
});

test("02#4 unknown algorithms and wrong lengths are refused; valid bytes restore the key", () => {
  const refused = { name: "AuthError", code: "InvalidKeyFormat" };
  assert.throws(() => PrivateKey.fromBytes("rsa", SEED), refused);
  assert.throws(() => PrivateKey.fromBytes("Ed25519", SEED), refused);
  for (const length of [0, 16, 31, 33, 64]) {
    assert.throws(() => PrivateKey.fromBytes("ed25519", new Uint8Array(length)), refused);
    assert.throws(() => PublicKey.fromBytes(new Uint8Array(length)), refused);
  }
  const key = PrivateKey.fromBytes("ed25519", PrivateKey.parse(SEED_TEXT).toBytes());
  assert.equal(key.publicKey.toString(), PUBLIC_TEXT);
});

test("keys are copies of the bytes they were made from", () => {
  const seed = SEED.slice();
  const key = PrivateKey.fromSeed(seed);
  const bytes = PublicKey.parse(PUBLIC_TEXT).bytes.slice();
  const publicKey = PublicKey.fromBytes(bytes);
  seed.fill(0);
  bytes.fill(0);
  key.toBytes().fill(9);
  assert.equal(key.reveal(), SEED_TEXT);
  assert.equal(publicKey.toString(), PUBLIC_TEXT);
});

test("a wiped key signs and reveals no more, and says so", () => {
  for (const used of [false, true]) {
    const key = PrivateKey.parse(SEED_TEXT);
    if (used) key.sign(DATA);
    key.wipe();
    key.wipe();
    const wiped = { name: "CryptoError", code: "KeyWiped" };
    assert.throws(() => key.sign(DATA), wiped);
    assert.throws(() => key.reveal(), wiped);
    assert.throws(() => key.toBytes(), wiped);
  }
});

test("signing is deterministic; signData is its base64", () => {
  const key = PrivateKey.parse(SEED_TEXT);
  const text = signData(DATA, key);
  assert.equal(text.length, 88);
  assert.deepEqual(decodeBase64(text), key.sign(DATA));
  assert.equal(signData(DATA, PrivateKey.fromSeed(SEED)), text);
});

test("00 §B3 weak keys can be read and are recognised", () => {
  const weak = [new Uint8Array(32), Uint8Array.of(1, ...new Uint8Array(31))];
  weak.push(Uint8Array.of(0xee, ...new Uint8Array(30).fill(0xff), 0x7f));
  for (const bytes of weak) assert.equal(PublicKey.fromBytes(bytes).isWeak, true);
  assert.equal(PublicKey.parse(PUBLIC_TEXT).isWeak, false);
});

test("two encodings of one point are two keys", () => {
  const canonical = PublicKey.fromBytes(Uint8Array.of(1, ...new Uint8Array(31)));
  const other = PublicKey.fromBytes(Uint8Array.of(0xee, ...new Uint8Array(30).fill(0xff), 0x7f));
  assert.equal(canonical.equals(other), false);
});

test("parsing arbitrary text fails with an AuthError or gives a key with that text", () => {
  const letters = fc.string({ maxLength: 60 });
  const likely = fc.uint8Array({ minLength: 30, maxLength: 34 })
    .map((bytes) => `ed25519:${encodeBase64(bytes)}`);
  fc.assert(fc.property(fc.oneof(letters, likely), (text) => {
    try {
      assert.equal(PublicKey.parse(text).toString(), text);
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
    }
  }));
});

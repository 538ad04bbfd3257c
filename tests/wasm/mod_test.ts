import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { passesBlake3Test, passesSha256Test } from "../../wasm/hash_check.ts";
import { failedEd25519Test, passesArgon2idTest } from "../../wasm/self_test.ts";
import { exactRule, isPointEncoding, isUnusualEncoding } from "../../wasm/acceptance.ts";
import { javascriptEngine } from "../../wasm/javascript.ts";
import { loadCore } from "../../wasm/load.ts";
import { nativeEngines } from "../../wasm/native.ts";
import { core, ready } from "../../wasm/mod.ts";
import type { Ed25519Engine } from "../../wasm/types.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { fromHex } from "../../src/util/hex.ts";
import { runMain } from "./run_main.ts";

const NATIVE = nativeEngines()!;

function broken(change: Partial<Ed25519Engine>): Ed25519Engine {
  return { ...NATIVE.ed25519, ...change };
}

describe("ready and core", () => {
  test("ready is idempotent and shared by concurrent calls", async () => {
    const [first, second] = await Promise.all([ready(), ready({})]);
    assert.equal(first, second);
    assert.equal(await ready(), first);
    assert.equal(core(), first);
  });

  test("a wish is met, stays in force, and is loaded once", async () => {
    const wasm = await ready({ engine: "wasm" });
    assert.equal(wasm.engine, "wasm");
    assert.equal(core(), wasm);
    assert.equal(await ready(), wasm);
    const native = await ready({ engine: "native" });
    assert.equal(native.engine, "native");
    assert.equal(core(), native);
    assert.equal(await ready({ engine: "wasm" }), wasm);
  });

  test("contradicting wishes are refused and leave the core in force alone", async () => {
    const before = await ready();
    await assert.rejects(ready({ engine: "wasm", wasm: "none" }), {
      name: "CryptoError",
      code: "EngineUnavailable",
    });
    assert.equal(core(), before);
    assert.equal(await ready(), before);
  });

  test("a host that compiles no WASM gets plain JavaScript, or a clear error", async () => {
    const [line, ...codes] = (await runMain("no_wasm_main.ts")).trim().split(/\r?\n/);
    assert.equal(line, "javascript true 2ada83c1 4");
    assert.deepEqual(codes, ["EngineUnavailable", "EngineUnavailable"]);
  });
});

describe("self-test", () => {
  const failing: readonly (readonly [string, Ed25519Engine])[] = [
    ["hashes wrongly", broken({ sha512: () => new Uint8Array(64) })],
    ["accepts everything", broken({ verifyOrdinary: () => true })],
    ["rejects everything", broken({ verifyOrdinary: () => false })],
    [
      "signs wrongly",
      broken({
        signer: (seed) => ({ ...NATIVE.ed25519.signer(seed), sign: () => new Uint8Array(64) }),
      }),
    ],
    [
      "throws",
      broken({
        signer: () => {
          throw new Error("not supported");
        },
      }),
    ],
  ];

  test("good engines pass", () => {
    for (const engine of [NATIVE.ed25519, javascriptEngine]) {
      assert.equal(failedEd25519Test(engine), undefined);
    }
  });

  for (const [about, ed25519] of failing) {
    test(`an engine that ${about} is not used`, async () => {
      assert.notEqual(failedEd25519Test(ed25519), undefined);
      assert.equal((await loadCore({}, { ...NATIVE, ed25519 })).engine, "wasm");
      await assert.rejects(loadCore({ engine: "native" }, { ...NATIVE, ed25519 }), {
        name: "CryptoError",
        code: "EngineUnavailable",
        engine: "native",
      });
    });
  }

  test("a wrong SHA-256 or Argon2id is not used", async () => {
    const wrong = { ...NATIVE, sha256: () => new Uint8Array(32), argon2id: wrongArgon2id };
    assert.equal(passesSha256Test(wrong.sha256), false);
    assert.equal(passesBlake3Test(wrong.sha256), false);
    assert.equal(await passesArgon2idTest(wrongArgon2id), false);
    const [tricked, honest] = await Promise.all([loadCore({}, wrong), loadCore({}, NATIVE)]);
    assert.deepEqual(tricked.sha256(utf8("x")), honest.sha256(utf8("x")));
    const costs = { memoryKiB: 8, iterations: 1, parallelism: 1, length: 16 };
    assert.deepEqual(
      await tricked.argon2id(utf8("p"), utf8("somesalt"), costs),
      await honest.argon2id(utf8("p"), utf8("somesalt"), costs),
    );
  });

  test("without the runtime's engine, `native` is refused and `auto` is WASM", async () => {
    await assert.rejects(loadCore({ engine: "native" }, null), { code: "EngineUnavailable" });
    assert.equal((await loadCore({}, null)).engine, "wasm");
  });
});

describe("unusual encodings", () => {
  const ordinary = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
  const unusual = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  ].map(fromHex);

  test("small order and non-canonical y are recognised, whatever the sign", () => {
    for (const bytes of unusual) assert.equal(isUnusualEncoding(bytes), true);
  });

  test("neighbours are ordinary", () => {
    assert.equal(isUnusualEncoding(fromHex(ordinary)), false);
    for (const bytes of unusual) {
      for (const [at, bits] of [[1, 4], [15, 16], [30, 1], [31, 32]]) {
        const other = bytes.slice();
        other[at] ^= bits;
        assert.equal(isUnusualEncoding(other), false);
      }
    }
  });

  test("decompression is permissive; about half of all bytes are no point", () => {
    assert.equal(isPointEncoding(unusual[0]), true);
    assert.equal(isPointEncoding(unusual[3]), true);
    assert.equal(isPointEncoding(unusual[10]), true);
    assert.equal(isPointEncoding(Uint8Array.of(2, ...new Uint8Array(31))), false);
    assert.equal(isPointEncoding(new Uint8Array(31)), false);
  });

  test("the neutral key accepts R = [S]B for every message, as the rule says", () => {
    const neutral = unusual[2];
    const base = fromHex("5866666666666666666666666666666666666666666666666666666666666666");
    const signature = new Uint8Array(64);
    signature.set(base);
    signature[32] = 1;
    const verifyExactly = exactRule(NATIVE.ed25519.sha512);
    assert.equal(verifyExactly(neutral, utf8("any"), signature), true);
    assert.equal(verifyExactly(neutral, utf8("other"), signature), true);
    signature[32] = 2;
    assert.equal(verifyExactly(neutral, utf8("any"), signature), false);
  });
});

function wrongArgon2id(): Promise<Uint8Array> {
  return Promise.resolve(new Uint8Array(32));
}

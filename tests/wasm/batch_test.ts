import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { BatchVerifier, HANDED_OUT, LARGE_BATCH, type StartThread } from "../../wasm/batch.ts";
import { packItems, unpackItems } from "../../wasm/batch_message.ts";
import type { CryptoCore, VerifyItem } from "../../wasm/mod.ts";
import type { ThreadEvents } from "../../wasm/threads.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { CORES } from "./cores.ts";
import { Counted, oneByOne, oneProcessor } from "./counted.ts";
import { runMain } from "./run_main.ts";

const SEED = new Uint8Array(32).fill(3);

/** Signed messages of which every third is spoiled in one of several ways. */
function makeItems(core: CryptoCore, count: number): VerifyItem[] {
  const signer = core.ed25519.signer(SEED);
  const shared = new Uint8Array(100_000);
  return Array.from({ length: count }, (_, index) => {
    const data = shared.subarray(index, index + (index % 40));
    const signature = signer.sign(data);
    const item = { publicKey: signer.publicKey, data, signature };
    if (index % 3 === 0) return spoil(item, index / 3);
    return item;
  });
}

function spoil(item: VerifyItem, way: number): VerifyItem {
  const signature = item.signature.slice();
  signature[way % 64] ^= 4;
  const spoiled: VerifyItem[] = [
    { ...item, signature },
    { ...item, signature: signature.subarray(1) },
    { ...item, data: utf8("something else") },
    { ...item, publicKey: new Uint8Array(32) },
    { ...item, publicKey: new Uint8Array(0) },
  ];
  return spoiled[way % spoiled.length];
}

function expected(items: readonly VerifyItem[]): boolean[] {
  return items.map((_, index) => index % 3 !== 0);
}

for (const [engine, load] of CORES.slice(0, 2)) {
  describe(`batches on the ${engine} engine`, () => {
    for (const count of [0, 1, LARGE_BATCH - 1, LARGE_BATCH, 501]) {
      test(`${count} items get the verdicts of verify, in order`, async () => {
        const core = await load();
        const items = makeItems(core, count);
        const verdicts = await core.ed25519.verifyBatch(items);
        assert.deepEqual(verdicts, oneByOne(core, items));
        assert.deepEqual(verdicts, expected(items));
      });
    }

    test("threads give the same verdicts, and stop when told", {
      skip: oneProcessor,
      timeout: 60_000,
    }, async () => {
      const core = await load();
      const counted = new Counted(core);
      const items = makeItems(core, 600);
      const few = items.slice(0, 200);
      await counted.warmUp();
      const [first, second] = await Promise.all([
        counted.batches.verifyBatch(items),
        counted.batches.verifyBatch(few),
      ]);
      assert.equal(counted.inPlace, 0);
      assert.deepEqual([first, second], [expected(items), expected(few)]);
      const interrupted = counted.batches.verifyBatch(items);
      counted.batches.stop();
      assert.equal(counted.batches.threads, 0);
      assert.deepEqual(await interrupted, expected(items));
      assert.ok(counted.inPlace > 0);
    });
  });
}

/** A thread that is ready at once and answers through `act`. */
function fakeThreads(act: (events: ThreadEvents, message: unknown) => void): StartThread {
  return (events) => ({
    post: (message) => queueMicrotask(() => act(events, message)),
    hold: () => {},
    stop: () => {},
  });
}

const FAILURES: readonly (readonly [string, StartThread])[] = [
  ["cannot be started", () => {
    throw new Error("no threads here");
  }],
  ["fail at start", fakeThreads((events) => events.failed(new Error("no such file")))],
  ["cannot load their core", fakeThreads((events) => events.message("failed"))],
  ["never answer", fakeThreads(() => {})],
  [
    "die at work",
    fakeThreads((events, message) => {
      if (message instanceof ArrayBuffer) events.failed(new Error("out of memory"));
      else events.message("ready");
    }),
  ],
];

for (const [about, start] of FAILURES) {
  test(`a batch is finished in place when threads ${about}`, async () => {
    const core = await CORES[1][1]();
    const batches = new BatchVerifier(core.ed25519.verify, {}, start);
    const items = makeItems(core, 300);
    assert.deepEqual(await batches.verifyBatch(items), expected(items));
    assert.deepEqual(await batches.verifyBatch(items), expected(items));
    batches.stop();
  });
}

test("threads have the next slices before they have answered, and each gets its own verdicts", {
  skip: oneProcessor,
}, async () => {
  const core = await CORES[1][1]();
  const items = makeItems(core, 1500);
  const threads: { events: ThreadEvents; given: ArrayBuffer[] }[] = [];
  const start: StartThread = (events) => {
    const thread = { events, given: [] as ArrayBuffer[] };
    threads.push(thread);
    const post = (message: unknown) => {
      if (message instanceof ArrayBuffer) thread.given.push(message);
      else queueMicrotask(() => events.message("ready"));
    };
    return { post, hold: () => {}, stop: () => {} };
  };
  const batches = new BatchVerifier(core.ed25519.verify, {}, start);
  const verdicts = batches.verifyBatch(items);
  while (threads.some(({ given }) => given.length < HANDED_OUT)) await undefined;
  for (let answers = 1; answers > 0;) {
    answers = 0;
    for (const { events, given } of threads) {
      assert.ok(given.length <= HANDED_OUT);
      const packed = given.shift();
      if (packed === undefined) continue;
      answers++;
      const found = oneByOne(core, unpackItems(packed)).map(Number);
      events.message(Uint8Array.from(found).buffer);
    }
  }
  assert.deepEqual(await verdicts, expected(items));
  batches.stop();
});

test("items survive packing, whatever their lengths", async () => {
  const items = makeItems(await CORES[1][1](), 50);
  assert.deepEqual(
    unpackItems(packItems(items)).map(({ publicKey, data, signature }) => [
      publicKey,
      data,
      signature,
    ]),
    items.map(({ publicKey, data, signature }) => [publicKey, data, signature]),
  );
});

test("threads do not keep the process alive, and a pending batch does", async () => {
  const out = await runMain("batch_main.ts");
  assert.equal(out.trim(), "300 of 300");
});

test("where timers die with the request that set them, every request gets its verdicts", async () => {
  const out = await runMain("isolate_main.ts");
  assert.equal(out.trim(), "wasm 300 150 148 300 150 298");
});

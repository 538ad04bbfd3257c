import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { anyArgon2id } from "../../wasm/argon2id.ts";
import { THREAD_IS_HERE } from "../../wasm/argon2id_message.ts";
import { Argon2idThreads, LEAST_COST, MAX_DERIVATIONS } from "../../wasm/argon2id_threads.ts";
import type { startThread, ThreadEvents } from "../../wasm/threads.ts";
import type { Argon2idOptions } from "../../wasm/types.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { runMain } from "./run_main.ts";

const OPTIONS: Argon2idOptions = { memoryKiB: 4096, iterations: 2, parallelism: 1, length: 32 };
const SALT = utf8("some salt");

/** Derivations in threads, and how many were made in place. */
function counted(start?: typeof startThread, startMillis?: number) {
  const counts = { inPlace: 0 };
  const inPlace: typeof anyArgon2id = (...given) => {
    counts.inPlace++;
    return anyArgon2id(...given);
  };
  return { counts, threads: new Argon2idThreads(inPlace, start, startMillis) };
}

async function expected(password: string): Promise<Uint8Array> {
  return await anyArgon2id(utf8(password), SALT, OPTIONS);
}

/** Threads that answer through `act`. */
function fakeThreads(act: (events: ThreadEvents, message: unknown) => void): typeof startThread {
  return (events) => ({
    post: (message) => queueMicrotask(() => act(events, message)),
    hold: () => {},
    stop: () => {},
  });
}

describe("Argon2id in threads", () => {
  test("many at once give the keys of one after another, and none is made in place", async () => {
    const { counts, threads } = counted();
    const passwords = Array.from({ length: 2 * MAX_DERIVATIONS + 1 }, (_, at) => `password ${at}`);
    const keys = passwords.map((one) => threads.derive(utf8(one), SALT, OPTIONS));
    assert.deepEqual(await Promise.all(keys), await Promise.all(passwords.map(expected)));
    assert.equal(counts.inPlace, 0);
    assert.ok(threads.threads <= MAX_DERIVATIONS);
    threads.stop();
    assert.equal(threads.threads, 0);
    assert.deepEqual(await threads.derive(utf8("again"), SALT, OPTIONS), await expected("again"));
    assert.equal(counts.inPlace, 0);
    threads.stop();
  });

  test("the caller's password and salt stay as they are", async () => {
    const { threads } = counted();
    const [password, salt] = [utf8("password"), SALT.slice()];
    await threads.derive(password, salt, OPTIONS);
    assert.deepEqual([password, salt], [utf8("password"), SALT]);
    threads.stop();
  });

  test("what is cheap is done in place", async () => {
    const { counts, threads } = counted();
    const cheap = { ...OPTIONS, memoryKiB: LEAST_COST - 1, iterations: 1 };
    await threads.derive(utf8("password"), SALT, cheap);
    assert.deepEqual([counts.inPlace, threads.threads], [1, 0]);
    await threads.derive(utf8("password"), SALT, { ...cheap, memoryKiB: LEAST_COST });
    assert.deepEqual([counts.inPlace, threads.threads], [1, 1]);
    threads.stop();
  });

  const FAILURES: Record<string, typeof startThread> = {
    "cannot be started": () => {
      throw new Error("no threads here");
    },
    "fail at start": fakeThreads((events) => events.failed(new Error("no such file"))),
    "never come": fakeThreads(() => {}),
    "cannot derive": fakeThreads((events) => {
      events.message(THREAD_IS_HERE);
      events.message("failed");
    }),
    "die at work": fakeThreads((events) => {
      events.message(THREAD_IS_HERE);
      events.failed(new Error("out of memory"));
    }),
  };
  for (const [about, start] of Object.entries(FAILURES)) {
    test(`keys are derived in place when threads ${about}`, async () => {
      const { counts, threads } = counted(start, 5);
      const keys = Array.from({ length: 4 }, () => threads.derive(utf8("p"), SALT, OPTIONS));
      assert.deepEqual(await Promise.all(keys), Array(4).fill(await expected("p")));
      assert.deepEqual(await threads.derive(utf8("p"), SALT, OPTIONS), await expected("p"));
      assert.equal(counts.inPlace, 5);
      assert.equal(threads.threads, 0);
    });
  }

  test("a thread that has died while it was idle is not asked again", async () => {
    let kill = () => {};
    const key = new Uint8Array(32).fill(7);
    const { counts, threads } = counted(fakeThreads((events) => {
      kill = () => events.failed(new Error("killed"));
      events.message(THREAD_IS_HERE);
      events.message(key.slice().buffer);
    }));
    assert.deepEqual(await threads.derive(utf8("p"), SALT, OPTIONS), key);
    kill();
    assert.deepEqual(await threads.derive(utf8("p"), SALT, OPTIONS), await expected("p"));
    assert.equal(counts.inPlace, 1);
  });

  test("a derivation keeps the process alive, timers fire meanwhile, and threads end with it", async () => {
    assert.equal((await runMain("argon2id_main.ts")).trim(), "32 true");
  });
});

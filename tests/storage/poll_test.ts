import assert from "node:assert/strict";
import { it } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { Stored } from "../../src/storage/driver.ts";
import { PollingWatch } from "../../src/storage/shared/poll.ts";

/** A storage that can be broken, and counts how often it was looked at. */
function source() {
  return {
    looks: 0,
    version: 1n,
    isBroken: false,
    token() {
      return ++this.looks;
    },
    read(keys: readonly Uint8Array[]): (Stored | undefined)[] {
      if (this.isBroken) throw new Error("it is broken");
      return keys.map(() =>
        ({ value: new Uint8Array(), version: this.version }) as unknown as Stored
      );
    },
  };
}

const keys = [new Uint8Array([1])];

it("a watch that could not read its keys leaves nothing behind, and the next one works", async () => {
  const storage = source();
  const watch = new PollingWatch("file", storage);
  storage.isBroken = true;
  assert.throws(() => watch.watch(keys, () => {}), /it is broken/);
  const { looks } = storage;
  await setTimeout(250);
  assert.equal(storage.looks, looks);
  storage.isBroken = false;
  const stop = await new Promise<() => void>((resolve) => {
    const stop: () => void = watch.watch(keys, () => resolve(stop));
    storage.version++;
    // The timer of the watch keeps no process alive.
    void setTimeout(60_000, undefined, { ref: true, signal: ended.signal }).catch(() => {});
  });
  ended.abort();
  stop();
});

const ended = new AbortController();

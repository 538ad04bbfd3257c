import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ID } from "../../mod.ts";
import { NativeChannel } from "../../src/sync/native/native_channel.ts";
import type { NativeSession } from "../../src/sync/native/native_session.ts";
import { LiveTree, STALL_MS } from "../../src/sync/worker/live_tree.ts";
import { HandTimers } from "./cluster_bed.ts";

const tree = ID.parse("bafyr4ickrck6zg2qlyojdpoc7kyxxjhtg652fysky5gq4cmoyi5f6ovjn4");

/** A tree of which nothing comes. */
function silent(): LiveTree {
  const control = { end: () => Promise.resolve(undefined), push: () => {}, leave: () => {} };
  return new LiveTree(new NativeChannel(tree, control), {} as NativeSession, true);
}

describe("a tree that is exchanged live", () => {
  it("is waited for as long as something happens, and no longer", async () => {
    const timers = new HandTimers();
    const live = silent();
    const settled = live.settled(timers, new AbortController().signal);
    const failed = assert.rejects(settled, { code: "Network" });
    live.noted(
      { do: "lagging", channel: 0, tips: { type: "tips", channel: 0, tips: [] } } as never,
    );
    timers.fire(STALL_MS);
    assert.deepEqual(timers.pauses, [STALL_MS]);
    timers.fire(STALL_MS);
    await failed;
    assert.deepEqual(timers.pauses, []);
  });

  it("waiting for it hears an abort, and leaves no timer", async () => {
    const timers = new HandTimers();
    const abort = new AbortController();
    const settled = silent().settled(timers, abort.signal);
    abort.abort(new Error("enough"));
    await assert.rejects(settled, { message: "enough" });
    assert.deepEqual(timers.pauses, []);
  });
});

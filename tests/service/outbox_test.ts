import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MAX_UNREAD_BYTES, MAX_UNSENT_BYTES } from "../../src/service/server/limits.ts";
import { Outbox } from "../../src/service/server/outbox.ts";

const frame = (length: number, fill = 1) => new Uint8Array(length).fill(fill);

describe("frames on their way to a client", () => {
  it("that wait are sent in one piece, in their order, as long as they are small", async () => {
    const outbox = new Outbox(queueMicrotask);
    for (const [length, fill] of [[3, 1], [2, 2], [70_000, 3], [1, 4]] as const) {
      outbox.push(frame(length, fill));
    }
    outbox.end();
    outbox.push(frame(1));
    const lengths: number[] = [];
    for await (const chunk of outbox.chunks()) lengths.push(chunk.length);
    assert.deepEqual(lengths, [5, 70_000, 1]);
  });

  it("that need not go at once wait for what follows in the same turn", async () => {
    const due: (() => void)[] = [];
    const outbox = new Outbox((run) => due.push(run));
    const chunks = outbox.chunks();
    const first = chunks.next();
    outbox.notify(frame(2), true);
    await undefined;
    outbox.push(frame(3));
    assert.equal((await first).value!.length, 5);
    const second = chunks.next();
    outbox.notify(frame(4), true);
    due.forEach((run) => run());
    assert.equal((await second).value!.length, 4);
  });

  it("let nothing more be made until enough of them was sent", async () => {
    const outbox = new Outbox(queueMicrotask);
    outbox.push(frame(MAX_UNSENT_BYTES));
    await outbox.hasRoom();
    outbox.push(frame(1));
    let hasRoom = false;
    const waiting = outbox.hasRoom().then(() => hasRoom = true);
    await new Promise((resolve) => setTimeout(resolve, 1));
    assert.equal(hasRoom, false);
    const chunks = outbox.chunks();
    await chunks.next();
    await chunks.next();
    await waiting;
    outbox.notify(frame(MAX_UNREAD_BYTES + 1), false);
    assert.equal(outbox.isOverfull, true);
    const hurried = outbox.hasRoom();
    outbox.hurry();
    await hurried;
  });
  it("leave a client behind when it has not asked for them, however large an answer is", async () => {
    const outbox = new Outbox(queueMicrotask);
    outbox.push(frame(2 * MAX_UNREAD_BYTES));
    outbox.notify(frame(MAX_UNREAD_BYTES), false);
    assert.equal(outbox.isOverfull, false);
    outbox.notify(frame(1), false);
    assert.equal(outbox.isOverfull, true);
    const chunks = outbox.chunks();
    for (let taken = 0; taken < 2; taken++) await chunks.next();
    assert.equal(outbox.isOverfull, false);
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { LOST_MS, SHARED_TURN, TURN_MS, Turns, turns } from "../../src/util/turns.ts";

/** A host whose clock and tasks the test moves on. */
class Host {
  time = 1000;
  readonly tasks: (() => void)[] = [];
  readonly now = () => this.time;
  readonly schedule = (task: () => void) => void this.tasks.push(task);

  /** Runs the task that is due, and what follows from it. */
  async runTask(): Promise<void> {
    this.tasks.shift()!();
    for (let at = 0; at < 10; at++) await undefined;
  }
}

test("a turn is over after its time, and begins anew with the next task", async () => {
  const host = new Host();
  const own = new Turns(host);
  assert.equal(own.isOver, false);
  host.time += TURN_MS;
  assert.equal(own.isOver, true);
  const next = own.next();
  assert.equal(own.isOver, true);
  await host.runTask();
  await next;
  assert.equal(own.isOver, false);
  assert.equal(host.tasks.length, 0);
});

test("those that wait go on in order, a few with each task", async () => {
  const host = new Host();
  const own = new Turns(host);
  const gone: number[] = [];
  const count = 2 * SHARED_TURN + 1;
  for (let at = 0; at < count; at++) void own.next().then(() => gone.push(at));
  const all = Array.from({ length: count }, (_, at) => at);
  for (const many of [SHARED_TURN, 2 * SHARED_TURN, count]) {
    assert.equal(host.tasks.length, 1);
    await host.runTask();
    assert.deepEqual(gone, all.slice(0, many));
  }
  assert.equal(host.tasks.length, 0);
  const again = own.next();
  await host.runTask();
  await again;
});

test("whoever waits again comes after those that wait already", async () => {
  const host = new Host();
  const own = new Turns(host);
  const gone: string[] = [];
  const loop = async (name: string) => {
    for (let round = 0; round < 2; round++) {
      await own.next();
      gone.push(name);
    }
  };
  const names = Array.from({ length: SHARED_TURN + 1 }, (_, at) => `${at}`);
  names.forEach((name) => void loop(name));
  while (host.tasks.length > 0) await host.runTask();
  assert.deepEqual(gone, [...names, ...names]);
});

test("a task that is lost with its request holds nobody up for long", async () => {
  const host = new Host();
  const own = new Turns(host);
  const gone: string[] = [];
  void own.next().then(() => gone.push("of the request that has ended"));
  host.tasks.pop();
  host.time += LOST_MS + 1;
  void own.next().then(() => gone.push("of another"));
  await host.runTask();
  assert.deepEqual(gone, ["of the request that has ended", "of another"]);
});

test("where tasks may never run, no turn is ever over", () => {
  const host = new Host();
  const own = new Turns({ now: host.now, schedule: undefined });
  host.time += 1e9;
  assert.equal(own.isOver, false);
});

test("a timer fires, and a later task runs, between turns of this process", async () => {
  let fired = false;
  setTimeout(() => fired = true, 1);
  while (!fired) if (turns.isOver) await turns.next();
});

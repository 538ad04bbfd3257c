import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { Schedule } from "../../src/testing/schedule.ts";
import { fromHex } from "../../src/util/hex.ts";
import { put, shared, withCluster } from "./cluster_bed.ts";
import { type Documented, documented, KINDS } from "./native_documented.ts";
import { join, type JoinOptions } from "./native_run.ts";
import { VECTORS } from "./native_vectors.ts";

interface Vector {
  readonly name: string;
  readonly message: Record<string, unknown>;
  readonly frame: string;
}

const { messages } = JSON.parse(readFileSync(VECTORS, "utf8")) as { messages: readonly Vector[] };

/** What the code calls otherwise than the page. */
const NAMES: Readonly<Record<string, string>> = {
  "wanted key": "wantedKey",
  "frame limit": "frameLimit",
  "vouched by": "vouchedBy",
  "retry": "retryMs",
  "list of id": "ids",
  "list of range": "ranges",
  "8 bytes": "token",
};
/** What flags are called in the code. */
const FLAGS: Readonly<Record<string, readonly (readonly [bit: number, name: string])[]>> = {
  OPEN: [[32, "live"]],
  STATE: [[4, "sends"], [8, "mayRead"], [16, "mayWrite"], [64, "isSame"]],
  ENTRIES: [[1, "deflated"]],
  PING: [[1, "isAnswer"]],
};
const STATES = ["request", "pending", "approved", "rejected"];

const bitsOf = (bytes: string): boolean[] =>
  [...fromHex(bytes)].flatMap((byte) =>
    Array.from({ length: 8 }, (_, at) => (byte >> at & 1) === 1)
  );

/** A message that was read by the page, with the names of the code. */
function inCode({ name, flags, parts }: Documented): Record<string, unknown> {
  const message: Record<string, unknown> = { type: name.toLowerCase() };
  for (const [part, value] of Object.entries(parts)) {
    if (part !== "flags") message[NAMES[part] ?? part] = value;
  }
  for (const [bit, flag] of FLAGS[name] ?? []) message[flag] = (flags & bit) !== 0;
  if (name === "STATE") message.held = bitsOf(String(message.held ?? ""));
  if (message.isSame === true) Object.assign(message, { tips: [], count: 0 });
  if (name === "ACCESS") message.state = STATES[Number(message.state)];
  if (/^0+$/.test(String(message.wantedKey))) delete message.wantedKey;
  return message;
}

/** What goes over a session in which both have something, ranges are compared, and one commits meanwhile. */
async function recorded(options: JoinOptions): Promise<[from: 0 | 1, message: Documented][]> {
  const sent: [from: 0 | 1, message: Documented][] = [];
  const onSent = (from: 0 | 1, bytes: Uint8Array) => {
    for (const message of documented(bytes)) sent.push([from, message]);
  };
  await withCluster(async (cluster) => {
    const { tree, at } = await shared(cluster);
    const dice = new Schedule(7);
    for (const db of at) {
      for (let n = 0; n < 40; n++) await put(db, `k${n}`, "v".repeat(dice.below(900)));
    }
    const { client } = join(cluster, { ...options, onSent });
    const channel = client.follow(tree);
    await channel.settled();
    await put(at[1]!, "k", "live");
    await channel.settled();
    await client.close();
    assert.ok(await cluster.converged(tree));
  });
  return sent;
}

describe("the page on the native protocol", () => {
  it("knows all messages, and the vectors as they are read by it are those of the code", () => {
    assert.equal(KINDS, 15);
    for (const { name, message, frame } of messages) {
      const [found, ...more] = documented(fromHex(frame));
      assert.equal(more.length, 0, name);
      assert.deepEqual(inCode(found!), message, name);
    }
  });

  for (const deflates of [false, true]) {
    it(`reads whole sessions, which keep what it says (${deflates ? "deflated" : "plain"})`, async () => {
      const credit = 5000;
      const run = { deflates, limits: { credit } };
      const sent = await recorded({ clientRun: run, serverRun: run });
      assert.deepEqual(sent.slice(0, 4).map(([from, { name }]) => `${from} ${name}`), [
        "0 HELLO",
        "1 HELLO",
        "1 PROOF",
        "0 PROOF",
      ]);
      const names = new Set(sent.map(([, { name }]) => name));
      for (
        const name of ["OPEN", "STATE", "RANGES", "ENTRIES", "MARK", "STORED", "CREDIT", "CLOSE"]
      ) {
        assert.ok(names.has(name), name);
      }
      keepsOrder(sent);
      keepsCredit(sent, credit);
    });
  }
});

/** Channels are numbered upwards, by each side its own, and nothing is said of one before STATE, but OPEN. */
function keepsOrder(sent: readonly (readonly [from: 0 | 1, message: Documented])[]): void {
  const last = [-1, -1];
  const [opened, answered] = [new Set<unknown>(), new Set<unknown>()];
  for (const [from, { name, parts: { channel } }] of sent) {
    if (channel === undefined) continue;
    if (name === "OPEN") {
      assert.equal(Number(channel) % 2, from);
      assert.ok(Number(channel) > last[from]!);
      last[from] = Number(channel);
      opened.add(channel);
    } else if (name === "STATE") {
      assert.ok(opened.has(channel));
      answered.add(channel);
    } else assert.ok(answered.has(channel), `${name} before STATE`);
  }
}

/** A message ENTRIES costs its body and 64 bytes; it is sent while anything is left. */
function keepsCredit(
  sent: readonly (readonly [from: 0 | 1, message: Documented])[],
  first: number,
): void {
  const left = [first, first];
  for (const [from, { name, parts }] of sent) {
    if (name === "CREDIT") left[1 - from]! += Number(parts.bytes);
    if (name !== "ENTRIES") continue;
    assert.ok(left[from]! > 0, "more than was granted");
    left[from]! -= String(parts.body).length / 2 + 64;
  }
  assert.deepEqual(left, [first, first], "all is granted again");
}

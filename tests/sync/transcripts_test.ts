import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { ID, Instance } from "../../mod.ts";
import type { Sync } from "../../src/sync/sync.ts";
import { FixedClock } from "../../src/testing/fixed_clock.ts";
import { fromHex } from "../../src/util/hex.ts";
import { vector } from "../database/replay.ts";
import { exchangeRaw, head, type RawAnswer } from "./raw_http.ts";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

interface Step {
  readonly name: string;
  readonly clock: number;
  readonly request: string;
  readonly status: number;
  readonly body?: string;
  readonly body_as?: { readonly step: string; readonly [member: string]: Json };
  readonly random?: readonly string[];
  readonly unordered?: readonly string[];
  readonly ours?: string;
}

interface Layer {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly status: number;
  readonly allow?: string | null;
  readonly body?: string;
  readonly content_type?: string | null;
  readonly request?: string;
  readonly request_hex?: string;
  readonly request_recipe?: {
    readonly start: string;
    readonly fill: string;
    readonly end: string;
    readonly total: number;
  };
}

interface Transcripts {
  readonly node: { readonly clock: number; readonly snapshot: Json; readonly server: string };
  readonly groups: readonly {
    readonly name: string;
    readonly steps: readonly Step[];
    readonly pending_after: readonly Json[];
    readonly raw_tips_after?: Readonly<Record<string, readonly string[]>>;
  }[];
  readonly layer: readonly Layer[];
}

const recorded = vector<Transcripts>("http-transcripts.json");

/** A server of ours on the recorded node, its clock held. */
async function withNode(
  test: (address: string, clock: FixedClock, instance: Instance, sync: Sync) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "eidetica-transcripts-"));
  const path = join(folder, "node.json");
  writeFileSync(path, JSON.stringify(recorded.node.snapshot));
  const clock = new FixedClock(recorded.node.clock);
  clock.hold();
  const instance = await Instance.connect(`memory://${path}`, { clock });
  try {
    const sync = await instance.enableSync({ transports: {}, native: false });
    const server = await sync.serve();
    await test(server.address, clock, instance, sync);
  } finally {
    await instance.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function post(address: string, request: string): Promise<{ status: number; body: string }> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`http://${address}/api/v0`, {
    method: "POST",
    headers,
    body: request,
  });
  return { status: response.status, body: await response.text() };
}

/** Lists of entries hold the same, in any order. */
const SETS = ["all_entries", "missing_entries", "available_trees"];

function comparable(value: Json, path: string, random: readonly string[]): Json {
  if (random.includes(path)) return "random";
  if (Array.isArray(value)) {
    const items = value.map((item, at) => comparable(item, `${path}[${at}]`, random));
    const name = path.slice(path.lastIndexOf(".") + 1);
    return SETS.includes(name) ? items.map((it) => JSON.stringify(it)).sort() : items;
  }
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([key, item]) => {
    return [key, comparable(item, `${path}.${key}`, random)] as const;
  });
  return Object.fromEntries(members.sort(([a], [b]) => a < b ? -1 : 1));
}

/** The recorded answer of a step, also where it is told as that of an earlier step with other members. */
function expected(step: Step, steps: readonly Step[]): Json {
  if (step.body !== undefined) return JSON.parse(step.body);
  const { step: name, ...members } = step.body_as!;
  const earlier = JSON.parse(steps.find((it) => it.name === name)!.body!) as {
    Bootstrap: Record<string, Json>;
  };
  return { Bootstrap: { ...earlier.Bootstrap, ...members } };
}

/** What ours answers where the recorded node may be left: by the name of the step. */
const OURS: Readonly<Record<string, (body: Json, theirs: Json) => void>> = {
  "empty challenge": isRefusal(/^Handshake failed/),
  "challenge of 64 bytes": isRefusal(/^Handshake failed/),
  "challenge of 33 bytes": isRefusal(/^Handshake failed/),
  "root missing: signed": isRefusal(/^Tree not found: bafyr4ie2cgwl7g/),
  "protected: a proof alone, no requesting_key": (body) => {
    const { Bootstrap } = body as { Bootstrap: { key_approved: boolean } };
    assert.equal(Bootstrap.key_approved, false);
  },
  "team: key and name, proven, through delegation (not consulted)": (body) => {
    const { Bootstrap } = body as { Bootstrap: { granted_permission: Json } };
    assert.deepEqual(Bootstrap.granted_permission, { Write: 7 });
  },
};

function isRefusal(words: RegExp): (body: Json) => void {
  return (body) => assert.match((body as { Error: string }).Error, words);
}

function checkAnswer(step: Step, steps: readonly Step[], body: Json): void {
  const theirs = expected(step, steps);
  const own = OURS[step.name];
  if (own !== undefined) return own(body, theirs);
  const random = step.random ?? [];
  if (step.ours !== undefined) return checkFewerTrees(body, theirs, random);
  assert.deepEqual(comparable(body, "$", random), comparable(theirs, "$", random), step.name);
}

/** The same handshake, with some of the trees. */
function checkFewerTrees(body: Json, theirs: Json, random: readonly string[]): void {
  const [own, other] = [body, theirs].map((it) => {
    const { available_trees: trees, ...rest } =
      (it as { Handshake: Record<string, Json> }).Handshake;
    const ids = (trees as { tree_id: string }[]).map((tree) => tree.tree_id);
    return { ids, rest: comparable(rest, "$.Handshake", random) };
  });
  assert.deepEqual(own!.rest, other!.rest);
  assert.ok(own!.ids.length > 0 && own!.ids.every((id) => other!.ids.includes(id)));
}

const NUMBERS: Readonly<Record<string, string>> = {
  handshake: "09#6,#7,#9,#10",
  bootstrap: "09#22,#24,#25,#26,#27,#28,#29,#30,#31,#32,#33,#34,#35",
  incremental: "09#14,#15,#16,#17,#18,#19,#20,#23,#40,#41",
  "send entries": "09#42",
};

describe("a node that was recorded, served by ours over HTTP", () => {
  for (const { name, steps, pending_after, raw_tips_after } of recorded.groups) {
    it(`${NUMBERS[name]} ${name}: ${steps.length} requests are answered as recorded`, () =>
      withNode(async (address, clock, instance, sync) => {
        for (const step of steps) {
          clock.set(step.clock);
          const { status, body } = await post(address, step.request);
          assert.equal(status, step.status, step.name);
          checkAnswer(step, steps, JSON.parse(body));
        }
        await checkPending(sync, pending_after);
        for (const [tree, tips] of Object.entries(raw_tips_after ?? {})) {
          const held = await instance.backend.snapshot(ID.parse(tree));
          assert.deepEqual(held.toJSON(), tips, tree);
        }
      }));
  }

  for (const layer of recorded.layer) {
    it(`09#43 ${layer.name}: ${layer.status}`, () =>
      withNode((address) => checkLayer(address, layer)));
  }
});

/** Requests that wait are those that were recorded, identical ones as one. */
async function checkPending(sync: Sync, rows: readonly Json[]): Promise<void> {
  const nameOf = (row: Json) => {
    const {
      requesting_pubkey: key,
      requesting_key_name: name,
      requested_permission: wish,
      metadata,
    } = row as Record<string, Json>;
    return JSON.stringify([key, name, wish, metadata !== null]);
  };
  const pending = await sync.pendingBootstrapRequests();
  const own = pending.map(([, it]) => {
    const metadata = it.metadata !== undefined;
    return JSON.stringify([
      `${it.requestingKey}`,
      it.requestingKeyName,
      it.requestedPermission.toJSON(),
      metadata,
    ]);
  });
  assert.deepEqual(own.sort(), [...new Set(rows.map(nameOf))].sort());
}

function bodyOf(layer: Layer): Uint8Array {
  if (layer.request_hex !== undefined) return fromHex(layer.request_hex);
  if (layer.request !== undefined) return Buffer.from(layer.request);
  const { start, fill, end, total } = layer.request_recipe!;
  const whole = Buffer.from(start + fill.repeat(total - start.length - end.length) + end);
  if (!isChunked(layer)) return whole;
  const size = whole.length.toString(16);
  return Buffer.concat([Buffer.from(`${size}\r\n`), whole, Buffer.from("\r\n0\r\n\r\n")]);
}

const UNREAD: ReadonlySet<string> = new Set(["unknown method", "lower case method"]);

async function checkLayer(address: string, layer: Layer): Promise<void> {
  const answer: RawAnswer = await exchangeRaw(address, [
    head(layer.method, layer.path, [
      ["host", address],
      ["connection", "close"],
      ...layer.headers,
      ...(isChunked(layer)
        ? []
        : [["content-length", String(bodyOf(layer).length)]] as [string, string][]),
    ]),
    bodyOf(layer),
  ]);
  // A method that the server of a runtime cannot read does not reach the handler: 400, or no answer at all.
  if (UNREAD.has(layer.name) && answer.status !== 405) {
    return assert.ok(answer.status === 400 || Number.isNaN(answer.status));
  }
  assert.equal(answer.status, layer.status);
  if (layer.allow) assert.equal(answer.headers.get("allow"), layer.allow);
  if (layer.status === 200) {
    assert.equal(answer.headers.get("content-type"), "application/json");
    if (layer.body) {
      assert.deepEqual(
        comparable(JSON.parse(answer.body), "$", []),
        comparable(JSON.parse(layer.body), "$", []),
      );
    }
  }
}

function isChunked({ headers }: Layer): boolean {
  return headers.some(([name]) => name.toLowerCase() === "transfer-encoding");
}

/** Proofs of requests as the reference signs and judges them (09 §5, §9.4). */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { Entry, ID, PrivateKey, PublicKey, ready, Snapshot } from "../../mod.ts";
import {
  type AccessPort,
  decodeRequest,
  NonceStore,
  proofBytes,
  proveRequest,
  ReadAccess,
} from "./parts.ts";
import { FixedClock } from "../../src/testing/mod.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { fromHex, toHex } from "../../src/util/hex.ts";
import { peerWith } from "../database/bed.ts";
import { accessTo, vector } from "./wire_bed.ts";

interface SigningCase {
  readonly client_seed: string;
  readonly nonce: string;
  readonly server: string;
  readonly signature: string;
  readonly signing_bytes: string;
  readonly timestamp_ms: number | bigint;
  readonly tips_sent: readonly string[];
  readonly tips_signed: readonly string[];
  readonly tree: string;
}

interface Step {
  readonly name: string;
  readonly clock: number;
  readonly handler: 1 | 2;
  readonly request: string;
  readonly verdict: { readonly served?: number; readonly error?: string };
}

const recorded = vector<{
  readonly cases: readonly SigningCase[];
  readonly handler: {
    readonly server: string;
    readonly tree: string;
    readonly other_tree: string;
    readonly tree_entries: readonly { readonly cbor: string }[];
    readonly other_tree_entries: readonly { readonly cbor: string }[];
  };
  readonly steps: readonly Step[];
}>("sync-proofs.json");

function entriesOf(list: readonly { readonly cbor: string }[]): Entry[] {
  return list.map(({ cbor }) => Entry.decode(fromHex(cbor)));
}

/** A server that holds the recorded databases, under the recorded key. */
async function withServer(test: (port: AccessPort) => Promise<void>): Promise<void> {
  const { server, tree, other_tree, tree_entries, other_tree_entries } = recorded.handler;
  const instance = await peerWith(entriesOf(tree_entries));
  try {
    await instance.putRemoteEntries(ID.parse(other_tree), entriesOf(other_tree_entries));
    const access = accessTo(instance, ID.parse(tree), ID.parse(other_tree));
    const device = PublicKey.parse(server);
    await test({
      device,
      isShared: (id) => access.isShared(id),
      accessRules: (id) => access.accessRules(id),
      strongestPermission: (id, key) => access.strongestPermission(id, key),
    });
  } finally {
    await instance.close();
  }
}

/** What became of a request: `served`, or the text of the error. */
async function outcomeOf(access: ReadAccess, text: string): Promise<string> {
  const request = decodeRequest(utf8(text));
  assert.ok(request.type === "SyncTree");
  try {
    await access.requireIncremental(request.body);
    return "served";
  } catch (error) {
    return (error as Error).message;
  }
}

before(async () => {
  await ready();
});

describe("recorded proofs", () => {
  it("09#12,#13 the bytes that are signed, and the signature, whatever the order of the tips", () => {
    assert.equal(recorded.cases.length, 48);
    for (const one of recorded.cases) {
      const request = {
        server: PublicKey.parse(one.server),
        tree: ID.parse(one.tree),
        tips: Snapshot.fromJSON(one.tips_sent),
      };
      assert.deepEqual(request.tips.toJSON(), one.tips_signed);
      const key = PrivateKey.fromSeed(fromHex(one.client_seed));
      const nonce = fromHex(one.nonce);
      const bytes = proofBytes(request, { timestampMs: one.timestamp_ms, nonce });
      assert.equal(toHex(bytes), one.signing_bytes);
      assert.equal(toHex(key.sign(bytes)), one.signature);
      if (typeof one.timestamp_ms === "bigint") continue;
      const clock = new FixedClock(one.timestamp_ms);
      const proof = proveRequest(key, request, { clock, random: { bytes: () => nonce } });
      assert.equal(toHex(proof.signature), one.signature);
      assert.equal(proof.timestampMs, one.timestamp_ms);
      assert.ok(proof.key.equals(key.publicKey) && proof.nonce === nonce);
    }
  });

  it("09#12 the worked example of the chapter", () => {
    const server = PrivateKey.fromSeed(new Uint8Array(32).fill(1)).publicKey;
    const client = PrivateKey.fromSeed(new Uint8Array(32).fill(2));
    const tree = ID.parse("bafyr4idlvjwj6rq75a2ktwqoxnrob5x3rqizrcsyzpcrxdniaqfougn4hi");
    const nonce = Uint8Array.from({ length: 32 }, (_, at) => at);
    const random = { bytes: () => nonce };
    const tips = [
      "bafyr4ih3ldarzpei323vccwforcagmmcgwr7b2zgkdtkxjzjh6llkc6bim",
      "bafyr4ihierja7r4bdjkmh7432c4uafjlwhfofl2rtdjimzrtgldva6ahqq",
    ];
    const expected: [readonly string[], number, string][] = [
      [tips, 370, "4f74de1bcc722e7eaee1f958b31f5551cf7163b10ee72800c96121d4340c5e8b"],
      [[], 236, "823f9f7c4bea803e11387b670ce5e20b1fbe64624049227cafc437ec654dd829"],
    ];
    for (const [named, length, signature] of expected) {
      const request = { server, tree, tips: Snapshot.fromJSON(named) };
      const clock = new FixedClock(1_700_000_000_000);
      const proof = proveRequest(client, request, { clock, random });
      assert.equal(proofBytes(request, proof).length, length);
      assert.equal(toHex(proof.signature).slice(0, 64), signature);
    }
  });

  it("09#14,#15,#17-#21 each request is served or refused, in its turn and with the same text", async () => {
    assert.equal(recorded.steps.length, 60);
    await withServer(async (port) => {
      const clock = new FixedClock();
      clock.hold();
      const handlers = [1, 2].map(() =>
        new ReadAccess(port, { clock, nonces: new NonceStore({ clock }) })
      );
      for (const { name, clock: millis, handler, request, verdict } of recorded.steps) {
        clock.set(millis);
        const outcome = await outcomeOf(handlers[handler - 1]!, request);
        assert.equal(outcome, verdict.error ?? "served", name);
      }
    });
  });

  it("09 better 10: one store for all transports knows what another one has spent", async () => {
    await withServer(async (port) => {
      const clock = new FixedClock();
      clock.hold();
      const nonces = new NonceStore({ clock });
      const first = new ReadAccess(port, { clock, nonces });
      const second = new ReadAccess(port, { clock, nonces });
      const { clock: millis, request } = recorded.steps.find(({ name }) =>
        name === "reader, proper"
      )!;
      clock.set(millis);
      assert.equal(await outcomeOf(first, request), "served");
      assert.equal(
        await outcomeOf(second, request),
        "Authentication failed: request nonce already spent",
      );
    });
  });
});

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Instance } from "../../mod.ts";
import { type NodeHandler, nodeHandler } from "../../src/console/mod.ts";
import type { SyncServer } from "../../src/sync/mod.ts";
import { DIFFERENCES } from "./differences.ts";
import { masked, Replay, type Send } from "./replay.ts";
import { type PeerPlaces, transcriptPeer } from "./transcript_peer.ts";
import {
  type Answer,
  expectedOf,
  observedOf,
  readVectors,
  recorded,
  sortRows,
} from "./transcripts.ts";

const { cases } = recorded();

/** The node of the transcripts, which can be started again. */
class RecordedNode {
  readonly instance: Instance;
  handler: NodeHandler;
  #server: SyncServer | undefined;

  private constructor(instance: Instance) {
    this.instance = instance;
    this.handler = nodeHandler(instance);
  }

  static async open(): Promise<RecordedNode> {
    const instance = await Instance.fromSnapshotText(readVectors("web-node.json"));
    await instance.enableSync();
    return new RecordedNode(instance);
  }

  restart(): void {
    this.handler.close();
    this.handler = nodeHandler(this.instance);
  }

  readonly direct: Send = (path, init) =>
    this.handler.fetch(new Request(`http://127.0.0.1${path}`, init));

  readonly overHttp: Send = async (path, init) => {
    this.#server ??= await this.instance.sync!.serve({
      handler: (request, info) => this.handler.fetch(request, info),
    });
    return await fetch(`http://${this.#server.address}${path}`, init);
  };

  async close(): Promise<void> {
    this.handler.close();
    await this.instance.close();
  }
}

function ours(answer: Answer, one: (typeof cases)[number]): Answer {
  return DIFFERENCES.reduce((all, { change }) => change(all, one), answer);
}

/** Whether a test can send it over a connection as it is. */
function canBeSent({ status, path }: (typeof cases)[number]): boolean {
  // Node's server keeps a connection whose request was not read to its end until it is closed for good.
  if (status === 413) return false;
  // The client of Bun asks for `/` then.
  return !(path === "//" && "Bun" in globalThis);
}

/** The answer that is expected, with values in place of names. */
function filled(replay: Replay, one: (typeof cases)[number]): Answer {
  const answer = JSON.parse(replay.fill(JSON.stringify(ours(expectedOf(one), one)), one)) as Answer;
  return answer.page === undefined ? answer : { ...answer, page: sortRows(answer.page) };
}

for (const way of ["direct", "overHttp"] as const) {
  describe(`168 requests to the reference's node, ${way}`, () => {
    let node: RecordedNode;
    let places: PeerPlaces;
    let replay: Replay;
    before(async () => {
      node = await RecordedNode.open();
      places = await transcriptPeer();
      replay = new Replay(node[way], places);
    });
    after(async () => {
      await places.close();
      await node.close();
    });

    for (const [at, one] of cases.entries()) {
      if (way === "overHttp" && !canBeSent(one)) continue;
      it(`12#21-35 ${at} ${one.name}: ${one.method} ${one.path}`, async () => {
        if (one.name === "after a restart" && cases[at - 1]!.name !== one.name) node.restart();
        const expected = filled(replay, one);
        const response = await replay.play(one);
        const observed = await observedOf(response, { ...expected, method: one.method });
        assert.deepEqual(JSON.parse(JSON.stringify(masked(observed))), expected);
      });
    }
  });
}

describe("deliberate differences", () => {
  for (const { why, change } of DIFFERENCES) {
    it(`is met: ${why}`, () => {
      const others = DIFFERENCES.filter((it) => it.change !== change);
      const isMet = cases.some((one) => {
        const without = others.reduce((all, it) => it.change(all, one), expectedOf(one));
        return JSON.stringify(without) !== JSON.stringify(ours(expectedOf(one), one));
      });
      assert.ok(isMet);
    });
  }
});

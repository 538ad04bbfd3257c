import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, describe, it } from "node:test";
import { Instance } from "../../mod.ts";
import { NO_FEATURES } from "../../src/service/protocol/features.ts";
import { encodeFrame, FrameReader } from "../../src/service/protocol/frames.ts";
import { decodeServerFrame } from "../../src/service/protocol/server_in.ts";
import type { ServiceConnection } from "../../src/service/server/connection.ts";
import { ServiceServer } from "../../src/service/server/server.ts";
import { fromUtf8, utf8 } from "../../src/util/bytes.ts";
import { type RandomSource, systemRandom } from "../../src/util/random.ts";
import { ready } from "../../wasm/mod.ts";
import { type ClientCase, clientCases } from "./vector_frames.ts";

const NODE = new URL("../vectors/service-node.json", import.meta.url);

/** Challenges as they were recorded, so that the recorded proofs are of them. */
class RecordedChallenges implements RandomSource {
  readonly next: Uint8Array[] = [];

  bytes(length: number): Uint8Array {
    return length === 32
      ? this.next.shift() ?? systemRandom.bytes(length)
      : systemRandom.bytes(length);
  }
}

/** What a connection of our daemon has said. */
class Said {
  readonly connection: ServiceConnection;
  readonly #texts: string[] = [];

  constructor(connection: ServiceConnection) {
    this.connection = connection;
    void this.#read();
  }

  async #read(): Promise<void> {
    const reader = new FrameReader();
    for await (const frames of this.connection.outbox.chunks()) {
      for (const payload of reader.push(frames)) this.#texts.push(fromUtf8(payload));
    }
  }

  /** The next message; undefined when there is none. */
  async next(): Promise<string | undefined> {
    for (let turn = 0; turn < 50 && this.#texts.length === 0; turn++) {
      await this.connection.settled();
      await new Promise((done) => setTimeout(done, 0));
    }
    return this.#texts.shift();
  }
}

function challengeIn(text: string): Uint8Array | undefined {
  const bytes = /"challenge":\[([\d,]+)\]/.exec(text)?.[1];
  return bytes === undefined ? undefined : Uint8Array.from(bytes.split(",").map(Number));
}

/** Plays what the reference's client has sent, all commands on one node, and compares what our daemon says. */
class ClientReplay {
  readonly #instance: Instance;
  readonly #server: ServiceServer;
  readonly #random: RecordedChallenges;

  private constructor(instance: Instance, server: ServiceServer, random: RecordedChallenges) {
    this.#instance = instance;
    this.#server = server;
    this.#random = random;
  }

  static async begin(): Promise<ClientReplay> {
    const random = new RecordedChallenges();
    const instance = await Instance.fromSnapshotText(readFileSync(NODE, "utf8"), { random });
    return new ClientReplay(instance, await ServiceServer.of(instance.host), random);
  }

  /** The messages of a command that were answered otherwise, each with the answer that was wanted and got. */
  async play(
    { frames }: ClientCase,
  ): Promise<(readonly [wanted: string, got: string | undefined])[]> {
    for (const [, text] of frames) {
      const challenge = text.startsWith('{"Response"') ? challengeIn(text) : undefined;
      if (challenge !== undefined) this.#random.next.push(challenge);
    }
    const said = new Said(this.#server.accept());
    const others: [string, string | undefined][] = [];
    for (const [direction, text] of frames) {
      if (text.startsWith('{"Notification"')) await this.#commit(frames);
      if (direction === ">") said.connection.receive(encodeFrame(utf8(text)));
      else {
        const got = await said.next();
        if (got !== text) others.push([text, got]);
      }
    }
    this.#server.lost(said.connection);
    return others;
  }

  /** Somebody else's commit, which is only recorded by how it was read at last. */
  async #commit(frames: ClientCase["frames"]): Promise<void> {
    const [, read] = frames.findLast(([, text]) => text.startsWith('{"Response":{"Entry"'))!;
    const frame = decodeServerFrame(utf8(read), NO_FEATURES);
    assert.ok(frame.type === "Response" && frame.response.type === "Entry");
    const { entry } = frame.response;
    await this.#instance.putRemoteEntries(entry.root!, [entry]);
  }

  async end(): Promise<void> {
    await this.#server.stop();
    await this.#instance.close();
  }
}

describe("what the reference's own client was answered (service-client.json)", () => {
  before(() => ready());

  it("11 §7 its commands are answered byte for byte, but for states that a daemon keeps for itself", async () => {
    const replay = await ClientReplay.begin();
    let others = 0;
    for (const command of clientCases) {
      for (const [wanted, got] of await replay.play(command)) {
        // The reference puts states aside for everybody that its own reads have made. Ours keeps none: a miss, after
        // which a client makes the state itself.
        assert.ok(wanted.startsWith('{"Response":{"CachedCrdtState":['), command.what);
        assert.equal(got, '{"Response":{"CachedCrdtState":null}}', command.what);
        others++;
      }
    }
    const received = clientCases.flatMap(({ frames }) => frames).filter(([from]) => from === "<");
    assert.ok(received.length > 400 && others < received.length / 20, `${others}`);
    await replay.end();
  });
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { decodeMessage } from "../../src/sync/native/codec.ts";
import { decodeFrames } from "../../src/sync/native/frames.ts";
import type { Message } from "../../src/sync/native/messages.ts";
import { answer } from "../../src/sync/native/reconcile.ts";
import type { Range } from "../../src/sync/native/range_codec.ts";
import { fromHex } from "../../src/util/hex.ts";
import { tableOf } from "./native_bed.ts";
import { KEYS, nativeVectors, plain, side, VECTORS } from "./native_vectors.ts";

interface Signed {
  readonly bytes: string;
  readonly signature: string;
}

interface Vectors {
  readonly transcripts: { readonly client: Signed; readonly server: Signed; readonly open: Signed };
  readonly messages: readonly { name: string; message: unknown; frame: string }[];
  readonly malformed: readonly { why: string; frame: string }[];
  readonly comparison: { messages: readonly string[]; lacking: [number, number][][] };
}

const vectors = JSON.parse(readFileSync(VECTORS, "utf8")) as Vectors;

function read(hex: string): Message {
  const [frame, ...more] = decodeFrames(fromHex(hex), 2 ** 20);
  assert.equal(more.length, 0);
  return decodeMessage(frame!, 2 ** 20)!;
}

describe("the vectors of the native protocol", () => {
  it("are what this code makes", async () => {
    assert.deepEqual(JSON.parse(JSON.stringify(await nativeVectors())), vectors);
  });

  it("messages are read as they are described", () => {
    for (const { name, message, frame } of vectors.messages) {
      // What is not there is undefined here and not named there.
      const found = JSON.parse(JSON.stringify(plain(read(frame))));
      assert.deepEqual(found, message, name);
    }
  });

  it("what is malformed is refused", () => {
    for (const { why, frame } of vectors.malformed) {
      assert.throws(() => read(frame), { code: "Malformed" }, why);
    }
  });

  it("signatures are those of the keys", () => {
    const { client, server, open } = vectors.transcripts;
    const all = [[KEYS.client, client], [KEYS.server, server], [KEYS.user, open]] as const;
    for (const [key, { bytes, signature }] of all) {
      assert.ok(key.publicKey.verify(fromHex(bytes), fromHex(signature)));
    }
  });

  it("each message about ranges is answered by the next one", () => {
    const told = vectors.comparison.messages.map((hex) => {
      const message = read(hex);
      assert.ok(message.type === "ranges");
      return message.ranges;
    });
    const tables = [tableOf(side(31)), tableOf(side(57))];
    const lacking: (readonly [number, number])[][] = [[], []];
    told.slice(0, -1).forEach((ranges: readonly Range[], at) => {
      const found = answer(tables[(at + 1) % 2]!, ranges);
      lacking[at % 2]!.push(...found.lacking);
      assert.deepEqual(plain(found.ranges), plain(told[at + 1]));
    });
    assert.deepEqual(lacking, vectors.comparison.lacking);
  });
});

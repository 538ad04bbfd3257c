import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "../helpers/fast_check.ts";
import { encodeFrame, FrameReader, MAX_FRAME_BYTES } from "../../src/service/protocol/frames.ts";
import { concat, utf8 } from "../../src/util/bytes.ts";
import { EideticaError } from "../../src/util/errors.ts";
import { toHex } from "../../src/util/hex.ts";

function hasCode(code: string) {
  return (error: unknown) => error instanceof EideticaError && error.code === code;
}

function header(length: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, length);
  return bytes;
}

describe("frames of the service socket", () => {
  it("11 §2.2: the worked example", () => {
    assert.equal(
      toHex(encodeFrame(utf8('{"protocol_version":0}'))),
      "000000167b2270726f746f636f6c5f76657273696f6e223a307d",
    );
  });

  it("come back whole, however the stream is cut", () => {
    fc.assert(fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }),
      fc.integer({ min: 1, max: 9 }),
      (payloads, size) => {
        const stream = concat(...payloads.map(encodeFrame));
        const reader = new FrameReader();
        const read: Uint8Array[] = [];
        for (let at = 0; at < stream.length; at += size) {
          // The reader must not keep what it is given.
          const piece = stream.slice(at, at + size);
          for (const payload of reader.push(piece)) read.push(payload.slice());
          piece.fill(0);
        }
        reader.end();
        assert.deepEqual(read, payloads.map((payload) => new Uint8Array(payload)));
      },
    ));
  });

  it("11#2: a length above the limit is refused by the reader before the payload", () => {
    const error = hasCode("FrameTooLarge");
    assert.throws(() => [...new FrameReader().push(header(67_108_865))], error);
    assert.throws(() => [...new FrameReader().push(header(2 ** 32 - 1))], error);
  });

  it("11#2: and by the writer, before anything is written", () => {
    const large = new Uint8Array(MAX_FRAME_BYTES + 1);
    assert.throws(() => encodeFrame(large), hasCode("FrameTooLarge"));
  });

  it("a frame of exactly 64 MiB passes both ways", () => {
    const payload = new Uint8Array(MAX_FRAME_BYTES);
    payload[MAX_FRAME_BYTES - 1] = 7;
    const [read, ...rest] = new FrameReader().push(encodeFrame(payload));
    assert.deepEqual([read!.length, read!.at(-1), rest.length], [MAX_FRAME_BYTES, 7, 0]);
  });

  it("11#3: the end inside a header is an end, inside a payload an error", () => {
    const reader = new FrameReader();
    assert.deepEqual([...reader.push(header(5).subarray(0, 3))], []);
    reader.end();
    const inside = new FrameReader();
    assert.deepEqual([...inside.push(concat(header(5), utf8("ab")))], []);
    assert.throws(() => inside.end(), hasCode("FrameCut"));
  });

  it("room is made for what arrives, not for what a length claims", () => {
    const before = process.memoryUsage().arrayBuffers;
    const readers = Array.from({ length: 64 }, () => {
      const reader = new FrameReader();
      assert.deepEqual([...reader.push(concat(header(MAX_FRAME_BYTES), utf8("x")))], []);
      return reader;
    });
    const grown = process.memoryUsage().arrayBuffers - before;
    assert.ok(grown < MAX_FRAME_BYTES, `${grown} bytes for ${readers.length} readers`);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { EideticaError } from "../../mod.ts";
import {
  encodeEvent,
  EventSplitter,
  MAX_EVENT_LENGTH,
  SIGN_OF_LIFE,
  type StreamEvent,
} from "../../src/sync/http/event_stream.ts";
import { readTold } from "../../src/sync/worker/tips_follower.ts";
import { concat, utf8 } from "../../src/util/bytes.ts";

/** The events of a text that comes in pieces of these lengths, then the rest. */
function read(bytes: Uint8Array, lengths: readonly number[] = []): StreamEvent[] {
  const splitter = new EventSplitter();
  const events: StreamEvent[] = [];
  let at = 0;
  for (const length of [...lengths, bytes.length]) {
    events.push(...splitter.push(bytes.subarray(at, at + length)));
    at += length;
  }
  return events;
}

const line = fc.string({ maxLength: 20 }).filter((text) => !/[\r\n\0]/.test(text));
const event = fc.record({ event: line, data: line, id: fc.option(line, { nil: undefined }) });

describe("streams of events", () => {
  it("what is written is read, wherever it is cut", () => {
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 6 }),
        fc.array(fc.nat(9), { maxLength: 60 }),
        (events, lengths) => {
          const bytes = concat(...events.flatMap((it) => [encodeEvent(it), SIGN_OF_LIFE]));
          let id: string | undefined;
          const expected = events.map((it) => {
            id = it.id ?? id;
            return { event: it.event || "message", data: it.data, id };
          });
          assert.deepEqual(read(bytes, lengths), expected);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("line breaks of all kinds end lines, and comments say nothing", () => {
    for (const end of ["\n", "\r\n", "\r"]) {
      const text = [
        ":hello",
        "event:a",
        "data: 1",
        "data:  2",
        "retry: 5",
        "other",
        "",
        "data",
        "",
      ];
      const bytes = utf8([...text, ""].join(end));
      const expected = [
        { event: "a", data: "1\n 2", id: undefined },
        { event: "message", data: "", id: undefined },
      ];
      assert.deepEqual(read(bytes), expected, JSON.stringify(end));
      assert.deepEqual(read(bytes, Array.from(bytes, () => 1)), expected, JSON.stringify(end));
    }
  });

  it("an event without data is none, but its ID counts", () => {
    const [only] = read(utf8("event: a\nid: 7\n\ndata: x\n\n"));
    assert.deepEqual(only, { event: "message", data: "x", id: "7" });
  });

  it("an event that does not end is not kept", () => {
    const long = "x".repeat(MAX_EVENT_LENGTH);
    const fits = `data: ${"x".repeat(MAX_EVENT_LENGTH - 6)}`;
    assert.equal(read(utf8(`${fits}\n\n`))[0]!.data.length, MAX_EVENT_LENGTH - 6);
    for (const text of [`data: ${long}`, `data: ${long}\n\n`, `${"data: y\n".repeat(9400)}`]) {
      assert.throws(() => read(utf8(text)), (error) => {
        return error instanceof EideticaError && error.code === "Malformed";
      });
    }
  });

  it("any bytes are read, or refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const { data } of read(bytes)) assert.equal(typeof data, "string");
      }),
      { numRuns: 200 },
    );
  });

  it("any data is what was told, or nothing", () => {
    const values = fc.oneof(
      fc.string(),
      fc.json(),
      fc.json().map((it) => `{"tree":"x","tips":${it}}`),
    );
    fc.assert(
      fc.property(values, (data) => {
        const told = readTold(data);
        assert.ok(told === undefined || typeof told.tree === "string" && Array.isArray(told.tips));
      }),
      { numRuns: 300 },
    );
    assert.deepEqual(readTold('{"tree":"x","code":"y"}'), { tree: "x", tips: [] });
    for (const data of ["", "null", "1", "[]", '{"tree":1}', '{"tree":"x","tips":["y"]}']) {
      assert.equal(readTold(data), undefined, data);
    }
  });
});

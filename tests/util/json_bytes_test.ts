import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { concat, utf8 } from "../../src/util/bytes.ts";
import { SerializeError } from "../../src/util/errors.ts";
import { JsonBytes } from "../../src/util/json_bytes.ts";
import { JsonBytesWriter } from "../../src/util/json_bytes_writer.ts";
import { MORE_NEEDED } from "../../src/util/json_cursor.ts";
import { listOf, Members, openVariant, optional, readStruct } from "../../src/util/json_struct.ts";
import { ValueEnd } from "../../src/util/json_value_end.ts";

const runs = { numRuns: 200 };

function reader(text: string | Uint8Array): JsonBytes {
  return new JsonBytes(typeof text === "string" ? utf8(text) : text);
}

/** The whole text as `read` reads it. */
function all<T>(text: string | Uint8Array, read: (reader: JsonBytes) => T): T {
  const from = reader(text);
  const value = read(from);
  from.end();
  return value;
}

/** Refused with this fault. */
function refused(
  fault: "syntax" | "shape",
  text: string | Uint8Array,
  read: (r: JsonBytes) => unknown,
): void {
  assert.throws(
    () => all(text, read),
    (error) => error instanceof SerializeError && error.fields.fault === fault,
    `${text}`,
  );
}

const text = (from: JsonBytes) => from.string("a text");
const uint = (from: JsonBytes) => from.uint("an integer");
const bytes = (from: JsonBytes) => from.byteList("bytes");
const skip = (from: JsonBytes) => from.skip();

/** Any JSON text, with blanks here and there. */
const anyJson = fc.tuple(fc.jsonValue(), fc.constantFrom(undefined, 1, "\t"))
  .map(([value, space]) => JSON.stringify(value, undefined, space))
  .filter((json) => json.isWellFormed());

describe("JSON from bytes", () => {
  it("texts are what JSON.parse gives", () => {
    const anyText = fc.string({ unit: "binary", maxLength: 300 }).filter((one) =>
      one.isWellFormed()
    );
    fc.assert(
      fc.property(anyText, (one) => {
        assert.equal(all(JSON.stringify(one), text), one);
      }),
      runs,
    );
    assert.equal(all(' "\\u0041\\ud83e\\udd80\\/" ', text), "A🦀/");
    assert.equal(all('"\ufeff"', text), "\ufeff");
  });

  it("texts that are none are refused", () => {
    for (
      const bad of [
        '"',
        '"a',
        '"\\x"',
        '"\\u12"',
        '"\\',
        '"a\nb"',
        '"\\ud800"',
        '"\\udc00\\ud800"',
        "",
      ]
    ) {
      refused("syntax", bad, text);
    }
    for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf0, 0x9f]]) {
      refused("syntax", concat(utf8('"'), Uint8Array.from(bytes), utf8('"')), text);
    }
    for (const other of ["5", "null", "[]", "{}", "true", "-1.5e3"]) refused("shape", other, text);
    for (const broken of ["tru", "01", "1.", "-", "nul"]) refused("syntax", broken, text);
  });

  it("integers are exact up to 2^64 - 1, everything else is refused", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (one) => {
        const value = all(` ${one} `, uint);
        assert.equal(BigInt(value), one);
        assert.equal(typeof value, one <= BigInt(Number.MAX_SAFE_INTEGER) ? "number" : "bigint");
      }),
      runs,
    );
    for (const shape of ["-1", "1.0", "1e0", "-0", "18446744073709551616", '"1"', "null", "[1]"]) {
      refused("shape", shape, uint);
    }
    for (const broken of ["01", "1.", "1e", "-", "1x", "1 2", "1e400", "+1", "0x1", ""]) {
      refused("syntax", broken, uint);
    }
    assert.equal(all("255", (from) => from.smallUint(255, "a byte")), 255);
    refused("shape", "256", (from) => from.smallUint(255, "a byte"));
  });

  it("arrays of numbers become bytes, in any spelling of the array", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom(undefined, 1),
        (one, space) => {
          assert.deepEqual(all(JSON.stringify([...one], undefined, space), bytes), one);
        },
      ),
      runs,
    );
    const long = new Uint8Array(1_200_000).map((_, at) => at);
    assert.deepEqual(all(`[${long.join()}]`, bytes), long);
    assert.deepEqual(all("[7]", bytes), Uint8Array.of(7)); // the large buffer was given back
    for (
      const shape of [
        "[256]",
        "[1,256,1]",
        "[-1]",
        "[1.0]",
        '["1"]',
        "[null]",
        "[[1]]",
        '""',
        "5",
        "{}",
      ]
    ) {
      refused("shape", shape, bytes);
    }
    for (const broken of ["[", "[1", "[1,", "[1,]", "[,1]", "[01]", "[1 2]", "[1}", "[1234,"]) {
      assert.throws(() => all(broken, bytes), SerializeError, broken);
    }
    refused("shape", "[1000,1,2,3]", bytes);
  });

  it("what is skipped may nest without limit and hold bytes that are no text", () => {
    all("[".repeat(50_000) + "]".repeat(50_000), skip);
    all(concat(utf8('["'), Uint8Array.of(0xff, 0xfe), utf8('","\\ud800"]')), skip);
    for (const broken of ["[1,2}", "{1:2}", '{"a" 1}', "[1,]", "[", '"', "tru", "", "}", ","]) {
      refused("syntax", broken, skip);
    }
  });

  it("law: a value is skipped exactly, whatever comes behind it", () => {
    fc.assert(
      fc.property(anyJson, fc.constantFrom(",1", " ]", "}", ""), (json, rest) => {
        const from = reader(`${json}${rest}`);
        from.skip();
        assert.equal(from.position, utf8(json).length);
      }),
      runs,
    );
  });

  it("law: where a value ends is found in pieces too", () => {
    fc.assert(
      fc.property(anyJson, fc.integer({ min: 1, max: 7 }), (json, size) => {
        const whole = utf8(`${json},`);
        const end = new ValueEnd();
        let found: number | undefined;
        for (let at = 0; found === undefined && at < whole.length; at += size) {
          found = end.find(whole, at, Math.min(at + size, whole.length));
        }
        assert.equal(found, whole.length - 1, json);
      }),
      runs,
    );
  });

  it("law: what is broken off asks for more, whatever is missing", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(), (value, cut) => {
        const whole = utf8(JSON.stringify([value]));
        const part = new JsonBytes(whole, 0, cut % whole.length, true);
        assert.throws(() => part.skip(), (error) => error === MORE_NEEDED);
      }),
      runs,
    );
  });
});

describe("structs and variants", () => {
  const members = new Members("a thing", ["id", "name?", "note??"]);
  const thing = (from: JsonBytes) =>
    readStruct(from, members, uint, optional(text), optional(text));

  it("are read in any order, unknown members skipped, and as arrays", () => {
    const whole = [5, "n", "x"];
    for (
      const same of [
        '{"id":5,"name":"n","note":"x"}',
        ' { "note" : "x" , "id" : 5 , "name" : "n" } ',
        '{"zz":{"a":[1]},"id":5,"zz":0,"na\\u006de":"n","note":"x","Id":7}',
        '[5,"n","x"]',
      ]
    ) assert.deepEqual(all(same, thing), whole, same);
    for (const few of ['{"id":5}', '{"id":5,"name":null}', "[5,null]", "[5,null,null]"]) {
      assert.deepEqual(all(few, thing).map((one) => one ?? null), [5, null, null], few);
    }
  });

  it("a member that is missing, repeated or of another kind is refused", () => {
    for (
      const shape of [
        ...["{}", '{"name":"n"}', '{"id":5,"id":5}', '{"id":5,"i\\u0064":5}', "[]", "[5]", "null"],
        ...['{"id":null}', '{"id":5,"name":7}', '"x"', "5"],
      ]
    ) refused("shape", shape, thing);
    for (
      const broken of ['{"id":5,}', "{5:5}", '{"id" 5}', '[5,"n","x",1]', '{"id":5', "[5,", "{"]
    ) {
      refused("syntax", broken, thing);
    }
  });

  it("variants are a text, or an object of one member", () => {
    const variant = (from: JsonBytes) => openVariant(from, ["A", "B"], "a variant");
    assert.equal(all('"B"', variant), -2);
    const open = reader('{ "\\u0041" : 1}');
    assert.equal(variant(open), 0);
    assert.equal(open.uint("one"), 1);
    for (const shape of ['"C"', '{"C":1}', '""']) refused("shape", shape, variant);
    for (const broken of ["{}", "[]", "1", "null", "{1:2}", '{"A"}']) {
      refused("syntax", broken, variant);
    }
  });

  it("lists hold any number of values", () => {
    const list = listOf("a list", uint);
    assert.deepEqual(all("[ ]", list), []);
    assert.deepEqual(all("[1, 2,3]", list), [1, 2, 3]);
    refused("shape", "{}", list);
    refused("syntax", "[1,]", list);
  });
});

describe("JSON to bytes", () => {
  it("law: texts and byte lists are what JSON.stringify gives", () => {
    const out = new JsonBytesWriter();
    const anyText = fc.string({ unit: "binary", maxLength: 200 }).filter((one) =>
      one.isWellFormed()
    );
    fc.assert(
      fc.property(anyText, fc.uint8Array({ maxLength: 100 }), (one, list) => {
        const source = utf8(one);
        out.text(source, 0, source.length);
        out.byteList(list, 0, list.length);
        const wanted = JSON.stringify(one) + JSON.stringify([...list]);
        assert.deepEqual(out.take(), utf8(wanted));
      }),
      runs,
    );
  });

  it("every byte value, every control character, and a buffer that grows and shrinks", () => {
    const out = new JsonBytesWriter();
    const values = Uint8Array.from({ length: 256 }, (_, at) => at);
    out.byteList(values, 0, 256);
    out.text(values, 0, 128);
    const ascii = String.fromCharCode(...values.subarray(0, 128));
    assert.deepEqual(out.take(), utf8(JSON.stringify([...values]) + JSON.stringify(ascii)));
    const long = new Uint8Array(2_000_000);
    out.byteList(long, 0, long.length);
    assert.equal(out.length, 4_000_001);
    assert.equal(out.take().length, 4_000_001);
    out.json("ä");
    for (const integer of [0, 7, 1234567890, Number.MAX_SAFE_INTEGER]) out.uint(integer);
    assert.deepEqual(out.take(), utf8(`ä071234567890${Number.MAX_SAFE_INTEGER}`));
  });
});

/** Whatever is not the canonical encoding is refused: mutations of the entries of the vectors (00 §B4). */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "../helpers/fast_check.ts";
import { ready } from "../../wasm/mod.ts";
import { Entry } from "../../src/entry/entry.ts";
import { concat, equalBytes } from "../../src/util/bytes.ts";
import { EntryError } from "../../src/util/errors.ts";
import { fromHex } from "../../src/util/hex.ts";
import {
  type Cbor,
  FALSE,
  keyOf,
  leastWidth,
  NULL,
  parseCbor,
  type Place,
  places,
  text,
  uint,
  withItems,
  writeCbor,
} from "./cbor_tree.ts";
import { anyEntry, vectors } from "./helpers.ts";
import { cases } from "../helpers/thorough.ts";

before(async () => {
  await ready();
});

interface Sample {
  readonly name: string;
  readonly bytes: Uint8Array;
}

// deno-lint-ignore no-explicit-any
const samples: Sample[] = vectors("entries.json").cases.flatMap((each: any) =>
  [each.cbor, each.signed?.cbor].flatMap((cbor: string | undefined) =>
    cbor !== undefined && cbor.length < 1000 ? [{ name: each.name, bytes: fromHex(cbor) }] : []
  )
);

/** Decodes; only an `EntryError` may be thrown. What is read must have exactly these bytes. */
function decodes(bytes: Uint8Array, label: () => string): boolean {
  let entry: Entry;
  try {
    entry = Entry.decode(bytes);
  } catch (error) {
    if (error instanceof EntryError) return false;
    throw new Error(`${label()}: ${error}`, { cause: error });
  }
  assert.ok(equalBytes(entry.bytes, bytes), label());
  const again = Entry.fromJSON(entry.stringify());
  assert.ok(equalBytes(again.bytes, bytes), label());
  assert.equal(again.id.toString(), entry.id.toString(), label());
  return true;
}

/** Puts each value that `respell` gives in its place, in every sample; all must be refused. */
function refusesEach(respell: (place: Place) => Cbor[], least: number): void {
  let tried = 0;
  for (const { name, bytes } of samples) {
    for (const place of places(parseCbor(bytes))) {
      for (const node of respell(place)) {
        const changed = writeCbor(place.replace(node));
        const label = () => `${name} at [${place.path}]`;
        assert.ok(!equalBytes(changed, bytes), label());
        assert.equal(decodes(changed, label), false, label());
        tried++;
      }
    }
  }
  assert.ok(tried >= least, `only ${tried} mutations`);
}

/** Keys and values of a map in pairs. */
function pairs(node: Cbor): [Cbor, Cbor][] {
  if (node.major !== 5) return [];
  const items = node.items!;
  return items.flatMap((key, at) => at % 2 === 0 ? [[key, items[at + 1]!] as [Cbor, Cbor]] : []);
}

const mapOf = (node: Cbor, of: readonly [Cbor, Cbor][]) => withItems(node, of.flat());

test("the samples are many, and are read", () => {
  assert.ok(samples.length >= 60);
  for (const { name, bytes } of samples) assert.ok(decodes(bytes, () => name));
});

test("01#32 every beginning of an entry is refused", () => {
  for (const { name, bytes } of samples) {
    for (let length = 0; length < bytes.length; length++) {
      assert.equal(decodes(bytes.subarray(0, length), () => `${name}, ${length}`), false);
    }
  }
});

/** Ways to change a byte; each byte is changed in every other one. */
const MASKS = [0x01, 0x04, 0x20, 0x80, 0xff];

test("00 §B4 every changed byte is refused, or gives an entry with exactly these bytes", () => {
  let [refused, read] = [0, 0];
  for (const { name, bytes } of samples) {
    const changed = bytes.slice();
    for (let at = 0; at < bytes.length; at++) {
      for (const mask of MASKS.filter((_, which) => (which + at) % 2 === 0)) {
        changed[at] = bytes[at]! ^ mask;
        if (decodes(changed, () => `${name}, byte ${at} ^ ${mask}`)) read++;
        else refused++;
      }
      changed[at] = bytes[at]!;
    }
  }
  assert.ok(refused > 5_000 && read > 2_500, `${refused} refused, ${read} read`);
});

test("00 §B4 a byte left out or put in is refused, or gives an entry with exactly these bytes", () => {
  for (const { name, bytes } of samples.filter((_, at) => at % 5 === 0)) {
    for (let at = 0; at <= bytes.length; at++) {
      const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
      decodes(concat(head, tail.subarray(1)), () => `${name} without ${at}`);
      for (const more of [0x00, 0x40, 0x80, 0xa0, 0xf6, 0xff]) {
        decodes(concat(head, Uint8Array.of(more), tail), () => `${name} with ${more} at ${at}`);
      }
    }
  }
});

test("01#32 any one byte after the end is refused", () => {
  for (const { name, bytes } of samples) {
    for (let more = 0; more < 256; more++) {
      assert.equal(decodes(concat(bytes, Uint8Array.of(more)), () => `${name} + ${more}`), false);
    }
  }
});

test("01#32 maps with any two keys exchanged, one twice, or one more are refused", () => {
  refusesEach(({ node }) => {
    const all = pairs(node);
    return all.flatMap((one, a) =>
      all.slice(a + 1).map((other, b) => {
        return mapOf(node, all.with(a, other).with(a + 1 + b, one));
      })
    );
  }, 500);
  refusesEach(
    ({ node }) => pairs(node).map((one, at, all) => mapOf(node, all.toSpliced(at, 0, one))),
    500,
  );
  refusesEach(({ node }) => {
    if (node.major !== 5) return [];
    return ["", "_v", "i", "zzz", "zzzzzzzzz"].flatMap((name) =>
      [0, pairs(node).length].map((at) => {
        return mapOf(node, pairs(node).toSpliced(at, 0, [text(name), uint(0)]));
      })
    );
  }, 2000);
});

test("01#32 heads in any longer form, and indefinite lengths, are refused everywhere", () => {
  refusesEach(({ node }) => {
    if (node.major === 7) return [];
    return [1, 2, 4, 8].filter((width) => width > leastWidth(node.value))
      .map((width) => ({ ...node, width }));
  }, 3000);
  refusesEach(({ node }) => {
    return node.major >= 2 && node.major <= 5 ? [{ ...node, indefinite: true }] : [];
  }, 1500);
});

test("01#32 a default or null where a member is left out, or in place of one, is refused", () => {
  refusesEach(({ node, path }) => {
    const keys = pairs(node).map(([key]) => keyOf(key));
    const first = (
      name: string,
      value: Cbor,
    ) => [mapOf(node, [[text(name), value], ...pairs(node)])];
    const last = (
      name: string,
      value: Cbor,
    ) => [mapOf(node, [...pairs(node), [text(name), value]])];
    if (node.major !== 5) return [];
    if (path.length === 0) return first("_v", uint(0));
    if (keys.includes("name") && keys.includes("parents")) {
      return [
        ...keys.includes("h") ? [] : first("h", NULL),
        ...keys.includes("data") ? [] : first("data", NULL),
      ];
    }
    if (keys.includes("parents")) {
      const height = keys.includes("h") ? [] : [...first("h", uint(0)), ...first("h", NULL)];
      const root = keys.includes("root") || keys.includes("h") ? [] : first("root", NULL);
      return [...height, ...root, ...keys.includes("metadata") ? [] : last("metadata", NULL)];
    }
    if (keys.includes("key")) return keys.includes("sig") ? [] : last("sig", NULL);
    const isHint = path.at(-2) !== undefined && !keys.some((key) => /^[A-Z]|hint|tips/.test(key!));
    return isHint && !keys.includes("is_global") ? last("is_global", FALSE) : [];
  }, 300);
  refusesEach(({ node }) =>
    pairs(node).flatMap(([key], at, all) => {
      // A list may not be null; an ID in one may be, that is the empty ID.
      if (keyOf(key) === "tree" && all.length === 2) return [];
      return [mapOf(node, all.with(at, [key, NULL]))];
    }), 700);
});

test("00 §B4 parents and subtrees out of order, or one twice, are refused", () => {
  refusesEach(({ node, path }) => {
    // The tips of a delegation step keep the order in which they were written.
    if (node.major !== 4 || node.items!.length < 1 || path[0] === 1) return [];
    const items = node.items!;
    const twice = items.map((item, at) => withItems(node, items.toSpliced(at, 0, item)));
    const swapped = items.slice(1).map((item, at) => {
      return withItems(node, items.with(at, item).with(at + 1, items[at]!));
    });
    return [...twice, ...swapped];
  }, 130);
});

test("02#13 tips of a delegation step are read in any order, also twice", () => {
  let tried = 0;
  for (const { name, bytes } of samples) {
    for (const { node, path, replace } of places(parseCbor(bytes))) {
      if (node.major !== 4 || node.items![0]?.major !== 6 || path[0] !== 1) continue;
      const changed = [node.items!.toReversed(), [...node.items!, node.items![0]!]];
      for (const items of changed) {
        assert.ok(decodes(writeCbor(replace(withItems(node, items))), () => name));
        tried++;
      }
    }
  }
  assert.ok(tried > 0);
});

test("01#6 CIDs without tag, with another tag, without the zero, too long or too short are refused", () => {
  refusesEach(({ node }) => {
    if (node.major !== 6) return [];
    const cid = node.items![0]!;
    const bytes = (of: Uint8Array) => ({
      ...node,
      items: [{ major: 2, value: of.length, bytes: of }],
    });
    const asText: Cbor = { major: 3, value: cid.value, bytes: cid.bytes! };
    return [
      cid,
      { ...node, value: 41 },
      { ...node, items: [node] },
      { ...node, items: [asText] },
      bytes(cid.bytes!.subarray(1)),
      bytes(cid.bytes!.with(0, 1)),
      bytes(concat(cid.bytes!, Uint8Array.of(0))),
      ...[0, 1, 2, 5, 36].map((length) => bytes(cid.bytes!.subarray(0, length))),
    ];
  }, 800);
});

test("01#10 text, arrays and maps in place of bytes, and bytes in place of text, are refused", () => {
  refusesEach(({ node }) => {
    if (node.major !== 2 && node.major !== 3) return [];
    const items = [...node.bytes!].map(uint);
    return [
      { ...node, major: node.major ^ 1 },
      { major: 4, value: items.length, items },
      { major: 6, value: 42, items: [node] },
      { major: 7, value: 21 },
    ];
  }, 2000);
});

test("01 §3 text that is not UTF-8 is refused in every place", () => {
  const bad = ["ff", "80", "c0af", "eda080", "f4908080", "c3", "e282"].map(fromHex);
  refusesEach(({ node }) => {
    if (node.major !== 3) return [];
    return bad.map((tail) => {
      const bytes = concat(node.bytes!, tail);
      return { major: 3, value: bytes.length, bytes };
    });
  }, 5000);
});

test("01 §3 negative, broken and too large integers are refused as heights and versions", () => {
  refusesEach(({ node }) => {
    if (node.major !== 0) return [];
    return [
      { ...node, major: 1 },
      { major: 0, value: 2 ** 53 },
      { major: 0, value: 2 ** 63 },
      { major: 7, value: 0, width: 2 },
      { major: 7, value: 0, width: 8 },
      NULL,
      text("1"),
    ];
  }, 150);
});

test("hostile sizes in every head are refused without reading or reserving that much", () => {
  const sizes = [24, 255, 65_535, 2 ** 24, 2 ** 32 - 1, 2 ** 40, 2 ** 53 - 2048];
  for (const { name, bytes } of samples.filter((_, at) => at % 4 === 0)) {
    for (const { node, path, replace } of places(parseCbor(bytes))) {
      if (node.major < 2 || node.major > 5) continue;
      for (const value of sizes) {
        if (value <= node.value) continue;
        const changed = writeCbor(replace({ ...node, value }));
        assert.equal(decodes(changed, () => `${name} at [${path}]`), false, name);
      }
    }
  }
});

test("fuzz: the beginning of one entry with the end of another is refused or canonical", () => {
  const cut = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(anyEntry, anyEntry, cut, cut, (a, b, left, right) => {
      const head = a.bytes.subarray(0, Math.floor(left * a.bytes.length));
      decodes(concat(head, b.bytes.subarray(Math.floor(right * b.bytes.length))), () => "spliced");
    }),
    { numRuns: cases(400) },
  );
});

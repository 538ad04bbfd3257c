import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "../helpers/fast_check.ts";
import { ready } from "../../wasm/mod.ts";
import { Entry } from "../../src/entry/entry.ts";
import { concat } from "../../src/util/bytes.ts";
import { EideticaError } from "../../src/util/errors.ts";
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
import { anyEntry, fullEntry, plainEntry, refuses } from "./helpers.ts";
import { cases } from "../helpers/thorough.ts";

before(async () => {
  await ready();
});

/** Entries whose mutations are tried. */
const samples = (): Entry[] => [fullEntry(), plainEntry(), Entry.rootBuilder().build()];

/** Tries every spelling that `respell` gives for every place of every sample; all must be refused. */
function refusesAll(respell: (place: Place, label: string) => Cbor[], least: number): void {
  let tried = 0;
  for (const entry of samples()) {
    for (const place of places(parseCbor(entry.bytes))) {
      const label = `${entry.id} at [${place.path}]`;
      for (const node of respell(place, label)) {
        const bytes = writeCbor(place.replace(node));
        assert.notDeepEqual(bytes, entry.bytes, label);
        refuses(() => Entry.decode(bytes), label);
        tried++;
      }
    }
  }
  assert.ok(tried >= least, `only ${tried} mutations`);
}

/** If bytes are decoded at all they are the canonical ones of what was decoded. */
function refusesOrIsCanonical(bytes: Uint8Array, label: string): boolean {
  let entry: Entry;
  try {
    entry = Entry.decode(bytes);
  } catch (error) {
    assert.ok(error instanceof EideticaError, `${label}: ${error}`);
    return false;
  }
  assert.deepEqual(entry.bytes, bytes, label);
  assert.deepEqual(Entry.fromJSON(entry.stringify()).bytes, bytes, label);
  return true;
}

test("the tree of the tests writes the bytes that it read", () => {
  for (const { bytes } of samples()) assert.deepEqual(writeCbor(parseCbor(bytes)), bytes);
});

test("01#32 keys in another order are refused", () => {
  refusesAll(({ node }) => {
    if (node.major !== 5) return [];
    const items = node.items!;
    return items.flatMap((_, at) =>
      at % 2 === 1 || at + 2 >= items.length ? [] : [
        withItems(node, [
          ...items.slice(0, at),
          ...items.slice(at + 2, at + 4),
          ...items.slice(at, at + 2),
          ...items.slice(at + 4),
        ]),
      ]
    );
  }, 20);
});

test("01#32 a key that stands twice, or is left out when required, is refused", () => {
  const required = new Set(["sig", "tree", "subtrees", "parents", "key", "hint", "path", "tips"]);
  refusesAll(({ node, path }) => {
    if (node.major !== 5) return [];
    const items = node.items!;
    return items.flatMap((item, at) => {
      if (at % 2 === 1) return [];
      const twice = withItems(node, [...items.slice(0, at + 2), ...items.slice(at)]);
      const without = withItems(node, items.filter((_, index) => index !== at && index !== at + 1));
      const isSignature = keyOf(item) === "sig" && path.length > 0;
      return required.has(keyOf(item)!) && !isSignature ? [twice, without] : [twice];
    });
  }, 60);
});

test("01#32 unknown keys are refused in every map", () => {
  refusesAll(({ node }) => {
    if (node.major !== 5) return [];
    const { items } = node;
    return ["", "a", "zz", "zzzzzzzzzzzzzzzzzzzzzzzz"].flatMap((name) => [
      withItems(node, [...items!, text(name), uint(1)]),
      withItems(node, [text(name), uint(1), ...items!]),
    ]);
  }, 100);
});

test("01#32 explicit defaults are refused", () => {
  refusesAll(({ node, path }) => {
    if (node.major !== 5) return [];
    const items = node.items!;
    const keys = items.map(keyOf);
    if (path.length === 0) return [withItems(node, [text("_v"), uint(0), ...items])];
    const isTree = keys.includes("parents") && !keys.includes("name") && !keys.includes("h");
    if (isTree) return [withItems(node, [text("h"), uint(0), ...items])];
    if (keys.includes("is_global")) return [withItems(node, items.with(-1, FALSE))];
    const isHint = items.length === 0 || keys.includes("pubkey");
    return isHint ? [withItems(node, [...items, text("is_global"), FALSE])] : [];
  }, 7);
});

test("01 §3 null for an optional member is refused", () => {
  const optional = new Set(["h", "metadata", "data", "name", "pubkey", "is_global", "sig"]);
  refusesAll(({ node }) => {
    if (node.major !== 5) return [];
    return node.items!.flatMap((_, at, items) =>
      at % 2 === 1 && optional.has(keyOf(items[at - 1])!)
        ? [withItems(node, items.with(at, NULL))]
        : []
    );
  }, 20);
});

test("01#32 heads that are longer than needed are refused everywhere", () => {
  refusesAll(
    ({ node }) =>
      [1, 2, 4, 8].filter((width) => width > leastWidth(node.value) && node.major < 7)
        .map((width) => ({ ...node, width })),
    300,
  );
});

test("01#32 indefinite lengths are refused everywhere", () => {
  refusesAll(
    ({ node }) => node.major >= 2 && node.major <= 5 ? [{ ...node, indefinite: true }] : [],
    60,
  );
});

test("01#32 another type in place of any value is refused", () => {
  const half: Cbor = { major: 7, value: 0x3c00, width: 2 };
  refusesAll(({ node, path }) => {
    // A text may be any other, and an ID may be the empty one.
    const others = [
      uint(5),
      text("x"),
      { major: 2, value: 0 },
      { major: 4, value: 0 },
      FALSE,
      half,
    ];
    others.push({ major: 1, value: 0 }, { major: 7, value: 23 }, { major: 5, value: 0 });
    others.push({ major: 6, value: 42, items: [uint(5)] });
    return path.length === 0 ? others : others.filter((other) => other.major !== node.major);
  }, 400);
});

test("01#32 a byte after the end, a second entry, and nothing at all are refused", () => {
  for (const { bytes } of samples()) {
    for (const more of [Uint8Array.of(0), Uint8Array.of(0xf6), bytes]) {
      refuses(() => Entry.decode(concat(bytes, more)), `${more.length} more bytes`);
    }
  }
  refuses(() => Entry.decode(new Uint8Array(0)), "no bytes");
});

test("00 §B4 lists that are not sorted, or hold something twice, are refused", () => {
  let tried = 0;
  for (const entry of samples()) {
    const root = parseCbor(entry.bytes);
    const lists = places(root).filter(({ path, node }) => {
      if (node.major !== 4 || node.items!.length === 0) return false;
      const key = keyOf(
        path.slice(0, -1).reduce((at, index) => at.items![index]!, root).items![path.at(-1)! - 1],
      );
      return key === "parents" || key === "subtrees";
    });
    for (const { node, replace, path } of lists) {
      const items = node.items!;
      const bad = [
        withItems(node, [...items, items.at(-1)!]),
        withItems(node, [items[0]!, ...items]),
      ];
      if (items.length > 1) bad.push(withItems(node, [...items].reverse()));
      for (const list of bad) refuses(() => Entry.decode(writeCbor(replace(list))), `[${path}]`);
      tried += bad.length;
    }
  }
  assert.ok(tried >= 15, `only ${tried} lists`);
});

test("text that is not UTF-8 is refused", () => {
  const bad = [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]];
  refusesAll(({ node }) => {
    if (node.major !== 3) return [];
    return bad.flatMap((bytes) => [bytes, [...new Uint8Array(30).fill(0x41), ...bytes]])
      .map((bytes) => ({ major: 3, value: bytes.length, bytes: Uint8Array.from(bytes) }));
  }, 300);
});

test("every truncation is refused", () => {
  for (const { bytes } of samples()) {
    for (let length = 0; length < bytes.length; length++) {
      refuses(() => Entry.decode(bytes.subarray(0, length)), `${length} bytes`);
    }
  }
});

test("every flipped bit is refused, or gives another entry whose canonical bytes these are", () => {
  let decoded = 0;
  for (const { bytes, id } of samples()) {
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = bytes.with(bit >> 3, bytes[bit >> 3]! ^ (1 << (bit & 7)));
      if (!refusesOrIsCanonical(flipped, `bit ${bit}`)) continue;
      decoded++;
      assert.ok(!Entry.decode(flipped).id.equals(id), `bit ${bit}`);
    }
  }
  assert.ok(decoded > 100, "payloads may hold any bits");
});

test("hostile sizes are refused at once", () => {
  const tree = parseCbor(fullEntry().bytes);
  const started = performance.now();
  let tried = 0;
  for (const { node, replace } of places(tree)) {
    if (node.major < 2 || node.major > 5) continue;
    for (const value of [1e3, 1e5, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 63]) {
      refuses(() => Entry.decode(writeCbor(replace({ ...node, value }))), `${value}`);
      tried++;
    }
  }
  const each = (performance.now() - started) / tried;
  assert.ok(tried > 200 && each < 10, `${each} ms each`);
});

test("deep nesting is refused without recursion", () => {
  for (const head of [0x81, 0xa1, 0xd8]) {
    refuses(() => Entry.decode(new Uint8Array(1_000_000).fill(head)), `${head}`);
  }
});

test("more than 16 MiB are not read", () => {
  refuses(() => Entry.decode(new Uint8Array(16 * 1024 * 1024 + 1)), "too large");
});

test("fuzz: arbitrary bytes throw nothing but our errors", () => {
  const start = fullEntry().bytes.subarray(0, 30);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(30), (bytes, keep) => {
      refusesOrIsCanonical(bytes, "alone");
      refusesOrIsCanonical(concat(start.subarray(0, keep), bytes), "after a true beginning");
    }),
    { numRuns: cases(1000) },
  );
});

test("fuzz: entries with some bytes replaced, removed or inserted", () => {
  const edit = fc.tuple(fc.nat(), fc.nat(3), fc.uint8Array({ maxLength: 3 }));
  fc.assert(
    fc.property(anyEntry, fc.array(edit, { minLength: 1, maxLength: 3 }), (entry, edits) => {
      let { bytes } = entry;
      for (const [pick, drop, put] of edits) {
        const at = pick % (bytes.length + 1);
        bytes = concat(
          bytes.subarray(0, at),
          put,
          bytes.subarray(Math.min(bytes.length, at + drop)),
        );
      }
      refusesOrIsCanonical(bytes, "edited");
    }),
    { numRuns: cases(2000) },
  );
});

/** Entries, IDs and a tiny DAG-CBOR tree for the tests of the entry layer. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "../helpers/fast_check.ts";
import type { EntryBuilder } from "../../src/entry/builder.ts";
import { Entry } from "../../src/entry/entry.ts";
import { ID } from "../../src/entry/id.ts";
import { type DelegationStep, type KeyHint, SigInfo, SigKey } from "../../src/entry/sig_info.ts";
import { PrivateKey } from "../../src/keys/private_key.ts";
import { encodeBase64 } from "../../src/util/base64.ts";
import { concat, utf8 } from "../../src/util/bytes.ts";
import { EideticaError } from "../../src/util/errors.ts";

/** A golden vector file. */
// deno-lint-ignore no-explicit-any
export function vectors(name: string): any {
  return JSON.parse(readFileSync(new URL(`../vectors/${name}`, import.meta.url), "utf8"));
}

/** Whether an error is one of ours with this code. */
export function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof EideticaError && error.code === code;
}

/** Refusal of bytes or JSON; the label tells which input was taken by mistake. */
export function refuses(action: () => unknown, label: string): void {
  assert.throws(action, (error) => error instanceof EideticaError, label);
}

/** The ID of a short label as opaque bytes, as most tests of the reference make IDs. */
export function rawId(label: string): ID {
  return ID.ofRaw(utf8(label));
}

/** The signing key of the chapter's examples: the bytes 00 01 … 1f. */
export function exampleKey(): PrivateKey {
  return PrivateKey.fromSeed(Uint8Array.from({ length: 32 }, (_, at) => at));
}

/** A builder of an entry that is valid: a root and a parent. */
export function child(): EntryBuilder {
  return Entry.builder(rawId("root")).addParent(rawId("parent"));
}

/** An entry in which every optional member of the format is present. */
export function fullEntry(): Entry {
  const { publicKey } = exampleKey();
  const path = [{ tree: rawId("team"), tips: [rawId("t1"), rawId("t0")] }];
  const hint = { name: "alice", pubkey: publicKey, isGlobal: true };
  return child().addParent(rawId("parent 2")).setHeight(300).setMetadata(utf8("m"))
    .setSubtreeData("data", utf8("{}")).setSubtreeHeight("data", 0)
    .setSubtreeParents("data", [rawId("a"), rawId("b")])
    .setSubtreeData("äö", new Uint8Array(30)).setSubtreeHeight("äö", 70_000)
    .setSig(new SigInfo(SigKey.delegation(path, hint))).build().sign(exampleKey());
}

/** An entry with an ordinary signature. */
export function plainEntry(): Entry {
  const key = exampleKey();
  return child().setHeight(7).setSubtreeData("data", utf8('{"a":1}')).setMetadata(utf8("m"))
    .setSig(new SigInfo(SigKey.fromPubkey(key.publicKey))).build().sign(key);
}

// --- random entries ----------------------------------------------------------------------------

const digest = fc.uint8Array({ minLength: 32, maxLength: 32 });
const word = fc.string({ unit: "binary", maxLength: 12 });

/** A random ID of opaque bytes or of an entry; SHA2-256 at times. */
export const anyId: fc.Arbitrary<ID> = fc.tuple(
  fc.constantFrom([0x55, 0x1e], [0x71, 0x1e], [0x55, 0x12], [0x71, 0x12]),
  digest,
).map(([[codec, hash], bytes]) => ID.fromBytes(concat(Uint8Array.of(1, codec!, hash!, 32), bytes)));

const someIds = fc.array(anyId, { maxLength: 4 });

const hint: fc.Arbitrary<KeyHint> = fc.record({
  name: fc.option(word, { nil: undefined }),
  pubkey: fc.option(fc.constantFrom(1, 2, 3), { nil: undefined })
    .map((n) => n && PrivateKey.fromSeed(new Uint8Array(32).fill(n)).publicKey)
    .map((key) => key || undefined),
  isGlobal: fc.constantFrom(true, undefined),
});

const step: fc.Arbitrary<DelegationStep> = fc.record({ tree: anyId, tips: someIds });

const sigInfo: fc.Arbitrary<SigInfo> = fc.tuple(
  fc.oneof(
    hint.map((h) => SigKey.direct(h)),
    fc.tuple(fc.array(step, { maxLength: 3 }), hint).map(([path, h]) => SigKey.delegation(path, h)),
  ),
  fc.option(fc.uint8Array({ maxLength: 64 }).map(encodeBase64), { nil: undefined }),
).map(([key, sig]) => new SigInfo(key, sig));

const height = fc.oneof(fc.nat(300), fc.maxSafeNat());
const payload = fc.option(fc.uint8Array({ maxLength: 40 }), { nil: undefined });

interface RandomNode {
  readonly name: string;
  readonly parents: readonly ID[];
  readonly data: Uint8Array | undefined;
  readonly height: number | undefined;
}

const node: fc.Arbitrary<RandomNode> = fc.record({
  name: word.filter((name) => name !== ""),
  parents: someIds,
  data: payload,
  height: fc.option(height, { nil: undefined }),
});

function fill(builder: EntryBuilder, { name, parents, data, height }: RandomNode): void {
  builder.setSubtreeParents(name, parents).setSubtreeHeight(name, height);
  if (data !== undefined) builder.setSubtreeData(name, data);
}

/** A random valid entry. */
export const anyEntry: fc.Arbitrary<Entry> = fc.tuple(
  anyId,
  fc.array(anyId, { minLength: 1, maxLength: 4 }),
  payload,
  height,
  fc.array(node, { maxLength: 4 }),
  sigInfo,
).map(([root, parents, metadata, h, nodes, sig]) => {
  const builder = Entry.builder(root).setParents(parents).setHeight(h).setSig(sig);
  if (metadata !== undefined) builder.setMetadata(metadata);
  for (const each of nodes) fill(builder, each);
  return builder.build();
});

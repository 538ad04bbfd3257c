import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { core, type VerifyItem } from "../../wasm/mod.ts";
import { Entry, PrivateKey, ready, SigInfo, SigKey } from "../../mod.ts";
import {
  CheckedSignatures,
  MIN_AHEAD,
  type VerifyBatch,
} from "../../src/database/checked_signatures.ts";
import { encodeEntry } from "../../src/entry/entry_encoder.ts";

const COUNT = MIN_AHEAD + 40;

/** Signed entries, of which some have the signature of another, and one has none. */
function makeEntries(key: PrivateKey): Entry[] {
  const all = Array.from({ length: COUNT }, () => {
    const sig = new SigInfo(SigKey.fromPubkey(key.publicKey));
    const { model } = Entry.rootBuilder().build();
    return Entry.decode(encodeEntry({ ...model, sig }).bytes);
  });
  return all.map((entry, at) => {
    if (at === 5) return entry;
    const signed = entry.sign(key);
    if (at % 7 !== 3) return signed;
    const sig = new SigInfo(entry.sig.key, all[at - 1]!.sign(key).sig.sig);
    return Entry.decode(encodeEntry({ ...entry.model, sig }).bytes);
  });
}

/** Verifies, and counts how much. */
class Counted {
  items = 0;
  fails = false;
  readonly verify: VerifyBatch = (items: readonly VerifyItem[]) => {
    this.items += items.length;
    if (this.fails) return Promise.reject(new Error("cannot verify, for this test"));
    return core().ed25519.verifyBatch(items);
  };
}

describe("signatures that are checked ahead", () => {
  let [key, other]: PrivateKey[] = [];
  let entries: Entry[] = [];

  before(async () => {
    await ready();
    [key, other] = [1, 2].map((n) => PrivateKey.fromSeed(new Uint8Array(32).fill(n)));
    entries = makeEntries(key!);
  });

  const assertVerdicts = (signatures: CheckedSignatures, some = entries) => {
    const valid = some.map((entry) => signatures.isSignedBy(entry, key!.publicKey));
    assert.deepEqual(valid, some.map((entry) => entry.verifySignature(key!.publicKey)));
    assert.ok(valid.includes(true) && valid.includes(false));
    // Under a key that the entry does not name nothing was checked.
    assert.equal(signatures.isSignedBy(some[0]!, other!.publicKey), false);
  };

  it("have the verdicts of checking one by one, with a key or without, right or wrong", async () => {
    assertVerdicts(await CheckedSignatures.of(entries));
    assertVerdicts(CheckedSignatures.NONE);
    assertVerdicts(await CheckedSignatures.of(entries.slice(0, 20)), entries.slice(0, 20));
  });

  it("are checked once where that has begun before, however the entries are parted then", async () => {
    const { verify } = new Counted();
    const counted = new Counted();
    const again = entries.map(({ bytes }) => Entry.decode(bytes));
    CheckedSignatures.begin(again, counted.verify);
    for (const [start, end] of [[0, 30], [30, COUNT], [0, COUNT]]) {
      const part = again.slice(start, end);
      assertVerdicts(await CheckedSignatures.of(part, counted.verify), part);
    }
    // Those that nobody has begun with come to them.
    const all = [...again, ...entries];
    assertVerdicts(await CheckedSignatures.of(all, verify), all);
    assert.equal(counted.items, COUNT - 1);
  });

  it("fail where they are waited for, and are checked again after that", async () => {
    const counted = new Counted();
    counted.fails = true;
    const again = entries.map(({ bytes }) => Entry.decode(bytes));
    CheckedSignatures.begin(again, counted.verify);
    await assert.rejects(CheckedSignatures.of(again, counted.verify), /cannot verify/);
    counted.fails = false;
    assertVerdicts(await CheckedSignatures.of(again, counted.verify));
    assert.equal(counted.items, 2 * (COUNT - 1));
  });
});

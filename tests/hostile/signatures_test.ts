/** What signatures and keys can be (00 §B3, 02 §2.3, docs/security.md). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AuthKey,
  Database,
  EideticaError,
  type Entry,
  Permission,
  PublicKey,
  SigKey,
} from "../../mod.ts";
import { decodeBase64, encodeBase64 } from "../../src/util/base64.ts";
import { fromHex } from "../../src/util/hex.ts";
import { createChallengeResponse } from "../../src/keys/challenge.ts";
import { hasCode } from "../database/bed.ts";
import { granting } from "./craft.ts";
import { expectAll, expectUnharmed, inWorld, onTip, send, statusOf } from "./world.ts";

/** The order of the group, little endian. */
const ORDER = fromHex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");

/** Encodings of small order, or not canonical. */
const WEAK: readonly string[] = [
  "0100000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000080",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "0000000000000000000000000000000000000000000000000000000000000000",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
];

/** R of small order and S = 0: with a key of small order that is a signature of anything. */
const FREE = encodeBase64(fromHex(WEAK[0]! + "00".repeat(32)));

function bytesOf(entry: Entry): Uint8Array {
  return decodeBase64(entry.sig.sig!);
}

/** The other half of a signature plus the order: the same point, another text. */
function malleable(entry: Entry): string {
  const bytes = bytesOf(entry).slice();
  for (let at = 0, carry = 0; at < 32; at++) {
    const sum = bytes[32 + at]! + ORDER[at]! + carry;
    bytes[32 + at] = sum & 255;
    carry = sum >> 8;
  }
  return encodeBase64(bytes);
}

/** The same 64 bytes under another text: the unused bits at the end are set. */
function otherText(text: string): string {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const at = text.length - 3;
  return text.slice(0, at) + letters[letters.indexOf(text[at]!) + 1] + text.slice(at + 1);
}

describe("signatures that are none", () => {
  it("02 §2.3 of one honest entry there is one signature: no other text of it is valid", () =>
    inWorld(async (world) => {
      const entry = onTip(world, { stores: { t: { data: '{"children":{}}' } } });
      const text = entry.sig.sig!;
      const as = (sig: string) => onTip(world, { stores: { t: { data: '{"children":{}}' } }, sig });
      await expectAll(world, "Failed", {
        "S + L": as(malleable(entry)),
        "unused bits": as(otherText(text)),
        "no padding": as(text.replaceAll("=", "")),
        "URL letters": as(
          text.replaceAll("/", "_").replaceAll("+", "-") + (/[+/]/.test(text) ? "" : "_"),
        ),
        "white space": as(`${text}\n`),
        "63 bytes": as(encodeBase64(bytesOf(entry).subarray(1))),
        "65 bytes": as(encodeBase64(Uint8Array.of(...bytesOf(entry), 0))),
        empty: as(""),
        "no base64": as("not a signature"),
        zeros: as(encodeBase64(new Uint8Array(64))),
        free: as(FREE),
      });
      await send(world, entry);
      assert.equal(await statusOf(world, entry.id), "Verified");
    }));

  it("02#6 a signature does not move to another entry, identity, or store", () =>
    inWorld(async (world) => {
      const { last, people } = world;
      const sig = last.sig.sig!;
      const delegated = SigKey.delegation([{ tree: world.root.id, tips: [world.root.id] }], {
        pubkey: people.writer.publicKey,
      });
      const own = onTip(world).sig.sig!;
      await expectAll(world, "Failed", {
        "of another entry": onTip(world, { sig }),
        "under a name": onTip(world, { sig: own, identity: SigKey.fromName("writer") }),
        "as everybody": onTip(world, {
          sig: own,
          identity: SigKey.global(people.writer.publicKey),
        }),
        "through a delegation": onTip(world, { sig: own, identity: delegated }),
        "for other data": onTip(world, { sig: own, stores: { s: { data: "{}" } } }),
        "without an identity": onTip(world, { sig: own, identity: SigKey.NONE }),
      });
    }));

  it("02 §6.3 an identity without a signature is not an unsigned entry", () =>
    inWorld((world) =>
      expectAll(world, "Failed", {
        pubkey: onTip(world, {
          key: undefined,
          identity: SigKey.fromPubkey(world.people.writer.publicKey),
        }),
        name: onTip(world, { key: undefined, identity: SigKey.fromName("writer") }),
        delegation: onTip(world, {
          key: undefined,
          identity: SigKey.delegation([], { name: "writer" }),
        }),
      })
    ));
});

describe("weak keys", () => {
  it("00 §B3 of small order or not canonical sign nothing as long as nobody lists them", () =>
    inWorld(async (world) => {
      const forged: Record<string, Entry> = {};
      for (const hex of WEAK) {
        const identity = SigKey.fromPubkey(PublicKey.fromBytes(fromHex(hex)));
        forged[hex] = onTip(world, { identity, sig: FREE });
      }
      await expectAll(world, "Failed", forged);
    }));

  it("00 §B3, 02 #13 are not added to any settings by us", () =>
    inWorld(async (world) => {
      const db = (await Database.open(world.node, world.root.id)).withKey(world.people.owner);
      for (const hex of WEAK) {
        const weak = PublicKey.fromBytes(fromHex(hex));
        const tx = await db.newTransaction();
        const add = tx.getSettings().setAuthKey(weak, AuthKey.active("weak", Permission.write(1)));
        await assert.rejects(add, EideticaError, hex);
      }
      await expectUnharmed(world);
    }));

  it("00 §B3 that an owner lists elsewhere are judged by the one rule: an open door of the owner's", () =>
    inWorld(async (world) => {
      const { owner } = world.people;
      const weak = PublicKey.fromBytes(fromHex(WEAK[0]!));
      const data = granting({ [weak.toString()]: Permission.write(1) });
      const listed = onTip(world, {
        key: owner,
        stores: { _settings: { data, parents: [world.revoked.id] } },
      });
      const base = { parents: [listed], pin: [listed.id], sig: FREE };
      const quiet = { t: { data: '{"children":{}}' } };
      const anybody = onTip(world, { ...base, identity: SigKey.fromPubkey(weak), stores: quiet });
      const settings = onTip(world, {
        ...base,
        identity: SigKey.fromPubkey(weak),
        stores: { _settings: { data: '{"children":{}}', parents: [listed.id] } },
      });
      await send(world, listed, anybody, settings);
      const found = await Promise.all(
        [listed, anybody, settings].map(({ id }) => statusOf(world, id)),
      );
      assert.deepEqual(found, ["Verified", "Verified", "Failed"]);
      const db = (await Database.open(world.node, world.root.id)).withKey(owner);
      await db.withTransaction((tx) => tx.getSettings().revokeAuthKey(weak));
      const after = (await db.getTipEntries())[0]!;
      const late = onTip(world, {
        parents: [after],
        pin: [after.id],
        sig: FREE,
        identity: SigKey.fromPubkey(weak),
      });
      await send(world, late);
      assert.equal(await statusOf(world, late.id), "Failed");
      await expectUnharmed(world);
    }));

  it("02 §8 keys that are no keys are passed over, and open nothing", () =>
    inWorld(async (world) => {
      const { owner, stranger } = world.people;
      const data = granting({
        "not a key": Permission.admin(0),
        "ed25519:AAAA": Permission.admin(0),
        "*": Permission.admin(0),
      }, "odd");
      const listed = onTip(world, {
        key: owner,
        stores: { _settings: { data, parents: [world.revoked.id] } },
      });
      await send(world, listed);
      assert.equal(await statusOf(world, listed.id), "Verified");
      const at = { parents: [listed], pin: [listed.id], key: stranger };
      await expectAll({ ...world, honest: [...world.honest, listed] }, "Failed", {
        "by its name": onTip(world, { ...at, identity: SigKey.fromName("odd") }),
        "by its key": onTip(world, { ...at }),
        "as everybody": onTip(world, { ...at, identity: SigKey.global(stranger.publicKey) }),
      });
    }));
});

describe("a handshake", () => {
  it("02#47 is no oracle: the bytes of an entry are not signed as a challenge", () =>
    inWorld((world) => {
      const { signingBytes } = onTip(world);
      const sign = () => createChallengeResponse(signingBytes, world.people.writer);
      assert.throws(sign, hasCode("InvalidChallenge"));
      return Promise.resolve();
    }));
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Database, DatabaseKey, Doc, ID, PrivateKey } from "../../mod.ts";
import { fromHex } from "../../src/util/hex.ts";
import { decodeHex, ingest, shuffled, vector, withInstance } from "./replay.ts";
import { STORAGES } from "../helpers/storages.ts";

interface AuthHistory {
  readonly root: string;
  readonly entries: readonly {
    readonly id: string;
    readonly cbor: string;
    readonly status_at_a_fresh_peer: string;
  }[];
  readonly forged: readonly {
    readonly name: string;
    readonly id: string;
    readonly cbor: string;
    readonly ours: string;
  }[];
  readonly keys: readonly {
    readonly name: string;
    readonly seed: string;
    readonly public_key: string;
  }[];
  readonly permissions_at_end: readonly {
    readonly key: string;
    readonly current_permission: string;
    readonly sigkeys: readonly (readonly [unknown, string])[];
  }[];
  readonly settings_at_end: unknown;
}

const history = vector<AuthHistory>("auth-history.json");
const root = ID.parse(history.root);

for (const storage of STORAGES) {
  describe(`recorded access rules, on ${storage}`, () => {
    it("02#27,#45 honest and forged entries get their verdicts in any order of arrival", async () => {
      for (let seed = 0; seed < 12; seed++) {
        await withInstance(storage, async (instance) => {
          const all = [...history.entries, ...history.forged].map(({ cbor }) => decodeHex(cbor));
          await ingest(instance, root, seed === 0 ? all : shuffled(all, seed), 1 + seed * 3);
          for (const { id, status_at_a_fresh_peer: wanted } of history.entries) {
            assert.equal(
              await instance.backend.getVerificationStatus(ID.parse(id)),
              wanted,
              `${id}, seed ${seed}`,
            );
          }
          for (const { id, name, ours } of history.forged) {
            assert.equal(
              await instance.backend.getVerificationStatus(ID.parse(id)),
              ours,
              `${name}, seed ${seed}`,
            );
          }
          const again = await (await Database.open(instance, root)).verify();
          assert.deepEqual(
            [again.verified, again.failed],
            [0, 0],
            "06#44 a settled database stays settled",
          );
        });
      }
    });

    it("02#40,#41 permissions and identities are those recorded", async () => {
      await withInstance(storage, async (instance) => {
        await ingest(instance, root, history.entries.map(({ cbor }) => decodeHex(cbor)), 100);
        const database = await Database.open(instance, root);
        for (const wanted of history.permissions_at_end) {
          const { seed, public_key: text } = history.keys.find(({ name }) => name === wanted.key)!;
          const key = PrivateKey.fromSeed(fromHex(seed));
          assert.equal(`${key.publicKey}`, text);
          const permission = await database.withKey(new DatabaseKey(key)).currentPermission();
          assert.equal(permission.display(), wanted.current_permission, wanted.key);
          const found = await Database.findSigkeys(instance, root, key.publicKey);
          assert.deepEqual(
            found.map(([sigKey, grant]) => [sigKey.toJSON(), grant.display()]),
            wanted.sigkeys,
            wanted.key,
          );
        }
        const settings = await (await database.getSettings()).getAll();
        assert.ok(settings.equals(Doc.parse(JSON.stringify(history.settings_at_end))));
      });
    });
  });
}

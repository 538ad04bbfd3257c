import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { type Database, Doc, DocStore, Instance, NewUser, PrivateKey, Table } from "../../mod.ts";
import { fromHex } from "../../src/util/hex.ts";

interface Recorded {
  readonly file: string;
  readonly database: string;
  readonly database_name: string;
  readonly default_key: string;
  readonly device_id: string;
  readonly pages: unknown;
  readonly password: string | null;
  readonly "row-1": unknown;
  readonly second_user: string;
  readonly second_password: string;
  readonly signing_seed: string;
  readonly tips: readonly string[];
  readonly user: string;
}

const vectors = fileURLToPath(new URL("../vectors/", import.meta.url));
const { cases } = JSON.parse(readFileSync(join(vectors, "snapshots.json"), "utf8")) as {
  cases: Recorded[];
};

async function withCopy(recorded: Recorded, test: (path: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "eidetica-snapshot-"));
  try {
    const path = join(folder, "snapshot.json");
    copyFileSync(join(vectors, recorded.file), path);
    await test(path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function openRecorded(
  path: string,
  recorded: Recorded,
): Promise<{ instance: Instance; database: Database }> {
  const instance = await Instance.connect(`memory://${path}`);
  const user = await instance.loginUser(recorded.user, recorded.password ?? undefined);
  const [database] = await user.findDatabase(recorded.database_name);
  return { instance, database: database! };
}

for (const recorded of cases) {
  describe(`the reference's snapshot ${recorded.file}`, () => {
    it("07#5,#19 opens, logs both users in, and holds what was recorded", () =>
      withCopy(recorded, async (path) => {
        const { instance, database } = await openRecorded(path, recorded);
        assert.equal(`${instance.id}`, recorded.device_id);
        assert.equal(`${database.rootId}`, recorded.database);
        assert.deepEqual((await database.snapshot()).toJSON(), recorded.tips);
        const pages = await (await database.getStoreViewer(DocStore, "pages")).getAll();
        assert.ok(pages.equals(Doc.parse(JSON.stringify(recorded.pages))));
        const user = await instance.loginUser(recorded.user, recorded.password ?? undefined);
        assert.equal(`${user.defaultKey()}`, recorded.default_key);
        const seed = PrivateKey.fromSeed(fromHex(recorded.signing_seed));
        assert.equal(user.signingKey(user.defaultKey()).reveal(), seed.reveal());
        const second = await instance.loginUser(recorded.second_user, recorded.second_password);
        assert.equal(second.username, recorded.second_user);
        assert.equal(await user.isAdmin(), true);
        assert.equal(await second.isAdmin(), false);
        await instance.close();
      }));

    it("06#46 every entry of it is Verified by our own rules at a fresh peer", () =>
      withCopy(recorded, async (path) => {
        const { instance } = await openRecorded(path, recorded);
        const peer = await Instance.connectOrCreate("memory://", NewUser.passwordless("peer"));
        for (const root of await instance.backend.allRoots()) {
          const entries = await instance.backend.getTree(root);
          const report = await peer.instance.putRemoteEntries(root, [...entries].reverse());
          assert.deepEqual([report.verified, report.failed, report.unverified], [
            entries.length,
            0,
            0,
          ], `${root}`);
        }
        await instance.close();
        await peer.instance.close();
      }));

    it("05#35,#38,#40 is extended, written, and read again", () =>
      withCopy(recorded, async (path) => {
        const { instance, database } = await openRecorded(path, recorded);
        const table = "ours";
        await database.withTransaction(async (transaction) => {
          await (await transaction.getStore(DocStore, "pages")).set("hello from", "here");
          await (await transaction.getStore(Table, table)).set("1", { a: 1 });
        });
        await instance.close();
        const file = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
        assert.deepEqual(Object.keys(file), [
          "entries",
          "verification_status",
          "instance_metadata",
          "instance_secrets",
          "tips",
        ]);
        assert.equal(statSync(path).mode & 0o777, 0o600);
        const again = await openRecorded(path, recorded);
        const pages = await again.database.getStoreViewer(DocStore, "pages");
        assert.equal(await pages.getString("hello from"), "here");
        assert.deepEqual(await (await again.database.getStoreViewer(Table, table)).get("1"), {
          a: 1,
        });
        await again.instance.close();
      }));
  });
}

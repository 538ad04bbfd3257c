import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  type Database,
  Doc,
  DocStore,
  Instance,
  NewUser,
  PasswordStore,
  Snapshot,
  StoreError,
  systemRandom,
} from "../../mod.ts";
import { decodeBase64 } from "../../src/util/base64.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { fromHex, toHex } from "../../src/util/hex.ts";
import { hasCode, withDb } from "../database/bed.ts";
import { writeSecret } from "../helpers/password_bed.ts";

const NAME = "secrets";
/** The known answers of 04 §9.5. */
const KNOWN = {
  password: "my_password",
  salt: "AAECAwQFBgcICQoLDA0ODw",
  saltBytes: "000102030405060708090a0b0c0d0e0f",
  nonce: "101112131415161718191a1b",
  nonceText: "EBESExQVFhcYGRob",
  ciphertext:
    "KNbJMfl75kCvp//57EOsFStvHX89ydn+FiXQO1HtMlWs19wSflM3CZ4nTKPT9No1Yzg6QauELaOGR5+Sfowh",
  payload: "202122232425262728292a2b" +
    "1ced23a9112685bfa3c03d090c6db554a059d4c43771347539f83479d096269a8da29121586412b47d1f8568698ef5",
};

const configOf = async (db: Database, name = NAME) =>
  (await (await db.newTransaction()).getIndex().getEntry(name)).config;
const payloadOf = async (db: Database, name = NAME) => {
  const [entry] = await db.getTipEntries();
  return entry!.data(name);
};

/** A configuration with the known values, changed as a test wants it. */
function knownConfig(encryption: object = {}, wrapped: object = {}): Doc {
  return Doc.atomic({
    encryption: {
      algorithm: "aes-256-gcm",
      kdf: "argon2id",
      salt: KNOWN.salt,
      version: "v0",
      ...encryption,
    },
    wrapped_config: { ciphertext: KNOWN.ciphertext, nonce: KNOWN.nonceText, ...wrapped },
  });
}

/** Commits a store with this configuration and payload, as another node could have written it. */
async function forge(db: Database, config: Doc, payload?: Uint8Array): Promise<void> {
  const tx = await db.newTransaction();
  await tx.getIndex().setEntry(NAME, "encrypted:password:v0", config);
  if (payload !== undefined) tx.stageRaw(NAME, payload);
  await tx.commit();
}

describe("what a PasswordStore writes", () => {
  it("04#44 the configuration", () =>
    withDb(async ({ db }) => {
      await writeSecret(db, NAME, "pw", { k: "v" });
      const config = await configOf(db);
      assert.equal(config.isAtomic(), true);
      assert.deepEqual([...config.keys()], ["encryption", "wrapped_config"]);
      const { salt, ...rest } = config.getDoc("encryption")!.toObject();
      assert.match(salt as string, /^[A-Za-z0-9+/]{22}$/);
      assert.deepEqual(rest, {
        algorithm: "aes-256-gcm",
        kdf: "argon2id",
        version: "v0",
        argon2_m_cost: 19456,
        argon2_t_cost: 2,
        argon2_p_cost: 1,
      });
      const wrapped = config.getDoc("wrapped_config")!;
      assert.deepEqual([...wrapped.keys()], ["ciphertext", "nonce"]);
      assert.equal(decodeBase64(wrapped.getString("nonce")!).length, 12);
      assert.equal(decodeBase64(wrapped.getString("ciphertext")!).length, 47 + 16);
      assert.equal(config.getDoc("encryption")!.isAtomic(), false);
    }));

  it("04#45 salt and nonces of the known answers give its bytes", () => {
    const next = [KNOWN.saltBytes, KNOWN.nonce, KNOWN.payload.slice(0, 24)].map(fromHex);
    let isScripted = false;
    const random = {
      bytes: (length: number) => isScripted ? next.shift()! : systemRandom.bytes(length),
    };
    return withDb(async ({ db }) => {
      isScripted = true;
      await writeSecret(db, NAME, KNOWN.password, { k: "v" });
      isScripted = false;
      assert.equal(next.length, 0);
      const config = await configOf(db);
      assert.equal(config.get("encryption.salt"), KNOWN.salt);
      assert.equal(config.get("wrapped_config.nonce"), KNOWN.nonceText);
      assert.equal(config.get("wrapped_config.ciphertext"), KNOWN.ciphertext);
      assert.equal(toHex(await payloadOf(db)), KNOWN.payload);
    }, { random });
  });

  it("04#45 a configuration without costs uses the usual ones", () =>
    withDb(async ({ db }) => {
      for (const costs of [{}, { argon2_m_cost: "many", argon2_t_cost: 2 }]) {
        await forge(db, knownConfig(costs), fromHex(KNOWN.payload));
        const store = await db.getStoreViewer(PasswordStore, NAME);
        await store.open(KNOWN.password);
        assert.equal(await (await store.inner()).getString("k"), "v");
      }
      await forge(db, knownConfig({ argon2_t_cost: 3 }));
      const dearer = await db.getStoreViewer(PasswordStore, NAME);
      await assert.rejects(dearer.open(KNOWN.password), hasCode("InvalidPassword"));
    }));

  it("04#46 neither keys nor values; nonces differ", () =>
    withDb(async ({ db }) => {
      const payloads: Uint8Array[] = [];
      for (const name of ["one", "two"]) {
        await writeSecret(db, name, "pw", { codename: "nightingale" });
        payloads.push(await payloadOf(db, name));
      }
      const plaintext = Doc.from({ codename: "nightingale" }).toBytes();
      for (const payload of payloads) {
        assert.equal(payload.length, plaintext.length + 28);
        const text = new TextDecoder("latin1").decode(payload);
        assert.doesNotMatch(text, /codename|nightingale|children/);
      }
      assert.notDeepEqual(payloads[0]!.subarray(0, 12), payloads[1]!.subarray(0, 12));
      assert.notDeepEqual(payloads[0]!.subarray(12), payloads[1]!.subarray(12));
    }));

  const places: readonly [name: string, url: (folder: string) => string, skip: string | false][] = [
    ["SQLite", (folder) => `sqlite://${join(folder, "app.db")}`, false],
    ["files", (folder) => `file://${join(folder, "app")}`, false],
    [
      "Deno KV",
      (folder) => `denokv:${join(folder, "app.kv")}`,
      "Deno" in globalThis ? false : "Deno KV is there on Deno alone",
    ],
  ];
  for (const [name, url, skip] of places) {
    it(
      `04#46,#47 the files of ${name} hold no plaintext, while open and after`,
      { skip },
      async () => {
        const folder = await mkdtemp(join(tmpdir(), "eidetica-password-"));
        try {
          await checkAtRest(url(folder), folder);
        } finally {
          await rm(folder, { recursive: true });
        }
      },
    );
  }
});

async function checkAtRest(url: string, folder: string): Promise<void> {
  const { instance, user } = await Instance.connectOrCreate(url, NewUser.passwordless("ada"));
  const db = await user!.createDatabase({ name: "diary" });
  await writeSecret(db, NAME, "pa55-phrase", { codename: "nightingale" });
  await db.withTransaction(async (tx) => {
    await (await tx.getStore(DocStore, "open")).set("visible", "sparrow");
  });
  const store = await db.getStoreViewer(PasswordStore, NAME);
  await store.open("pa55-phrase");
  assert.equal(await (await store.inner()).getString("codename"), "nightingale");
  await checkFiles(folder);
  await instance.close();
  await checkFiles(folder);
}

async function checkFiles(folder: string): Promise<void> {
  const items = await readdir(folder, { withFileTypes: true, recursive: true });
  const files = items.filter((item) => item.isFile()).map((item) =>
    join(item.parentPath, item.name)
  );
  const found = await Promise.all(files.map((file) => readFile(file)));
  const holds = (text: string): boolean => found.some((bytes) => bytes.includes(text));
  assert.ok(holds("sparrow") && holds("visible"), "the search finds plain data");
  for (const text of ["codename", "nightingale", "pa55-phrase", 'docstore:v0","config']) {
    assert.equal(holds(text), false, text);
  }
}

describe("what a PasswordStore refuses", () => {
  const wrong = [
    [
      "a salt with foreign characters",
      { salt: "AAECAwQFBgcICQoLDA0OD!" },
      {},
      "ImplementationError",
    ],
    ["a short salt", { salt: "AAECAwQ" }, {}, "ImplementationError"],
    ["another salt", { salt: "BAECAwQFBgcICQoLDA0ODw" }, {}, "InvalidPassword"],
    ["no passes", { argon2_t_cost: 0 }, {}, "ImplementationError"],
    ["no lanes", { argon2_p_cost: 0 }, {}, "ImplementationError"],
    ["little memory", { argon2_m_cost: 7 }, {}, "ImplementationError"],
    ["4 TiB of memory", { argon2_m_cost: 2 ** 32 - 1 }, {}, "InvalidConfiguration"],
    ["endless passes", { argon2_t_cost: 2 ** 32 - 1 }, {}, "InvalidConfiguration"],
    ["many lanes", { argon2_p_cost: 17 }, {}, "InvalidConfiguration"],
    ["a nonce of 3 bytes", {}, { nonce: "AAAA" }, "InvalidConfiguration"],
    ["a cut ciphertext", {}, { ciphertext: "KNbJMfl7" }, "ImplementationError"],
    ["no ciphertext", {}, { ciphertext: "" }, "ImplementationError"],
    [
      "a changed ciphertext",
      {},
      { ciphertext: `L${KNOWN.ciphertext.slice(1)}` },
      "InvalidPassword",
    ],
  ] as const;
  it("04#48 damaged secrets fail when the store is opened, dear ones before anything is derived", () =>
    withDb(async ({ db }) => {
      for (const [what, encryption, wrapped, code] of wrong) {
        await forge(db, knownConfig(encryption, wrapped));
        const store = await db.getStoreViewer(PasswordStore, NAME);
        await assert.rejects(store.open(KNOWN.password), (error) => {
          assert.ok(error instanceof StoreError, what);
          assert.equal(error.code, code, what);
          return true;
        });
        assert.equal(store.isOpen, false);
      }
    }));

  const malformed = [
    [{ algorithm: "aes-128-gcm" }, {}, "InvalidConfiguration"],
    [{ kdf: "scrypt" }, {}, "InvalidConfiguration"],
    [{ algorithm: undefined }, {}, "DeserializationFailed"],
    [{ salt: undefined }, {}, "DeserializationFailed"],
    [{ version: undefined }, {}, "DeserializationFailed"],
    [{ salt: 7 }, {}, "DeserializationFailed"],
    [{ argon2_m_cost: -1 }, {}, "DeserializationFailed"],
    [{ argon2_p_cost: 2 ** 32 }, {}, "DeserializationFailed"],
    [{}, { nonce: undefined }, "DeserializationFailed"],
    [{}, { nonce: "EBESExQVFhcYGR" }, "DeserializationFailed"],
    [{}, { ciphertext: "KNbJMfl7?" }, "DeserializationFailed"],
    [{}, { ciphertext: "KNbJMfl71==" }, "DeserializationFailed"],
  ] as const;
  it("04#48 a malformed or foreign configuration fails when the store is fetched", () =>
    withDb(async ({ db }) => {
      for (const [encryption, wrapped, code] of malformed) {
        const config = knownConfig();
        for (
          const [part, changes] of [["encryption", encryption], [
            "wrapped_config",
            wrapped,
          ]] as const
        ) {
          for (const [key, value] of Object.entries(changes)) {
            if (value === undefined) config.remove([part, key]);
            else config.set([part, key], value);
          }
        }
        await forge(db, config);
        const what = JSON.stringify([encryption, wrapped]);
        const fails = (error: unknown) => hasCode(code)(error) && error instanceof StoreError;
        await assert.rejects(
          (await db.newTransaction()).getStore(PasswordStore, NAME),
          fails,
          what,
        );
        await assert.rejects(db.getStoreViewer(PasswordStore, NAME), fails, what);
      }
      await forge(db, knownConfig({ version: "v7" }), fromHex(KNOWN.payload));
      const other = await db.getStoreViewer(PasswordStore, NAME);
      await other.open(KNOWN.password); // 04 §9.1: the version is not checked
      assert.equal(await (await other.inner()).getString("k"), "v");
    }));

  it("04 §9.5 payloads that are too short or changed fail when they are read", () =>
    withDb(async ({ db }) => {
      const changed = fromHex(KNOWN.payload);
      changed[20]! ^= 1;
      const payloads = [
        [new Uint8Array(11), "DeserializationFailed"],
        [new Uint8Array(12), "ImplementationError"],
        [new Uint8Array(27), "ImplementationError"],
        [changed, "ImplementationError"],
        [utf8('{"children":{"k":{"Text":"plain"}}}'), "ImplementationError"],
      ] as const;
      const from = await db.snapshot();
      for (const [payload, code] of payloads) {
        const tx = await db.newTransaction({ at: from });
        await tx.getIndex().setEntry(NAME, "encrypted:password:v0", knownConfig());
        tx.stageRaw(NAME, payload);
        const at = Snapshot.of([await tx.commit()]);
        const store = await db.getStoreViewer(PasswordStore, NAME, { at });
        await store.open(KNOWN.password);
        const inner = await store.inner();
        await assert.rejects(inner.getAll(), hasCode(code), `${payload.length} bytes`);
        await assert.rejects(inner.getAll(), hasCode(code), "a failure is not taken for a state");
      }
    }));
});

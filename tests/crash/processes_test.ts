import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Database, DocStore, Instance, NewUser } from "../../mod.ts";
import { forgetLogs } from "../helpers/old_heads.ts";
import { SHARED_STORAGES, urlOf, whyNot, withStorage } from "../helpers/shared.ts";
import { checkTrees } from "../helpers/store_check.ts";
import { cases, timeLimit } from "../helpers/thorough.ts";
import { runProcess } from "../instance/places.ts";

const PROCESSES = 4;
const EACH = cases(50);
const ALL = PROCESSES * EACH;
/** Entries that are there before, without an arrival log. */
const OLDER = 100;

/** A database as a version without arrival logs has left it. */
async function makeOld(url: string): Promise<void> {
  const { instance, user } = await Instance.connectOrCreate(url, NewUser.passwordless("ada"));
  const db = await user!.createDatabase({ name: "shared" });
  for (let at = 0; at < OLDER; at++) {
    await db.withTransaction(async (tx) => (await tx.getStore(DocStore, "s")).set(`old ${at}`, at));
  }
  await instance.close();
  await withStorage(url, forgetLogs);
}

async function commitTogether(url: string): Promise<void> {
  await makeOld(url);
  const instance = await Instance.connect(url);
  const [db] = await (await instance.loginUser("ada")).findDatabase("shared");
  const old = new Set((await db!.getAllEntries()).map(({ id }) => `${id}`));
  assert.equal(old.size, OLDER + 1);
  await writeTogether(url, instance, db!, old);
  await instance.close();
}

async function writeTogether(
  url: string,
  instance: Instance,
  db: Database,
  old: ReadonlySet<string>,
): Promise<void> {
  const start = JSON.stringify(await db.snapshot());
  const outputs = await Promise.all(
    Array.from(
      { length: PROCESSES },
      (_, number) =>
        runProcess(
          "../crash/together_main.ts",
          url,
          `p${number}`,
          String(EACH),
          String(ALL),
          start,
        ),
    ),
  );
  await checkTrees(instance);
  const all = (await db.getAllEntries()).map(({ id }) => `${id}`);
  const ids = all.filter((id) => !old.has(id)).sort();
  assert.equal(ids.length, ALL);
  for (const output of outputs) {
    assert.deepEqual((JSON.parse(output) as string[]).sort(), ids, "each was told exactly once");
  }
  const keys = (await (await db.getStoreViewer(DocStore, "s")).getAll()).len();
  assert.equal(keys, OLDER + ALL);
}

describe(`${PROCESSES} processes that commit ${EACH} entries each`, () => {
  for (const kind of SHARED_STORAGES) {
    it(
      `05#46, 00 §C2 all are there and Verified, tips and log are right, each is told once, on ${kind}`,
      {
        skip: whyNot(kind),
        timeout: timeLimit(240_000),
      },
      async () => commitTogether(await urlOf(kind)),
    );
  }
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DocStore, Instance, NewUser } from "../../mod.ts";
import { cases } from "../helpers/thorough.ts";
import { checkTrees } from "../helpers/store_check.ts";
import { SHARED_STORAGES, urlOf, whyNot } from "../helpers/shared.ts";
import { runProcess } from "../instance/places.ts";

const PROCESSES = 4;
const EACH = cases(50);
const ALL = PROCESSES * EACH;

async function commitTogether(url: string): Promise<void> {
  const { instance, user } = await Instance.connectOrCreate(url, NewUser.passwordless("ada"));
  const db = await user!.createDatabase({ name: "shared" });
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
  const ids = (await db.getAllEntries()).slice(1).map(({ id }) => `${id}`).sort();
  assert.equal(ids.length, ALL);
  for (const output of outputs) {
    assert.deepEqual((JSON.parse(output) as string[]).sort(), ids, "each was told exactly once");
  }
  assert.equal((await (await db.getStoreViewer(DocStore, "s")).getAll()).len(), ALL);
  await instance.close();
}

describe(`${PROCESSES} processes that commit ${EACH} entries each`, () => {
  for (const kind of SHARED_STORAGES) {
    it(`05#46, 00 §C2 all are there and Verified, tips are right, each is told once, on ${kind}`, {
      skip: whyNot(kind),
      timeout: 240_000,
    }, async () => commitTogether(await urlOf(kind)));
  }
});

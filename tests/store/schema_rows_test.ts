import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Database,
  DocStore,
  type KeptRow,
  PasswordStore,
  type SchemaResult,
  type StandardSchema,
  Table,
} from "../../mod.ts";
import { hasCode, withDb } from "../database/bed.ts";

/** A schema by hand: `parse` returns what it makes of a value, or throws the message of an issue. */
function schema<Output>(
  parse: (value: never) => Output | Promise<Output>,
): StandardSchema<Output> {
  const validate = async (value: unknown): Promise<SchemaResult<Output>> => {
    try {
      return { value: await parse(value as never) };
    } catch (error) {
      return { issues: [{ message: (error as Error).message, path: ["n"] }] };
    }
  };
  return { "~standard": { version: 1, vendor: "test", validate } };
}

function need(condition: boolean, message: string): void {
  if (!condition) throw new Error(message);
}

/** Makes a number of a text, and takes nothing else: not even what it has made. */
const parsed = schema((row: { n: string }) => {
  need(typeof row.n === "string", "expected a text");
  return { n: Number(row.n) };
});
/** Adds one: accepts what it has made, and makes something else of it. */
const counted = schema((row: { n: number }) => {
  need(typeof row.n === "number", "expected a number");
  return { n: row.n + 1 };
});
/** Trims and fills in: makes nothing of what it has made. */
const tidied = schema((row: { n: string; tags?: string[] }) => {
  need(typeof row.n === "string", "expected a text");
  return { n: row.n.trim(), tags: row.tags ?? [] };
});
/** Undoes one level of escapes. */
const unescaped = schema((row: { n: string }) => ({ n: row.n.replaceAll("&amp;", "&") }));
/** Takes a date or its text, and makes a date. */
const dated = schema((row: { n: string | Date }) => {
  need(!Number.isNaN(new Date(row.n).getTime()), "expected a date");
  return { n: new Date(row.n) };
});
/** Takes and makes a date, and not its text. */
const strictlyDated = schema((row: { n: Date }) => {
  need(row.n instanceof Date, "expected a date");
  return row;
});

const write = (db: Database, type: StandardSchema<unknown>, key: string, row: unknown) =>
  db.withTransaction(async (tx) => {
    await (await tx.getStore(Table.of(type), "t")).set(key, row);
  });
const read = async (db: Database, type: StandardSchema<unknown>, key = "k") =>
  await (await db.getStoreViewer(Table.of(type), "t")).get(key);

describe("rows of a schema", () => {
  const cases: Readonly<Record<string, [StandardSchema<unknown>, unknown, unknown]>> = {
    "another type": [parsed, { n: "5" }, { n: 5 }],
    "another value": [counted, { n: 5 }, { n: 6 }],
    "a tidy form": [tidied, { n: " a " }, { n: "a", tags: [] }],
    "a form that it would change once more": [unescaped, { n: "&amp;amp;" }, { n: "&amp;" }],
    "a date": [dated, { n: "2020-01-01" }, { n: new Date("2020-01-01") }],
  };
  for (const [what, [type, input, output]] of Object.entries(cases)) {
    it(`13 §4 what it has made is stored and read back: ${what}`, () =>
      withDb(async ({ db }) => {
        await db.withTransaction(async (tx) => {
          const table = await tx.getStore(Table.of(type), "t");
          await table.set("k", input);
          assert.deepEqual(await table.get("k"), output);
        });
        await write(db, type, "again", input);
        // A table of its own stands for another process: it has not seen the schema at work.
        const table = await db.getStoreViewer(Table.of(type), "t");
        assert.deepEqual(await table.search(() => true), [["again", output], ["k", output]]);
        assert.deepEqual(await table.invalidRows(), []);
        assert.equal(await table.count(), 2);
      }));
  }

  it("13 §4 what it would not read back is refused when it is written", () =>
    withDb(async ({ db }) => {
      await assert.rejects(
        write(db, strictlyDated, "k", { n: new Date(0) }),
        hasCode("SerializationFailed"),
      );
      const weird = schema((row: { n: unknown }) => ({ n: row.n instanceof Map ? 1 : row.n }));
      await write(db, weird, "ok", { n: 1 });
      await assert.rejects(write(db, parsed, "k", { n: 1 }), /"k".*n: expected a text/);
      const once = schema((row: { n: unknown }) => {
        need(row.n instanceof Map, "expected a Map");
        return { n: 1 };
      });
      await assert.rejects(write(db, once, "k", { n: new Map() }), /what it was given is not JSON/);
      assert.equal(await (await db.getStoreViewer(Table, "t")).count(), 1);
    }));

  it("13 §4 a schema that accepts its output judges every row, whatever note lies in the table", () =>
    withDb(async ({ db }) => {
      await write(db, parsed, "output", { n: "5" });
      await assert.rejects(read(db, tidied, "output"), hasCode("DeserializationFailed"));
      for (const input of ["{", '{"n":"5"}', '{"n":" a "}', "null"]) {
        await db.withTransaction(async (tx) => {
          await (await tx.getStore(Table, "t")).set("bad", { n: 1 });
          await new DocStore(tx, "t").set(["", "input"], input);
        });
        await assert.rejects(read(db, tidied, "bad"), hasCode("DeserializationFailed"), input);
      }
    }));

  it("13 §4 rows of an older program get what a schema fills in", () =>
    withDb(async ({ db }) => {
      await db.withTransaction(async (tx) => {
        await (await tx.getStore(Table, "t")).set("old", { n: " a" });
      });
      assert.deepEqual(await read(db, tidied, "old"), { n: "a", tags: [] });
    }));

  it("13 §4 inside an encrypted store, too, and the note is a secret like the rows", () =>
    withDb(async ({ db }) => {
      const Secret = PasswordStore.of(Table.of(parsed));
      await db.withTransaction(async (tx) => {
        const store = await tx.getStore(Secret, "s");
        await store.initialize("pw");
        await (await store.inner()).set("k", { n: "12345" } as never);
      });
      const viewed = await db.getStoreViewer(Secret, "s");
      await viewed.open("pw");
      assert.deepEqual(await (await viewed.inner()).get("k"), { n: 12345 });
      const [tip] = await db.getTipEntries();
      assert.ok(!new TextDecoder().decode(tip!.bytes).includes("12345"));
    }));

  it("13 §4 a schema that fails is a row that is not valid", () =>
    withDb(async ({ db }) => {
      const frail: StandardSchema<{ n: number }> = {
        "~standard": {
          version: 1,
          vendor: "test",
          validate: (value) => ({ value: { n: (value as { n: { m: number } }).n.m } }),
        },
      };
      await db.withTransaction(async (tx) => {
        await (await tx.getStore(Table, "t")).set("k", {});
      });
      const table = await db.getStoreViewer(Table.of(frail), "t");
      assert.deepEqual((await table.invalidRows()).map(({ key }) => key), ["k"]);
      await assert.rejects(table.get("k"), (error) => {
        return hasCode("DeserializationFailed")(error) &&
          (error as Error).cause instanceof TypeError;
      });
    }));

  it("13 §4 what is no schema is refused at once", () => {
    for (const wrong of [undefined, null, {}, { "~standard": {} }, "zod"]) {
      assert.throws(() => Table.of(wrong as never), hasCode("InvalidConfiguration"));
    }
  });
});

describe("types of rows", () => {
  it("13 §4 are what comes back", () => {
    const row = <Row extends KeptRow<Row>>(): Row | undefined => undefined;
    interface Tree {
      name: string;
      children: readonly Tree[];
      size?: number | bigint;
      kind: "leaf" | null;
      rest: Record<string, unknown>;
    }
    const accepted = [row<Tree>(), row<{ a: 1 } | { b: string[] }>(), row<[string, number]>()];
    const refused = [
      // @ts-expect-error A date comes back as a text.
      row<{ at: Date }>(),
      // @ts-expect-error An optional one does, too.
      row<{ at?: string | Date }>(),
      // @ts-expect-error A Map is refused when it is written.
      row<{ a: Map<string, number> }>(),
      // @ts-expect-error So is a Set, however deep.
      row<{ a: { b: Set<string>[] } }>(),
      // @ts-expect-error So are bytes.
      row<{ a: Uint8Array }>(),
      // @ts-expect-error So is a function.
      row<{ a: () => void }>(),
      // @ts-expect-error So is a symbol.
      row<{ a: symbol }>(),
      // @ts-expect-error A small bigint comes back as a number.
      row<{ a: bigint }>(),
      // @ts-expect-error An item that is undefined is refused.
      row<{ a: (string | undefined)[] }>(),
    ];
    assert.deepEqual(new Set([...accepted, ...refused]), new Set([undefined]));
    // @ts-expect-error Tables hold rows of such types alone.
    assert.equal(Table.of<{ at: Date }>().typeId, "table:v0");
  });
});

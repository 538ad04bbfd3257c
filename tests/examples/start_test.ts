import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { readCsv } from "../../examples/start/csv.ts";
import { Instance, Table } from "../../mod.ts";

const SCRIPT = fileURLToPath(new URL("../../examples/start.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));

async function* inParts(text: string, length: number): AsyncIterable<string> {
  for (let at = 0; at < text.length; at += length) yield text.slice(at, at + length);
}

async function rowsOf(text: string, length = 1000): Promise<Record<string, string>[]> {
  const rows: Record<string, string>[] = [];
  for await (const { row } of readCsv(inParts(text, length))) rows.push(row);
  return rows;
}

describe("CSV files", () => {
  it("have a header, quoted fields, marks of their byte order, and lines of any kind", async () => {
    const expected = [{ id: "1", name: 'Ada "L"', note: "a,b\nc" }, {
      id: "02",
      name: "",
      note: "x",
    }];
    for (const [separator, end] of [[",", "\n"], [";", "\r\n"], ["\t", "\r\n"]]) {
      const lines = [["id", "name", "note"], ["1", '"Ada ""L"""', '"a,b\nc"'], ["02", "", "x"]];
      const text = lines.map((line) => line.join(separator)).join(end);
      for (const whole of [text, `\uFEFF${text}${end}`, `${text}${end}${end}`]) {
        assert.deepEqual(await rowsOf(whole), expected);
      }
    }
  });
  it("come back as they were written, wherever their parts are cut", async () => {
    const value = fc.string({ unit: "grapheme" }).filter((it) => it !== "");
    const field = fc.oneof(value, fc.constantFrom('"', ",", "\n", "\r\n", ";", " "));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(field, field)),
        fc.integer({ min: 20, max: 99 }),
        async (rows, cut) => {
          const quoted = (it: string) => `"${it.replaceAll('"', '""')}"`;
          const lines = rows.map((row) => row.map(quoted).join(","));
          const found = await rowsOf(["one,two", ...lines].join("\n"), cut);
          assert.deepEqual(found, rows.map(([one, two]) => ({ one, two })));
        },
      ),
      { numRuns: 60 },
    );
  });
  it("that are malformed are refused with the line", async () => {
    const refused = (text: string, message: RegExp) => assert.rejects(rowsOf(text), { message });
    await refused("", /no line with names/);
    await refused("a,,c\n", /column 2 .* no name/);
    await refused("a,b,a\n", /two columns .* "a"/);
    await refused("a,b\n1,2\n\n1\n", /line 4 .* 1 fields, and line 1 names 2/);
    await refused('a,b\n1,"2\n3', /line 2 .* never closed/);
    await refused('a,b\n1,"2"3\n', /line 2 .* follows a closing quote/);
  });
});

/** Runs the example to its end in a folder; gives what it has printed. */
function start(
  folder: string,
  ...args: string[]
): { output: string; errors: string; status: number | null } {
  const isDeno = "deno" in process.versions;
  const runtime = isDeno ? ["run", "-A", "--no-check", "--no-lock", "--config", CONFIG] : [];
  const { stdout: output, stderr: errors, status } = spawnSync(
    process.execPath,
    [...runtime, SCRIPT, ...args],
    { cwd: folder, encoding: "utf8" },
  );
  return { output, errors, status };
}

/** All rows that a user of a file has in the one database of people. */
async function peopleIn(db: string, user: string): Promise<Record<string, unknown>> {
  assert.equal(existsSync(db), true);
  const instance = await Instance.connect(`sqlite://${encodeURI(db).replace("?", "%3F")}`);
  const [database, ...others] = await (await instance.loginUser(user)).findDatabase("people");
  assert.equal(others.length, 0);
  const rows = await database!.getStoreViewer(Table, "rows");
  const found: Record<string, unknown> = {};
  for await (const [key, row] of rows.entries()) found[key] = row;
  await instance.close();
  return found;
}

describe("npm start", () => {
  it("--help says every option; a wrong one is told, and creates nothing", () => {
    const script = readFileSync(new URL("../../scripts/start.mjs", import.meta.url), "utf8");
    for (const [, option] of readFileSync(SCRIPT, "utf8").matchAll(/^ {6}(\w+): \{ type:/gm)) {
      assert.ok(script.includes(` *   --${option} `), option);
    }
    const folder = mkdtempSync(join(tmpdir(), "eidetica-start-"));
    const wrong = start(folder, "--fle", "x");
    assert.equal(wrong.status, 1);
    assert.match(wrong.errors, /--fle.*--help/);
    assert.equal(start(folder, "--file", "none.csv").status, 1);
    assert.equal(existsSync(join(folder, "eidetica.db")), false);
    rmSync(folder, { recursive: true });
  });
  it("imports a file, brings it up to date, and changes no row but those of the file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "eidetica-start-"));
    writeFileSync(join(folder, "people.csv"), '\uFEFFid,name\r\n1,"Lovelace, Ada"\r\n02,Bob\r\n');
    writeFileSync(
      join(folder, "newer.ndjson"),
      '{"id":"1","name":"Ada"}\n\n{"id":"3","name":"Cy"}\n',
    );
    const db = join(folder, "50% a?.db");
    const first = start(folder, "--file", "people.csv", "--db", db);
    assert.match(first.output, /2 rows read, 2 new, 0 changed, 0 as they were/, first.errors);
    assert.match(
      first.output,
      /^Shared: eidetica:\?db=bafy\w+&pr=http:127\.0\.0\.1:\d+&native=1$/m,
    );
    assert.match(first.output, /has 6 of 6 entries, 6 of them new, and 2 of 2 rows/);
    const again = start(folder, "--file", "people.csv", "--db", db);
    assert.match(again.output, /2 rows read, 0 new, 0 changed, 2 as they were/, again.errors);
    assert.match(again.output, /has 9 of 9 entries, 3 of them new, and 2 of 2 rows/);
    const newer = start(folder, "--file", "newer.ndjson", "--name", "people", "--db", db);
    assert.match(newer.output, /has 13 of 13 entries, 4 of them new, and 3 of 3 rows/);
    const expected = {
      "1": { id: "1", name: "Ada" },
      "02": { id: "02", name: "Bob" },
      "3": { id: "3", name: "Cy" },
    };
    assert.deepEqual(await peopleIn(db, "ada"), expected);
    assert.deepEqual(await peopleIn(join(folder, "50% a?-copy.db"), "bob"), expected);
    rmSync(folder, { recursive: true });
  });
  it("rows without a key are told apart by what is in them; a row that lacks its key is told", () => {
    const folder = mkdtempSync(join(tmpdir(), "eidetica-start-"));
    writeFileSync(join(folder, "a.json"), '[{"n":1},{"n":2},{"n":1}]');
    assert.match(start(folder, "--file", "a.json").output, /3 rows read, 2 new, 0 changed, 1 as/);
    assert.match(start(folder, "--file", "a.json").output, /3 rows read, 0 new, 0 changed, 3 as/);
    const { errors, status } = start(folder, "--file", "a.json", "--key", "m");
    assert.equal(status, 1);
    assert.match(errors, /item 0 of "a.json".*"m"/);
    rmSync(folder, { recursive: true });
  });
});

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileStorage } from "../../src/storage/file/mod.ts";
import { HEADER_BYTES } from "../../src/storage/file/journal.ts";
import { fromUtf8, utf8 } from "../../src/util/bytes.ts";
import { StorageError } from "../../src/util/errors.ts";
import { temporaryFolder } from "./child.ts";

const BATCHES = 4;
const KEY = utf8("a");
const folder = temporaryFolder();
const path = join(folder, "store");
const journal = join(path, "journal");

/** A copy: what `slice()` of a Buffer gives is none. */
const readJournal = () => new Uint8Array(readFileSync(journal));

/** A journal of batches "0", "1", … and where each ends. */
async function makeJournal(): Promise<{ bytes: Uint8Array; ends: number[] }> {
  const storage = await fileStorage(path);
  const ends: number[] = [];
  for (let at = 0; at < BATCHES; at++) {
    await storage.commit({ set: [[KEY, utf8(String(at))], [utf8("b"), new Uint8Array(40)]] });
    ends.push(readFileSync(journal).length);
  }
  await storage.close();
  return { bytes: readJournal(), ends };
}

/** What opening finds: the number of the last batch, or the code of the error. */
async function open(): Promise<string | undefined> {
  try {
    const storage = await fileStorage(path);
    try {
      const stored = await storage.get(KEY);
      return stored && fromUtf8(stored.value);
    } finally {
      await storage.close();
    }
  } catch (error) {
    assert.ok(error instanceof StorageError, String(error));
    return error.code;
  }
}

describe("file: a journal that is damaged at every single place", () => {
  it("05 §12 cut anywhere, it holds the batches that are whole, and goes on from there", async () => {
    const { bytes, ends } = await makeJournal();
    for (let cut = 0; cut < bytes.length; cut++) {
      writeFileSync(journal, bytes.subarray(0, cut));
      const whole = ends.filter((end) => end <= cut).length;
      const wanted = cut < HEADER_BYTES ? "ForeignFile" : whole === 0 ? undefined : `${whole - 1}`;
      assert.equal(await open(), wanted, `cut at ${cut}`);
      if (cut < HEADER_BYTES) continue;
      const storage = await fileStorage(path);
      await storage.commit({ set: [[KEY, utf8("after")]] });
      await storage.close();
      assert.equal(await open(), "after", `cut at ${cut}`);
    }
    writeFileSync(journal, bytes);
  });

  it("05 §12 with any bit of an older batch turned over, it is Corrupt, and stays as it is", async () => {
    const bytes = readJournal();
    const last = lastFrame(bytes);
    for (let at = HEADER_BYTES; at < last; at++) {
      const damaged = bytes.slice();
      damaged[at]! ^= 1 << at % 8;
      writeFileSync(journal, damaged);
      assert.equal(await open(), "Corrupt", `byte ${at}`);
      assert.deepEqual(readJournal(), damaged, "nothing was cut off");
    }
    writeFileSync(journal, bytes);
    assert.equal(await open(), `${BATCHES - 1}`, "the copy is whole again");
  });

  it("05 §12 with any bit of the last batch turned over, that one is not there, the others are", async () => {
    const bytes = readJournal();
    for (let at = lastFrame(bytes); at < bytes.length; at++) {
      const damaged = bytes.slice();
      damaged[at]! ^= 1 << at % 8;
      writeFileSync(journal, damaged);
      assert.equal(await open(), `${BATCHES - 2}`, `byte ${at}`);
    }
    writeFileSync(journal, bytes);
  });

  it("with any bit of its header turned over, it is not taken for a journal of ours", async () => {
    const bytes = readJournal();
    for (let at = 0; at < HEADER_BYTES; at++) {
      const damaged = bytes.slice();
      damaged[at]! ^= 1 << at % 8;
      writeFileSync(journal, damaged);
      assert.equal(await open(), at < 8 ? "ForeignFile" : "UnsupportedSchema", `byte ${at}`);
    }
    writeFileSync(journal, bytes);
  });
});

/** Where the last frame begins: all frames have the same length. */
function lastFrame(bytes: Uint8Array): number {
  return bytes.length - (bytes.length - HEADER_BYTES) / BATCHES;
}

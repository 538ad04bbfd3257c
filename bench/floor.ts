/**
 * The floor: what signing, hashing and a durable insert cost with the same libraries and nothing else.
 *
 * ```text
 * entries(row INTEGER PRIMARY KEY, id BLOB UNIQUE, body BLOB) · parents(child, parent), integers
 * ```
 *
 * @module
 */

import { join } from "node:path";
import { PrivateKey, ready } from "../mod.ts";
import { openDatabase } from "../src/storage/sqlite/database.ts";
import { temporaryFolder } from "./bed.ts";
import type { Run } from "./case.ts";

/** Bytes of a message: about those of an entry with one store. */
export const MESSAGE_BYTES = 600;

/** A message of that length. */
export function message(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(MESSAGE_BYTES));
}

/** Sign, hash, and one transaction of two inserts in WAL mode. */
export async function floor(synchronous: "NORMAL" | "FULL" = "NORMAL"): Promise<Run> {
  const core = await ready();
  const { folder, remove } = temporaryFolder();
  const database = await openDatabase(join(folder, "floor.db"), false);
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous};
    CREATE TABLE entries(row INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, body BLOB NOT NULL);
    CREATE TABLE parents(child INTEGER, parent INTEGER, PRIMARY KEY(child, parent)) WITHOUT ROWID`);
  const insert = database.prepare("INSERT INTO entries VALUES (?, ?, ?)");
  const link = database.prepare("INSERT INTO parents VALUES (?, ?)");
  const key = PrivateKey.generate();
  const body = message();
  let row = 0;
  const step = () => {
    new DataView(body.buffer).setUint32(0, ++row);
    const signature = key.sign(body);
    body.set(signature, 8);
    const id = core.blake3(body);
    database.exec("BEGIN IMMEDIATE");
    insert.run(row, id, body);
    link.run(row, row - 1);
    database.exec("COMMIT");
  };
  const end = () => {
    database.close();
    remove();
  };
  return { step, end };
}

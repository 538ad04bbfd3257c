/**
 * Reading the recorded histories, and putting them into instances of our own.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { Entry, type ID, Instance, NewUser, ready } from "../../mod.ts";
import { fromHex } from "../../src/util/hex.ts";
import { newStorage } from "../helpers/storages.ts";

/** A golden file. */
export function vector<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../vectors/${name}`, import.meta.url), "utf8")) as T;
}

/** An entry as recorded, decoded. */
export function decodeHex(cbor: string): Entry {
  return Entry.decode(fromHex(cbor));
}

/** Runs `test` on a new instance and closes it. */
export async function withInstance<T>(
  storage: string,
  test: (instance: Instance) => Promise<T>,
): Promise<T> {
  await ready();
  const driver = await newStorage(storage);
  const { instance } = await Instance.createBackend(driver, NewUser.passwordless("replay"));
  try {
    return await test(instance);
  } finally {
    await instance.close();
  }
}

/** The same items in an order that `seed` decides. */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const copy = [...items];
  let state = seed * 2654435761 % 2147483647 || 1;
  for (let at = copy.length - 1; at > 0; at--) {
    state = state * 48271 % 2147483647;
    const other = state % (at + 1);
    [copy[at], copy[other]] = [copy[other]!, copy[at]!];
  }
  return copy;
}

/** Ingests entries in batches. */
export async function ingest(
  instance: Instance,
  root: ID,
  entries: readonly Entry[],
  batch: number,
): Promise<void> {
  for (let at = 0; at < entries.length; at += batch) {
    await instance.putRemoteEntries(root, entries.slice(at, at + batch));
  }
}

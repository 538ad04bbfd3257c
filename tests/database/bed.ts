/**
 * Small databases for the tests of this folder.
 *
 * @module
 */

import {
  type Database,
  EideticaError,
  type Entry,
  Instance,
  type InstanceOptions,
  NewUser,
  type User,
} from "../../mod.ts";
import { asFarAsAvailable, newInstance } from "../helpers/instances.ts";
import { newStorage } from "../helpers/storages.ts";

/** An instance with its first user and an empty database. */
export interface Bed {
  readonly instance: Instance;
  readonly user: User;
  readonly db: Database;
}

/** Runs `test` on a new instance with an empty database, and closes it. */
export async function withDb(
  test: (bed: Bed) => Promise<void>,
  options: InstanceOptions = {},
): Promise<void> {
  const { instance, user } = await newInstance(NewUser.passwordless("ada"), options);
  try {
    const db = await user.createDatabase({ name: "test" });
    await asFarAsAvailable(() => test({ instance, user, db }));
  } finally {
    await instance.close();
  }
}

/** Matches errors by their code. */
export function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof EideticaError && error.code === code;
}

/** An instance that holds entries of another one, stored and judged. */
export async function peerWith(entries: readonly Entry[]): Promise<Instance> {
  const { instance } = await Instance.createBackend(
    await newStorage(),
    NewUser.passwordless("peer"),
  );
  if (entries.length > 0) {
    await instance.putRemoteEntries(entries[0]!.root ?? entries[0]!.id, [...entries]);
  }
  return instance;
}

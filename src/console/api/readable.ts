import type { Database } from "../../database/database.ts";
import type { Permission } from "../../auth/permission.ts";
import { ID } from "../../entry/id.ts";
import type { TrackedDatabase } from "../../user/records.ts";
import type { User } from "../../user/user.ts";
import { EideticaError } from "../../util/errors.ts";
import { tryRead } from "../../util/try_read.ts";
import { notFound, refuse } from "./api_answers.ts";

/** A database that the user may read now. */
export interface Readable {
  /** The database, acting as the user's key. */
  readonly database: Database;
  /** How the user tracks it. */
  readonly tracked: TrackedDatabase;
  /** What the user's key may do now. */
  readonly permission: Permission;
}

/** A database that the user tracks and may read now; else the answer that says so, or does not. */
export async function readable(user: User, text: string): Promise<Readable | Response> {
  const root = tryRead(() => ID.parse(text));
  if (root === undefined) return notFound();
  const tracked = (await user.databases()).find(({ databaseId }) => databaseId.equals(root));
  if (tracked === undefined) return notFound();
  try {
    return await opened(user, tracked);
  } catch (error) {
    if (!(error instanceof EideticaError) || error.module === "storage") throw error;
    return refuse(
      403,
      "NotReadable",
      "You may not read this database: ask somebody who administers it",
    );
  }
}

/** Opens a tracked database; an error when the user's key may not read it, or no longer. */
export async function opened(user: User, tracked: TrackedDatabase): Promise<Readable> {
  const database = await user.openDatabase(tracked.databaseId);
  return { database, tracked, permission: await database.currentPermission() };
}

/**
 * Records that the specification declares and nothing stores (08 §3): shapes that applications may use
 * for what they keep about their users.
 *
 * @module
 */

import type { ID } from "../entry/id.ts";

/** What a user prefers where nothing is said. */
export interface UserPreferences {
  /** Whether new databases are synchronised. */
  readonly defaultSyncEnabled: boolean;
  /** Free preferences. */
  readonly properties: ReadonlyMap<string, string>;
}

/** What is known of a user besides the account. */
export interface UserProfile {
  /** Login name. */
  readonly username: string;
  /** Name to show. */
  readonly displayName: string | undefined;
  /** How to reach the user. */
  readonly contactInfo: string | undefined;
  /** What the user prefers. */
  readonly preferences: UserPreferences;
}

/** A database, and who uses it on this instance. */
export interface DatabaseTracking {
  /** Root of the database. */
  readonly databaseId: ID;
  /** Its name, as far as it is known. */
  readonly name: string | undefined;
  /** UUIDs of its users. */
  readonly users: readonly string[];
  /** When it was first seen, in Unix seconds. */
  readonly createdAt: number;
  /** When it was last changed, in Unix seconds. */
  readonly lastModified: number;
  /** Free notes. */
  readonly metadata: ReadonlyMap<string, string>;
}

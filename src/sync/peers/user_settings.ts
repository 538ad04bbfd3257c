/**
 * What users want of the synchronisation of databases, gathered out of their private databases:
 *
 * ```text
 * database_users   root id → users: JSON text [{"user_uuid": …}], combined_settings: JSON text
 * user_tracking    user UUID → preferences_db_id, preferences_tips: JSON text of IDs
 * ```
 *
 * A database whose record is gone, or holds no settings that are enabled, is not served to anybody.
 *
 * @module
 */

import { Doc } from "../../crdt/doc.ts";
import { Database, type HasHost } from "../../database/database.ts";
import { ID } from "../../entry/id.ts";
import { Snapshot } from "../../entry/snapshot.ts";
import { DocStore } from "../../store/doc_store.ts";
import type { SyncSettings, TrackedDatabase } from "../../user/records.ts";
import {
  mergeSyncSettings,
  parseSyncSettings,
  syncSettingsText,
} from "../../user/sync_settings.ts";
import { TrackedTable } from "../../user/system_databases.ts";
import { tryParse } from "./parse.ts";
import { readTexts, textAt } from "./records.ts";

/** A user whose preferences are followed. */
export interface FollowedUser {
  /** UUID of the user. */
  readonly uuid: string;
  /** Root of the user's private database. */
  readonly preferences: ID;
  /** Frontier of that database when it was read last. */
  readonly tips: Snapshot;
}

/** Users and what they want, within one transaction or view of `_sync`. */
export class UserSettings {
  readonly #databases: DocStore;
  readonly #tracking: DocStore;
  readonly #instance: HasHost;

  /** Settings in the stores `database_users` and `user_tracking`. */
  constructor(databases: DocStore, tracking: DocStore, instance: HasHost) {
    this.#databases = databases;
    this.#tracking = tracking;
    this.#instance = instance;
  }

  /** What all users of a database want together; undefined when nobody wants anything. */
  async combined(root: ID): Promise<SyncSettings | undefined> {
    const record = await this.#databases.getOption([root.toString()]);
    const text = record instanceof Doc ? textAt(record, "combined_settings") : undefined;
    return text === undefined ? undefined : tryParse(() => parseSyncSettings(text))[0];
  }

  /** All databases with what their users want together. */
  async allCombined(): Promise<[ID, SyncSettings][]> {
    const found: [ID, SyncSettings][] = [];
    for await (const [key, record] of this.#databases.entries()) {
      const text = record instanceof Doc ? textAt(record, "combined_settings") : undefined;
      if (text === undefined) continue;
      found.push(...tryParse((): [ID, SyncSettings] => [ID.parse(key), parseSyncSettings(text)]));
    }
    return found;
  }

  /** The users that are followed. */
  async followed(): Promise<FollowedUser[]> {
    const found: FollowedUser[] = [];
    for await (const [uuid, record] of this.#tracking.entries()) {
      if (record instanceof Doc) found.push(...tryParse(() => readFollowed(uuid, record)));
    }
    return found;
  }

  /** UUIDs of the users who asked for a database, in the order in which they did. */
  async usersOf(root: ID): Promise<string[]> {
    const record = await this.#databases.getOption([root.toString()]);
    return record instanceof Doc ? readUsers(textAt(record, "users")) : [];
  }

  /**
   * Reads what a user wants now, unless nothing has changed since the last time: links and unlinks
   * databases, and combines the settings of all that are affected. A user who is followed already keeps the
   * private database that is known.
   */
  async update(uuid: string, privateDatabase: ID): Promise<void> {
    const known = await this.#followedUser(uuid);
    const database = await Database.open(this.#instance, privateDatabase);
    const tips = await database.snapshot();
    if (known?.tips.equals(tips)) return;
    const wanted = (await trackedBy(database)).filter((row) => row.syncSettings.syncEnabled);
    const affected = await this.#relink(uuid, wanted.map((row) => row.databaseId));
    if (known === undefined) {
      await this.#tracking.set([uuid, "preferences_db_id"], privateDatabase.toString());
    }
    for (const root of affected) await this.#combine(root, new Map([[uuid, database]]));
    const texts = tips.tips.map(String);
    await this.#tracking.set([uuid, "preferences_tips"], JSON.stringify(texts));
  }

  /** Follows a user no longer, and combines anew what others want of the databases they share. */
  async remove(uuid: string): Promise<void> {
    const affected = await this.#relink(uuid, []);
    for (const root of affected) await this.#combine(root, new Map());
    await this.#tracking.delete([uuid]);
  }

  async #followedUser(uuid: string): Promise<FollowedUser | undefined> {
    const record = await this.#tracking.getOption([uuid]);
    return record instanceof Doc ? tryParse(() => readFollowed(uuid, record))[0] : undefined;
  }

  /** Makes `wanted` the databases of a user; the databases that this affects. */
  async #relink(uuid: string, wanted: readonly ID[]): Promise<ID[]> {
    const names = new Set(wanted.map(String));
    const dropped = (await this.#linkedTo(uuid)).filter((root) => !names.has(root.toString()));
    for (const root of dropped) {
      await this.#setUsers(root, (users) => users.filter((it) => it !== uuid));
    }
    for (const root of wanted) {
      await this.#setUsers(root, (users) => users.includes(uuid) ? users : [...users, uuid]);
    }
    return [...dropped, ...wanted];
  }

  async #linkedTo(uuid: string): Promise<ID[]> {
    const found: ID[] = [];
    for await (const [key, record] of this.#databases.entries()) {
      const users = record instanceof Doc ? readUsers(textAt(record, "users")) : [];
      if (users.includes(uuid)) found.push(...tryParse(() => ID.parse(key)));
    }
    return found;
  }

  async #setUsers(root: ID, change: (users: string[]) => string[]): Promise<void> {
    const before = await this.usersOf(root);
    const users = change(before);
    if (users.length === 0) return void await this.#databases.delete([root.toString()]);
    if (users === before) return;
    const rows = users.map((uuid) => ({ user_uuid: uuid }));
    await this.#databases.set([root.toString(), "users"], JSON.stringify(rows));
  }

  /** Combines what the users of a database want; a database without users has no record any more. */
  async #combine(root: ID, open: ReadonlyMap<string, Database>): Promise<void> {
    const settings: SyncSettings[] = [];
    for (const uuid of await this.usersOf(root)) {
      const row = await this.#rowOf(uuid, root, open.get(uuid));
      if (row?.syncSettings.syncEnabled) settings.push(row.syncSettings);
    }
    if (settings.length === 0) return;
    const text = syncSettingsText(mergeSyncSettings(settings));
    await this.#databases.set([root.toString(), "combined_settings"], text);
  }

  async #rowOf(uuid: string, root: ID, open?: Database): Promise<TrackedDatabase | undefined> {
    const preferences = open === undefined
      ? (await this.#followedUser(uuid))?.preferences
      : undefined;
    if (open === undefined && preferences === undefined) return undefined;
    const database = open ?? await Database.open(this.#instance, preferences!);
    const table = await database.getStoreViewer(TrackedTable, "databases");
    return await table.getOption(root.toString());
  }
}

/** What a user tracks; rows that cannot be read are left out. */
async function trackedBy(database: Database): Promise<TrackedDatabase[]> {
  const table = await database.getStoreViewer(TrackedTable, "databases");
  const unreadable = new Set((await table.invalidRows()).map(({ key }) => key));
  const rows: TrackedDatabase[] = [];
  for await (const key of (await database.getStoreViewer(DocStore, "databases")).keys()) {
    if (!unreadable.has(key)) rows.push(await table.get(key));
  }
  return rows;
}

function readFollowed(uuid: string, record: Doc): FollowedUser {
  return {
    uuid,
    preferences: ID.parse(textAt(record, "preferences_db_id") ?? ""),
    tips: Snapshot.of(readTexts(textAt(record, "preferences_tips")).map((text) => ID.parse(text))),
  };
}

function readUsers(text: string | undefined): string[] {
  return tryParse((): unknown => JSON.parse(text ?? "[]")).flatMap((list) => {
    if (!Array.isArray(list)) return [];
    const uuids = list.map((row: { user_uuid?: unknown } | null) => row?.user_uuid);
    return uuids.filter((uuid) => typeof uuid === "string");
  });
}

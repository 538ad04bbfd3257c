import { quote, setInspection } from "#inspect";
import type { Backend } from "../backend/backend.ts";
import { PrivateKey } from "../keys/private_key.ts";
import { PublicKey } from "../keys/public_key.ts";
import type { Database } from "../database/database.ts";
import { ID } from "../entry/id.ts";
import { SigKey } from "../entry/sig_info.ts";
import type { Table } from "../store/table.ts";
import { requireInstance, requireText } from "../util/arguments.ts";
import { InstanceError } from "../util/errors.ts";
import type { UserHost } from "./host.ts";
import { mergedMappings } from "./key_rows.ts";
import type { Session } from "./session.ts";
import { requireCurrent } from "./password_change.ts";
import { keyNotHeld, type UserInfo, type UserKey } from "./records.ts";
import { KeysTable } from "./system_databases.ts";

/** The keys of a logged-in user, and the identities under which they act. */
export class UserKeyring implements Disposable {
  /** Login name. */
  readonly username: string;
  /** The user's UUID. */
  readonly uuid: string;
  /** The user's private database. */
  readonly database: Database;
  /** The instance. */
  protected readonly userHost: UserHost;
  /** What the login has yielded; it never appears in any output. */
  protected readonly session: Session;

  /** Use `Instance.loginUser`. */
  constructor(host: UserHost, session: Session) {
    this.userHost = host;
    this.session = session;
    hide(this, "userHost");
    hide(this, "session");
    this.username = session.info.username;
    this.uuid = session.uuid;
    this.database = session.database;
  }

  /** The user's row in the directory of users, as this session knows it. */
  get userInfo(): UserInfo {
    return this.session.info;
  }

  /** The storage engine of the instance. */
  get backend(): Backend {
    return this.userHost.host.backend;
  }

  /**
   * Ends the session: wipes its keys, and those of encrypted stores. Nothing can be done with it afterwards; handles on databases that
   * were opened before keep a key of their own and go on.
   */
  logout(): void {
    this.session.keys.clear();
    this.session.database.key?.signingKey.wipe();
    this.userHost.host.derivedKeys.wipe();
  }

  /** As {@link logout}. */
  [Symbol.dispose](): void {
    this.logout();
  }

  // --- keys ----------------------------------------------------------------------------------

  /** Makes a key, stores it with the user's other keys, and returns its public half. */
  async addPrivateKey(displayName?: string): Promise<PublicKey> {
    if (displayName !== undefined) requireText(displayName, "add a key", "its label");
    this.session.keys.requireOpen();
    const key = PrivateKey.generate(this.userHost.host.random);
    const createdAt = this.userHost.host.clock.nowSecs();
    const record = await this.database.update(async (transaction) => {
      await requireCurrent(transaction, this.session);
      const record = await this.#newRecord(key, displayName, createdAt);
      await (await transaction.getStore(KeysTable, "keys")).insert(record);
      return record;
    });
    this.session.keys.hold(record, key);
    return key.publicKey;
  }

  /** To be made in the update that stores it: what is sealed before may be under a password that is no longer. */
  async #newRecord(
    key: PrivateKey,
    displayName: string | undefined,
    createdAt: number,
  ): Promise<UserKey> {
    return {
      keyId: key.publicKey,
      storage: await this.session.keys.storeKey(key),
      displayName,
      createdAt,
      lastUsed: undefined,
      isDefault: false,
      databaseSigkeys: new Map(),
    };
  }

  /** Public halves of all keys, oldest first. */
  listKeys(): PublicKey[] {
    return this.session.keys.listKeyIds();
  }

  /** The key that is used when none is named. */
  defaultKey(): PublicKey {
    const id = this.session.keys.getDefaultKeyId();
    if (id !== undefined) return id;
    throw new InstanceError(
      "AuthenticationRequired",
      "Cannot choose a key: this session holds none; log in again",
    );
  }

  /** Label of a key; undefined when it has none or is not held. */
  keyDisplayName(id: PublicKey): string | undefined {
    requireKey(id);
    return this.session.keys.getKeyMetadata(id)?.displayName;
  }

  /** All keys with exactly this label, oldest first. */
  findKeysByDisplayName(name: string): PublicKey[] {
    return this.listKeys().filter((id) => this.keyDisplayName(id) === name);
  }

  /** A copy of the private half of a key that is held, else `KeyNotFound`. */
  signingKey(id: PublicKey): PrivateKey {
    requireKey(id);
    const key = this.session.keys.getSigningKey(id);
    if (key === undefined) throw keyNotHeld(id);
    return key.clone();
  }

  /** The record of a key that is held, else `KeyNotFound`. */
  protected recordOf(id: PublicKey): UserKey {
    requireKey(id);
    const record = this.session.keys.getKeyMetadata(id);
    if (record === undefined) throw keyNotHeld(id);
    return record;
  }

  /** Takes over keys and identities that other sessions of the user have stored since the login. */
  protected async reloadKeys(): Promise<void> {
    const table = await this.database.getStoreViewer(KeysTable, "keys");
    await this.session.keys.adopt(mergedMappings(await table.search(() => true)));
  }

  // --- identities ----------------------------------------------------------------------------

  /** The key to open a database with: the oldest one that has an identity there, if any has. */
  findKey(database: ID): PublicKey | undefined {
    requireRoot(database);
    const root = database.toString();
    return this.listKeys().find((id) => this.recordOf(id).databaseSigkeys.has(root));
  }

  /** Identity under which a key acts on a database; undefined when it has none there. */
  keyMapping(key: PublicKey, database: ID): SigKey | undefined {
    requireRoot(database);
    const { databaseSigkeys } = this.recordOf(key);
    const root = database.toString();
    return databaseSigkeys.has(root)
      ? databaseSigkeys.get(root) ?? SigKey.fromPubkey(key)
      : undefined;
  }

  /** Notes under which identity a key acts on a database, which need not be held here. */
  async mapKey(key: PublicKey, database: ID, identity: SigKey): Promise<void> {
    this.recordOf(key);
    requireRoot(database);
    requireInstance(identity, SigKey, "note an identity", "the identity");
    const updated = await this.database.update(async (transaction) => {
      const table = await transaction.getStore(KeysTable, "keys");
      return await this.mapIn(table, key, database, identity);
    });
    this.session.keys.updateMetadata(updated);
  }

  /** Notes an identity in the table of keys, in an update, and returns the changed record. */
  protected async mapIn(
    table: Table<UserKey>,
    key: PublicKey,
    database: ID,
    identity: SigKey,
  ): Promise<UserKey> {
    const rows = await table.search((record) => record.keyId.equals(key));
    const [record] = mergedMappings(rows);
    if (record === undefined) throw keyNotHeld(key);
    const own = identity.equals(SigKey.fromPubkey(key));
    const databaseSigkeys = new Map(record.databaseSigkeys);
    databaseSigkeys.set(database.toString(), own ? undefined : identity);
    const updated = { ...record, databaseSigkeys };
    await table.set(rows[0]![0], updated);
    // Two first logins at once used to make two rows of one key.
    for (const [rowKey] of rows.slice(1)) await table.delete(rowKey);
    return updated;
  }
}

setInspection(UserKeyring, "User", ({ username }) => [quote(username)]);

function requireKey(id: PublicKey): void {
  requireInstance(id, PublicKey, "look up a key", "the key");
}

/** Fails unless `root` is an ID, as that of a database must be. */
export function requireRoot(root: ID): void {
  requireInstance(root, ID, "look up a database", "the root");
}

/** Keeps a member out of consoles, JSON and copies: it leads to private keys. */
function hide(object: object, name: string): void {
  Object.defineProperty(object, name, { enumerable: false });
}

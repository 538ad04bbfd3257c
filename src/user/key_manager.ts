import { deriveKey, openPrivateKey, sealPrivateKey } from "../keys/sealed.ts";
import type { PrivateKey } from "../keys/private_key.ts";
import { PrivateKey as PrivateKeyClass } from "../keys/private_key.ts";
import type { PublicKey } from "../keys/public_key.ts";
import { InstanceError, UserError } from "../util/errors.ts";
import { Logger } from "../util/log.ts";
import type { RandomSource } from "../util/random.ts";
import { withMappings } from "./key_rows.ts";
import { inTheOpen, type KeyStorage, redacted, type UserKey } from "./records.ts";

const log = new Logger("user");

/** The one cipher that key records use. */
export const KEY_ALGORITHM = "aes-256-gcm";

/** Stores a private key: sealed under a derived key, or open when there is none. */
export async function storeKey(
  key: PrivateKey,
  derived: Uint8Array | undefined,
  random: RandomSource,
): Promise<KeyStorage> {
  if (derived === undefined) return inTheOpen(key.reveal());
  const sealed = await sealPrivateKey(key, derived, random);
  return redacted({ type: "encrypted", algorithm: KEY_ALGORITHM, ...sealed });
}

/** Takes a private key out of its storage. */
export async function openKey(
  storage: KeyStorage,
  derived: Uint8Array | undefined,
): Promise<PrivateKey> {
  if (storage.type === "unencrypted") return PrivateKeyClass.parse(storage.key);
  if (storage.algorithm !== KEY_ALGORITHM) {
    const reason =
      `Unsupported encryption algorithm "${storage.algorithm}", expected "${KEY_ALGORITHM}"`;
    throw new UserError("DecryptionFailed", `Cannot open a private key: ${reason}`, {
      fields: { reason },
    });
  }
  if (derived === undefined) {
    const operation = "open an encrypted key";
    throw new UserError("PasswordRequired", `Cannot ${operation} without a password`, {
      fields: { operation },
    });
  }
  return await openPrivateKey(storage, derived);
}

/**
 * The keys of one session. They live in memory only, until {@link clear}, and appear in no
 * output.
 */
export class UserKeyManager {
  readonly #random: RandomSource;
  readonly #keys = new Map<string, PrivateKey>();
  readonly #records = new Map<string, UserKey>();
  #derived: Uint8Array | undefined;
  /** The derived key before a change of the password whose end was not written yet. */
  #previous: Uint8Array | undefined;
  #isCleared = false;

  private constructor(random: RandomSource, derived: Uint8Array | undefined) {
    this.#random = random;
    this.#derived = derived;
  }

  /** Opens the keys of a user with a password. One that cannot be opened fails the whole. */
  static async open(
    password: string,
    salt: string,
    records: Iterable<UserKey>,
    random: RandomSource,
  ): Promise<UserKeyManager> {
    return await UserKeyManager.openDerived(await deriveKey(password, salt), records, random);
  }

  /**
   * As {@link open}, with the key that was derived from the password already, and the one before it while
   * some records may still be sealed under that.
   */
  static async openDerived(
    derived: Uint8Array | undefined,
    records: Iterable<UserKey>,
    random: RandomSource,
    previous?: Uint8Array,
  ): Promise<UserKeyManager> {
    const manager = new UserKeyManager(random, derived);
    manager.#previous = previous;
    for (const record of records) await manager.addKey(record);
    return manager;
  }

  /** Opens the keys of a user without a password. */
  static async openPasswordless(
    records: Iterable<UserKey>,
    random: RandomSource,
  ): Promise<UserKeyManager> {
    return await UserKeyManager.openDerived(undefined, records, random);
  }

  /** Fails after {@link clear}: without its derived key a session would store keys in the open. */
  requireOpen(): void {
    if (!this.#isCleared) return;
    throw new InstanceError(
      "AuthenticationRequired",
      "Cannot use the keys of this session: it has ended; log in again",
    );
  }

  /** Opens one more key; a key that is there already is replaced. */
  async addKey(record: UserKey): Promise<void> {
    this.requireOpen();
    this.hold(record, await this.openKey(record.storage));
  }

  /** Takes over a key that is open already, unless the session has ended meanwhile. */
  hold(record: UserKey, key: PrivateKey): void {
    if (this.#isCleared) key.wipe();
    this.requireOpen();
    this.#keys.set(record.keyId.toString(), key);
    this.#records.set(record.keyId.toString(), record);
  }

  /** Takes a private key out of its storage, if this session can. */
  async openKey(storage: KeyStorage): Promise<PrivateKey> {
    try {
      return await openKey(storage, this.#derived);
    } catch (error) {
      if (this.#previous === undefined || !(error instanceof UserError)) throw error;
      return await openKey(storage, this.#previous);
    }
  }

  /** Goes over to another derived key, under which all is stored from now on. */
  rekey(derived: Uint8Array): void {
    if (this.#isCleared) derived.fill(0);
    this.requireOpen();
    this.#previous?.fill(0);
    this.#previous = this.#derived;
    this.#derived = derived;
  }

  /** Forgets the derived key before the last change: nothing is sealed under it any more. */
  forgetPrevious(): void {
    this.#previous?.fill(0);
    this.#previous = undefined;
  }

  /** Stores a private key the way this session's keys are stored. */
  async storeKey(key: PrivateKey): Promise<KeyStorage> {
    this.requireOpen();
    return await storeKey(key, this.#derived, this.#random);
  }

  /** The private key of `id`, or undefined. */
  getSigningKey(id: PublicKey): PrivateKey | undefined {
    return this.#keys.get(id.toString());
  }

  /** The record of `id`, or undefined. */
  getKeyMetadata(id: PublicKey): UserKey | undefined {
    return this.#records.get(id.toString());
  }

  /**
   * Replaces the record of a key that is held. Changes may be told in another order than they were made in, so
   * what an earlier one has mapped stays.
   */
  updateMetadata(record: UserKey): void {
    const id = record.keyId.toString();
    const known = this.#records.get(id);
    if (known !== undefined) this.#records.set(id, withMappings(record, known));
  }

  /**
   * Takes over records as they are stored now: new identities of keys that are held, and new keys, except
   * those that this session cannot open, since the password was changed in another.
   */
  async adopt(records: Iterable<UserKey>): Promise<void> {
    this.requireOpen();
    for (const record of records) {
      if (this.#keys.has(record.keyId.toString())) this.updateMetadata(record);
      else await this.#tryAdd(record);
    }
  }

  async #tryAdd(record: UserKey): Promise<void> {
    try {
      await this.addKey(record);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      log.debug("Key {key} cannot be opened in this session", { key: record.keyId, error });
    }
  }

  /** All keys, oldest first; those of one second by their text. */
  listKeyIds(): PublicKey[] {
    return [...this.#records.values()].sort((a, b) =>
      a.createdAt - b.createdAt || (a.keyId.toString() < b.keyId.toString() ? -1 : 1)
    ).map((record) => record.keyId);
  }

  /** The default key; otherwise the oldest one; undefined when there is none. */
  getDefaultKeyId(): PublicKey | undefined {
    const ids = this.listKeyIds();
    return ids.find((id) => this.getKeyMetadata(id)!.isDefault) ?? ids[0];
  }

  /** All records by key text; encrypted ones are encrypted anew. */
  async serializeKeys(): Promise<UserKey[]> {
    const records: UserKey[] = [];
    for (const id of [...this.#records.keys()].sort()) {
      const record = this.#records.get(id)!;
      const encrypted = record.storage.type === "encrypted";
      const storage = encrypted ? await this.storeKey(this.#keys.get(id)!) : record.storage;
      records.push({ ...record, storage });
    }
    return records;
  }

  /** Wipes and forgets everything. */
  clear(): void {
    this.#isCleared = true;
    this.#derived?.fill(0);
    this.#derived = undefined;
    this.forgetPrevious();
    for (const key of this.#keys.values()) key.wipe();
    this.#keys.clear();
    this.#records.clear();
  }
}

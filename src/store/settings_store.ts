import { setInspection } from "#inspect";
import { AuthKey } from "../auth/auth_key.ts";
import { DelegatedTreeRef } from "../auth/delegation.ts";
import { AuthSettings } from "../auth/settings.ts";
import { Doc } from "../crdt/doc.ts";
import type { PathLike } from "../crdt/path.ts";
import { DELETED, type ValueInput, type VisibleValue } from "../crdt/value.ts";
import { SETTINGS } from "../entry/constants.ts";
import { type HeightStrategy, parseHeightStrategy } from "../entry/height.ts";
import { PublicKey } from "../keys/public_key.ts";
import { requireInstance, requireText } from "../util/arguments.ts";
import { AuthError, CrdtError } from "../util/errors.ts";
import type { StoreContext } from "./context.ts";
import { DocStore, type DocViewer } from "./doc_store.ts";
import { requireStrategy } from "./registry.ts";

const CHANGE = "change the settings";

/** What can be done with settings that are only read. */
export type SettingsViewer =
  & Omit<
    SettingsStore,
    | "asDocStore"
    | "setName"
    | "set"
    | "setHeightStrategy"
    | "setAuthKey"
    | "renameAuthKey"
    | "revokeAuthKey"
    | "setGlobalAuthKey"
    | "addDelegatedTree"
  >
  & {
    /** The settings as a document store, for reading. */
    asDocStore(): DocViewer;
  };

/** The settings of a database, kept in the system store `_settings`. */
export class SettingsStore {
  readonly #context: StoreContext;
  readonly #doc: DocStore;

  /** The settings as the transaction behind `context` sees and changes them. */
  constructor(context: StoreContext) {
    this.#context = context;
    this.#doc = new DocStore(context, SETTINGS);
  }

  /** The settings as a document store. */
  asDocStore(): DocStore {
    return this.#doc;
  }

  /** Name of the database; `KeyNotFound` when it has none. */
  async getName(): Promise<string> {
    return await this.#doc.getString("name");
  }

  /** Names the database. */
  async setName(name: string): Promise<void> {
    requireText(name, CHANGE, "the name");
    await this.#doc.set("name", name);
  }

  /** A setting; `KeyNotFound` when it is not there. */
  async get(path: PathLike): Promise<VisibleValue> {
    return await this.#doc.get(path);
  }

  /** A setting that is a text. */
  async getString(path: PathLike): Promise<string> {
    return await this.#doc.getString(path);
  }

  /** Changes a setting. */
  async set(path: PathLike, value: ValueInput): Promise<void> {
    await this.#doc.set(path, value);
  }

  /** All settings, tombstones included. */
  async getAll(): Promise<Doc> {
    return await this.#doc.getAll();
  }

  /** How heights of new entries are chosen; incremental unless something else was set. */
  async getHeightStrategy(): Promise<HeightStrategy> {
    const text = await this.#doc.getOption("height_strategy");
    if (typeof text !== "string") return "incremental";
    const strategy = parseHeightStrategy(text);
    if (strategy !== undefined) return strategy;
    const reason = `"${text}" is not a height strategy`;
    throw new CrdtError("DeserializationFailed", `Cannot read the height strategy: ${reason}`, {
      fields: { reason },
    });
  }

  /**
   * Chooses how heights of new entries are chosen, this transaction's entry included; undefined goes
   * back to what holds when nothing is chosen.
   */
  async setHeightStrategy(strategy: HeightStrategy | undefined): Promise<void> {
    requireStrategy(strategy, CHANGE);
    const text = strategy === undefined ? DELETED : JSON.stringify(strategy);
    await this.#doc.set("height_strategy", text);
  }

  /** A copy of the auth settings; empty when there are none. */
  async authSnapshot(): Promise<AuthSettings> {
    const auth = await this.#doc.getOption("auth");
    return AuthSettings.fromDoc(auth instanceof Doc ? auth : new Doc());
  }

  /** Grants a key what `key` says, replacing what it had. Weak public keys are refused. */
  async setAuthKey(publicKey: PublicKey, key: AuthKey): Promise<void> {
    requireInstance(publicKey, PublicKey, CHANGE, "the key");
    requireInstance(key, AuthKey, CHANGE, "what the key is granted");
    if (publicKey.isWeak) throw weakKey(publicKey);
    await this.#doc.set(["auth", "keys", publicKey.toString()], key.toDoc());
  }

  /** What a key is granted; auth `KeyNotFound` when it is not listed. */
  async getAuthKey(publicKey: PublicKey): Promise<AuthKey> {
    return (await this.authSnapshot()).getKeyByPubkey(publicKey);
  }

  /** Gives a key another name, or none; its permissions and status stay. */
  async renameAuthKey(publicKey: PublicKey, name: string | undefined): Promise<void> {
    if (name !== undefined) requireText(name, CHANGE, "the name of a key");
    await this.#changeKey(publicKey, "name", name ?? DELETED);
  }

  /** Revokes a key; it stays listed. */
  async revokeAuthKey(publicKey: PublicKey): Promise<void> {
    await this.#changeKey(publicKey, "status", "Revoked");
  }

  /**
   * Changes one member of what a key is granted, and writes no other: a whole grant, written from what this
   * transaction has read, would take back a revocation that is made at the same time.
   */
  async #changeKey(publicKey: PublicKey, member: string, value: ValueInput): Promise<void> {
    await this.getAuthKey(publicKey); // the right error when it is not listed, or cannot be read
    await this.#doc.set(["auth", "keys", publicKey.toString(), member], value);
  }

  /** Grants every key what `key` says. */
  async setGlobalAuthKey(key: AuthKey): Promise<void> {
    requireInstance(key, AuthKey, CHANGE, "what everyone is granted");
    await this.#doc.set("auth.global", key.toDoc());
  }

  /** What every key is granted; auth `KeyNotFound` when nothing is. */
  async getGlobalAuthKey(): Promise<AuthKey> {
    return (await this.authSnapshot()).getGlobalKey();
  }

  /** Lets the keys of another database act here, within bounds. */
  async addDelegatedTree(reference: DelegatedTreeRef): Promise<void> {
    requireInstance(reference, DelegatedTreeRef, CHANGE, "the delegation");
    const root = reference.tree.root.toString();
    await this.#doc.set(["auth", "delegations", root], reference.toDoc());
  }

  static {
    setInspection(SettingsStore, "SettingsStore", (settings) => [`of ${settings.#context.place}`]);
  }
}

function weakKey(publicKey: PublicKey): AuthError {
  const reason = "its point has a small order or its encoding is not canonical";
  const message = `Cannot grant anything to the public key "${publicKey}": ${reason}`;
  return new AuthError("InvalidKeyFormat", message, { fields: { reason } });
}

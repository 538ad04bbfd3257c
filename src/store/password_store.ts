import { setInspection } from "#inspect";
import { core } from "../../wasm/mod.ts";
import { Doc } from "../crdt/doc.ts";
import { newSalt } from "../keys/sealed.ts";
import { requireInstance, requireMethod, requireText } from "../util/arguments.ts";
import type { StoreError } from "../util/errors.ts";
import { type StoreContext, type StoreType, supports, type ViewOf } from "./context.ts";
import { DocStore, type DocViewer } from "./doc_store.ts";
import {
  DEFAULT_COSTS,
  type PasswordConfig,
  readPasswordConfig,
  writePasswordConfig,
} from "./password_config.ts";
import { notNow, notOpened } from "./password_errors.ts";
import { derivePasswordKey, NONCE_BYTES, PayloadEncryptor, TAG_BYTES } from "./password_key.ts";
import { readWrappedType, writeWrapped } from "./password_wrapped.ts";
import { keyNotFound, typeMismatch } from "./staged_doc.ts";
import { type HandleWrites, StoreHandle, storeText } from "./store_handle.ts";

/** Type ID of encrypted stores. */
const TYPE_ID = "encrypted:password:v0";
const WRONG_PASSWORD = "wrong password or tampered data";

/** What all handles of a store in one transaction, or view, have in common. */
interface Common {
  /** Undefined while the store has no password. */
  config: PasswordConfig | undefined;
  /** Whether a handle gives it its password, or has given. */
  isBegun: boolean;
  /** What encrypts while it is open. */
  encryptor: PayloadEncryptor | undefined;
  /** Name of the key among those that the instance keeps. */
  keyName: string | undefined;
}

/** Builds the handle of the store inside. */
type Build<S> = (context: StoreContext, name: string) => Promise<S> | S;

/** What a viewer of an encrypted store can do: open it, and read what is inside, `V`. */
export type PasswordViewer<V = DocViewer> = Omit<PasswordStore<V>, HandleWrites | "initialize">;

/**
 * A store whose payloads are encrypted with a password. Nodes without the password verify,
 * store and relay its entries; its name, type and costs stay readable.
 *
 * `PasswordStore` encrypts a {@link DocStore}, `PasswordStore.of(Table)` a table, and so on. A new store
 * is uninitialized until `initialize` gives it a password; each later transaction finds it locked and
 * opens it anew. A payload is a random 12-byte nonce, the AES-256-GCM ciphertext of what the store inside
 * would have written, and the 16-byte tag; the key is Argon2id of the password.
 *
 * @example
 * ```ts
 * import { Instance, NewUser, PasswordStore } from "eidetica";
 *
 * const { instance, user } = await Instance.connectOrCreate("memory://", NewUser.passwordless("ada"));
 * const db = await user!.createDatabase({ name: "diary" });
 * await db.withTransaction(async (tx) => {
 *   const secrets = await tx.getStore(PasswordStore, "secrets");
 *   await secrets.initialize("correct horse");
 *   await (await secrets.inner()).set("today", "nobody knows");
 * });
 * const secrets = await db.getStoreViewer(PasswordStore, "secrets");
 * await secrets.open("correct horse");
 * if (await (await secrets.inner()).getString("today") !== "nobody knows") throw new Error("lost");
 * await instance.close();
 * ```
 */
export class PasswordStore<S = DocStore> extends StoreHandle {
  /** Type ID of this format. */
  static readonly typeId: string = TYPE_ID;

  static readonly #common = new WeakMap<StoreContext, Map<string, Common>>();

  readonly #inner: StoreType<unknown>;
  readonly #build: Build<S>;
  readonly #shared: Common;
  /** With what this handle was opened: only then is it sure that the store inside is of its type. */
  #opened: PayloadEncryptor | undefined;

  private constructor(
    context: StoreContext,
    name: string,
    inner: StoreType<unknown>,
    build: Build<S>,
    shared: Common,
  ) {
    super(context, name);
    this.#inner = inner;
    this.#build = build;
    this.#shared = shared;
  }

  /** See {@link StoreHandle.typeId}. */
  override get typeId(): string {
    return TYPE_ID;
  }

  /**
   * The type of store that encrypts stores of type `inner`.
   *
   * @example
   * ```ts
   * import { Instance, NewUser, PasswordStore, Table } from "eidetica";
   *
   * const { instance, user } = await Instance.connectOrCreate("memory://", NewUser.passwordless("ada"));
   * const db = await user!.createDatabase({ name: "bank" });
   * const Accounts = PasswordStore.of(Table.of<{ iban: string }>());
   * await db.withTransaction(async (tx) => {
   *   const accounts = await tx.getStore(Accounts, "accounts");
   *   await accounts.initialize("correct horse");
   *   await (await accounts.inner()).insert({ iban: "DE02 1203 0000 0000 2020 51" });
   * });
   * await instance.close();
   * ```
   */
  static of<S, V = unknown>(
    inner: StoreType<S, V>,
  ): StoreType<PasswordStore<S>, PasswordViewer<ViewOf<S, V>>> {
    requireMethod(inner, "load", "encrypt a type of store", "the type");
    const build: Build<S> = (context, name) => inner.load(context, name);
    const view = inner.view === undefined ? build : inner.view.bind(inner);
    return {
      typeId: TYPE_ID,
      load: (context, name) => PasswordStore.#load(context, name, inner, build),
      view: (context, name) =>
        PasswordStore.#load(context, name, inner, view as Build<ViewOf<S, V>>),
    };
  }

  /** Builds the handle of an encrypted {@link DocStore}; called by `getStore`. */
  static load(context: StoreContext, name: string): Promise<PasswordStore> {
    return PasswordStore.#load(context, name, DocStore, DocStore.load);
  }

  /** Builds the handle of a viewer; called by `getStoreViewer`. */
  static view(context: StoreContext, name: string): Promise<PasswordViewer> {
    return PasswordStore.load(context, name);
  }

  static async #load<S>(
    context: StoreContext,
    name: string,
    inner: StoreType<unknown>,
    build: Build<S>,
  ): Promise<PasswordStore<S>> {
    const info = await context.getIndex().find(name);
    if (info === undefined) throw keyNotFound("_index", name);
    if (info.typeId !== TYPE_ID) throw typeMismatch(name, TYPE_ID, info.typeId);
    const shared = PasswordStore.#commonOf(context, name);
    if (!shared.isBegun) shared.config ??= readPasswordConfig(name, info.config);
    return new PasswordStore(context, name, inner, build, shared);
  }

  static #commonOf(context: StoreContext, name: string): Common {
    const all = PasswordStore.#common.get(context) ?? new Map<string, Common>();
    PasswordStore.#common.set(context, all);
    const none = { config: undefined, isBegun: false, encryptor: undefined, keyName: undefined };
    const known = all.get(name) ?? none;
    all.set(name, known);
    return known;
  }

  /** Whether the store has a password. */
  get isInitialized(): boolean {
    return this.#shared.config !== undefined;
  }

  /** Whether the store inside can be used: from `initialize` or `open` until the commit. */
  get isOpen(): boolean {
    return this.#opened?.isWiped === false;
  }

  /**
   * Gives a new store its password, after which it is open. `config` is that of the store inside.
   * Nothing is stored before the commit. `InvalidOperation` when there is a password already.
   */
  async initialize(
    password: string,
    config: Doc = this.#inner.defaultConfig?.() ?? new Doc(),
  ): Promise<void> {
    this.context.requireWritable(this.name);
    const action = `initialize the encrypted store "${this.name}"`;
    requireText(password, action, "the password");
    requireInstance(config, Doc, action, "the configuration of the store inside");
    if (this.isInitialized || this.#shared.isBegun) throw this.#hasPassword();
    this.#shared.isBegun = true;
    try {
      await this.#initialize(password, config);
    } catch (error) {
      this.#shared.isBegun = false;
      throw error;
    }
  }

  async #initialize(password: string, config: Doc): Promise<void> {
    const { random, derivedKeys } = this.context;
    const wrapped = writeWrapped(this.#inner.typeId, config);
    const salt = newSalt(random);
    const name = derivedKeys.nameOf(password, salt, DEFAULT_COSTS);
    const derive = () => derivePasswordKey(this.name, password, salt, DEFAULT_COSTS);
    const key = await derivedKeys.get(name, derive);
    await wipedOnFailure(key, async () => {
      const nonce = random.bytes(NONCE_BYTES);
      const ciphertext = await core().seal(key, nonce, wrapped);
      const made: PasswordConfig = { salt, costs: DEFAULT_COSTS, ciphertext, nonce };
      await this.#requireNone();
      await this.context.getIndex().setEntry(this.name, TYPE_ID, writePasswordConfig(made));
      this.#shared.config = made;
      this.#unlock(key, name);
    });
  }

  /** Another handle of this transaction may have been faster. */
  async #requireNone(): Promise<void> {
    const { config } = await this.context.getIndex().getEntry(this.name);
    if (readPasswordConfig(this.name, config) !== undefined) throw this.#hasPassword();
  }

  #hasPassword(): StoreError {
    return notNow(this.name, "initialize", "it has a password already: `open` it");
  }

  /**
   * Opens the store for this transaction. A wrong password is an `InvalidPassword`, and so is a configuration
   * that was tampered with, which looks the same; the store then stays locked.
   *
   * The first time the key is derived from the password, which takes a quarter of a second or so. The instance
   * keeps it in memory until `lock`, the logout of a user, or its end, so that later transactions open the
   * store at once; they need the password all the same.
   */
  async open(password: string): Promise<void> {
    requireText(password, `open the encrypted store "${this.name}"`, "the password");
    const config = this.#closedConfig();
    const { derivedKeys } = this.context;
    const name = derivedKeys.nameOf(password, config.salt, config.costs);
    const key = await derivedKeys.get(name, () => this.#derive(password, config));
    await wipedOnFailure(key, async () => {
      this.#checkWrapped(await this.#unwrap(key, config));
      this.#closedConfig(); // another call may have been faster
      this.#unlock(key, name);
    });
  }

  /** The configuration of a store that can be opened now. */
  #closedConfig(): PasswordConfig {
    const { config } = this.#shared;
    if (config === undefined) {
      throw notNow(this.name, "open", "it has no password yet: give it one with `initialize`");
    }
    if (this.isOpen) throw notNow(this.name, "open", "it is open already");
    const { length } = config.nonce;
    if (length !== NONCE_BYTES) {
      const reason = `its nonce has ${length} bytes and must have ${NONCE_BYTES}`;
      throw notOpened(this.name, "InvalidConfiguration", reason);
    }
    if (config.ciphertext.length >= TAG_BYTES) return config;
    throw notOpened(this.name, "ImplementationError", "its configuration is cut off");
  }

  /** The key of a password, once it is sure that it is the right one. */
  async #derive(password: string, config: PasswordConfig): Promise<Uint8Array> {
    const key = await derivePasswordKey(this.name, password, config.salt, config.costs);
    await wipedOnFailure(key, async () => void await this.#unwrap(key, config));
    return key;
  }

  /** Refused with `InvalidOperation`: without the salt in its configuration the store cannot be opened. */
  override setConfig(_config: Doc): Promise<void> {
    const reason = "its configuration is what opens it, and `initialize` writes that";
    return Promise.reject(notNow(this.name, "configure", reason));
  }

  /** The store inside; `InvalidOperation` unless this one is open. */
  async inner(): Promise<S> {
    if (!this.isOpen) throw notNow(this.name, "inner", this.#whyClosed(), "look into");
    return await this.#build(this.context, this.name);
  }

  /**
   * Wipes the key, in all handles of the transaction and in the instance, and forgets what was decrypted with it. Whatever this
   * transaction has staged in the store can then only be committed after another `open`. A commit wipes the
   * transaction's key and what was decrypted, and leaves the instance its own.
   */
  lock(): void {
    if (!this.isOpen) return;
    // Registering it again drops what the transaction has decrypted.
    this.context.registerEncryptor(this.name, this.#opened!);
    this.#opened!.wipe();
    this.context.derivedKeys.forget(this.#shared.keyName!);
  }

  /** There is one encryptor for all handles: what each has staged is committed by it, and wiped with it. */
  #unlock(key: Uint8Array, keyName: string): void {
    const shared = this.#shared;
    if (shared.encryptor?.isWiped === false) {
      key.fill(0);
    } else {
      const encryptor = new PayloadEncryptor(this.name, key, this.context.random);
      this.context.registerEncryptor(this.name, encryptor);
      [shared.encryptor, shared.keyName] = [encryptor, keyName];
    }
    this.#opened = shared.encryptor;
  }

  async #unwrap(key: Uint8Array, config: PasswordConfig): Promise<Uint8Array> {
    try {
      return await core().open(key, config.nonce, config.ciphertext);
    } catch (cause) {
      throw notOpened(this.name, "InvalidPassword", WRONG_PASSWORD, cause);
    }
  }

  /** Refuses a store inside that is of another type than the one asked for. */
  #checkWrapped(bytes: Uint8Array): void {
    const type = readWrappedType(bytes);
    if (type === undefined) {
      const reason = "its wrapped configuration cannot be read";
      throw notOpened(this.name, "DeserializationFailed", reason);
    }
    if (!supports(this.#inner, type)) throw typeMismatch(this.name, this.#inner.typeId, type);
  }

  #whyClosed(): string {
    if (!this.isInitialized) return "it has no password yet: give it one with `initialize`";
    return this.#opened === undefined
      ? "it is locked: open it with its password first"
      : "it was locked, or its transaction was committed: open it in a new transaction";
  }

  static {
    setInspection(
      PasswordStore,
      "PasswordStore",
      ({ name, context }) => [storeText(name, context)],
    );
  }
}

/** Runs what takes over a key; when it fails, the key is wiped. */
async function wipedOnFailure(key: Uint8Array, use: () => Promise<void>): Promise<void> {
  try {
    await use();
  } catch (error) {
    key.fill(0);
    throw error;
  }
}

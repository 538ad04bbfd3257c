import { setInspection } from "#inspect";
import { Doc } from "../crdt/doc.ts";
import type { Database } from "../database/database.ts";
import { PublicKey } from "../keys/public_key.ts";
import type { StoreType } from "../store/context.ts";
import { DocStore } from "../store/doc_store.ts";
import {
  optionsOf,
  requireFunction,
  requireInstance,
  requireMethod,
  requireText,
} from "../util/arguments.ts";
import { UserError } from "../util/errors.ts";
import type { CreateDatabaseOptions, DatabaseSettings } from "./user_databases.ts";

/** A store that is created with a database, and how it is filled. */
export interface StoreInit {
  /** Name of the store. */
  readonly name: string;
  /** Type of the store. */
  // deno-lint-ignore no-explicit-any
  readonly type: StoreType<any>;
  /** Writes the first content. */
  // deno-lint-ignore no-explicit-any
  readonly init?: (store: any) => Promise<void> | void;
}

const BUILD = "build a database";

/** Fails unless `store` says what a store that is created with a database needs. */
export function requireStoreInit(store: StoreInit, action: string): void {
  const { name, type, init } = optionsOf(store, action);
  requireText(name, action, "the name of a store");
  requireMethod(type, "load", action, `the type of store "${name}"`);
  if (init !== undefined) requireFunction(init, action, `what fills store "${name}"`);
}

/** What a builder asks of the user it builds for. */
export interface BuilderUser {
  /** See `User.addPrivateKey`. */
  addPrivateKey(displayName?: string): Promise<PublicKey>;
  /** See `User.createDatabase`. */
  createDatabase(settings: DatabaseSettings, options?: CreateDatabaseOptions): Promise<Database>;
}

/** Collects settings, key and stores of a new database, then creates it in one entry. */
export class DatabaseBuilder {
  readonly #user: BuilderUser;
  readonly #stores: StoreInit[] = [];
  #settings = new Doc();
  #key: { readonly held: PublicKey } | { readonly label: string | undefined } = {
    label: undefined,
  };

  /** Use `User.newDatabase`. */
  constructor(user: BuilderUser) {
    this.#user = user;
  }

  /** Names the database. */
  name(name: string): this {
    requireText(name, BUILD, "the name");
    this.#settings.set(["name"], name);
    return this;
  }

  /** Replaces all settings, an earlier name included. */
  settings(settings: Doc): this {
    requireInstance(settings, Doc, BUILD, "the settings");
    this.#settings = settings.clone();
    return this;
  }

  /** Owns the database by a new key with this label. */
  keyLabel(label: string): this {
    requireText(label, BUILD, "the label of the key");
    this.#key = { label };
    return this;
  }

  /** Owns the database by a key that the user holds. */
  withKey(key: PublicKey): this {
    requireInstance(key, PublicKey, BUILD, "the key");
    this.#key = { held: key };
    return this;
  }

  /** Creates a store and runs `init` on it, in the database's first entry. */
  initializeStore<S>(
    name: string,
    type: StoreType<S>,
    init?: (store: S) => Promise<void> | void,
  ): this {
    const store = { name, type, init };
    requireStoreInit(store, BUILD);
    this.#stores.push(store);
    return this;
  }

  /** Creates a document store that holds the visible members of `doc`; their keys are literal. */
  initializeDoc(name: string, doc: Doc): this {
    requireInstance(doc, Doc, BUILD, "the document");
    return this.initializeStore(name, DocStore, async (store) => {
      for (const [key, value] of doc.entries()) await store.set([key], value);
    });
  }

  /** Creates an empty document store. */
  emptyDoc(name: string): this {
    return this.initializeStore(name, DocStore);
  }

  /** Creates the database; a key that is made for it stays with the user even if that fails. */
  async build(): Promise<{ database: Database; key: PublicKey }> {
    this.#refuseDuplicates();
    const key = "held" in this.#key
      ? this.#key.held
      : await this.#user.addPrivateKey(this.#key.label);
    const database = await this.#user.createDatabase(this.#settings, { key, stores: this.#stores });
    return { database, key };
  }

  #refuseDuplicates(): void {
    const names = new Set<string>();
    for (const { name } of this.#stores) {
      if (names.has(name)) {
        throw new UserError(
          "DuplicateBuilderStore",
          `Cannot build a database: store "${name}" is named twice, give each a name of its own`,
          {
            fields: { name },
          },
        );
      }
      names.add(name);
    }
  }
}

setInspection(DatabaseBuilder, "DatabaseBuilder");

/**
 * The registry of stores, kept in the system store `_index` (04 §4).
 *
 * ```text
 * <store name> → Doc { type: Text, config: Doc, settings?: Doc { height_strategy: Text } }
 * ```
 *
 * `height_strategy` is Text that holds JSON text, its quotes included.
 *
 * @module
 */

import { docState } from "../backend/state/doc_state.ts";
import { Doc } from "../crdt/doc.ts";
import { DELETED, type Value } from "../crdt/value.ts";
import { INDEX } from "../entry/constants.ts";
import { type HeightStrategy, parseHeightStrategy } from "../entry/height.ts";
import { StoreError } from "../util/errors.ts";
import type { StoreContext } from "./context.ts";
import { keyNotFound, mergedName } from "./staged_doc.ts";

/** What is registered for one store. */
export interface StoreInfo {
  /** Type ID of the store, for example `"table:v0"`. */
  readonly typeId: string;
  /** Configuration of the store. */
  readonly config: Doc;
  /** The store's own height strategy; undefined when it inherits the database's. */
  readonly heightStrategy: HeightStrategy | undefined;
}

/** The stores of a database, as one transaction sees and changes them. */
export class Registry {
  readonly #context: StoreContext;

  /** The registry of the transaction behind `context`. */
  constructor(context: StoreContext) {
    this.#context = context;
  }

  /** What is registered under `name`, or undefined. Damaged records are an error, not a miss. */
  async find(name: string): Promise<StoreInfo | undefined> {
    return this.#find(name, this.#peekHistory() ?? await this.#history());
  }

  /** As {@link find}, if the registry is in memory: undefined when it must be read for the answer. */
  peek(name: string): { readonly info: StoreInfo | undefined } | undefined {
    const history = this.#peekHistory();
    return history && { info: this.#find(name, history) };
  }

  #peekHistory(): Doc | undefined {
    return this.#context.peekState(INDEX, docState);
  }

  async #history(): Promise<Doc> {
    return await this.#context.fullState(INDEX, docState);
  }

  /** As {@link find}; nothing can be staged between this and what follows it. */
  #find(name: string, history: Doc): StoreInfo | undefined {
    const value = mergedName(this.#context.staged<Doc>(INDEX), history, name, isRecord);
    return value === undefined || value === DELETED ? undefined : readInfo(name, value);
  }

  /** What is registered under `name`; `KeyNotFound` when nothing is. */
  async getEntry(name: string): Promise<StoreInfo> {
    const info = await this.find(name);
    if (info === undefined) throw keyNotFound(INDEX, name);
    return info;
  }

  /** Whether a store is registered under `name`. */
  async contains(name: string): Promise<boolean> {
    return await this.find(name) !== undefined;
  }

  /** Registers a store or changes its type and configuration; its settings stay. */
  async setEntry(name: string, typeId: string, config: Doc): Promise<void> {
    const history = await this.#history();
    this.#stage(name, { typeId, config, heightStrategy: this.#strategyOf(name, history) });
  }

  /** The strategy to keep; none when the record is damaged, which is replaced. */
  #strategyOf(name: string, history: Doc): HeightStrategy | undefined {
    try {
      return this.#find(name, history)?.heightStrategy;
    } catch {
      return undefined;
    }
  }

  /**
   * Registers a store unless it is registered already, in one step.
   *
   * @returns what was registered before; undefined when this has registered it.
   */
  async register(name: string, typeId: string, config: Doc): Promise<StoreInfo | undefined> {
    const before = this.#find(name, this.#peekHistory() ?? await this.#history());
    if (before === undefined) this.#stage(name, { typeId, config, heightStrategy: undefined });
    return before;
  }

  /** Names of all registered stores, those of this transaction included, in order. */
  async list(): Promise<string[]> {
    const history = await this.#history();
    const staged = this.#context.staged<Doc>(INDEX);
    return [...(staged === undefined ? history : history.merge(staged)).keys()];
  }

  /** Gives a registered store its own height strategy, or none. */
  async setHeightStrategy(name: string, strategy: HeightStrategy | undefined): Promise<void> {
    const info = this.#find(name, await this.#history());
    if (info === undefined) throw keyNotFound(INDEX, name);
    const { typeId, config } = info;
    this.#stage(name, { typeId, config, heightStrategy: strategy }, strategy === undefined);
  }

  #stage(name: string, info: StoreInfo, clearStrategy = false): void {
    const record = new Doc();
    record.set(["type"], info.typeId);
    record.set(["config"], info.config);
    if (info.heightStrategy !== undefined) {
      record.set(["settings", "height_strategy"], JSON.stringify(info.heightStrategy));
    } else if (clearStrategy) record.remove(["settings", "height_strategy"]);
    this.#context.requireWritable(INDEX);
    const delta = this.#context.staged<Doc>(INDEX) ?? new Doc();
    // The array form keeps a dot in the name from being read as a path.
    delta.set([name], record);
    this.#context.stage(INDEX, delta, docState);
  }
}

function isRecord(value: Value): boolean {
  return value instanceof Doc && typeof value.peek("type") === "string";
}

function readInfo(name: string, record: Value): StoreInfo {
  if (!(record instanceof Doc)) throw damaged(name, "the record is not a document");
  const typeId = record.peek("type");
  if (typeof typeId !== "string") throw damaged(name, "its type is not a text");
  const config = record.peek("config");
  if (typeof config === "string" && config !== "{}") throw damaged(name, "its config is a text");
  return new RegisteredStore(typeId, config, readStrategy(name, record));
}

/** A registration as it was read. Most readers want its type alone, so its configuration is copied late. */
class RegisteredStore implements StoreInfo {
  readonly typeId: string;
  readonly heightStrategy: HeightStrategy | undefined;
  readonly #config: Value | undefined;

  constructor(typeId: string, config: Value | undefined, strategy: HeightStrategy | undefined) {
    this.typeId = typeId;
    this.heightStrategy = strategy;
    this.#config = config;
  }

  get config(): Doc {
    return this.#config instanceof Doc ? this.#config.clone() : new Doc();
  }
}

function readStrategy(name: string, record: Doc): HeightStrategy | undefined {
  const settings = record.peek("settings");
  if (settings === undefined || settings === DELETED) return undefined;
  if (!(settings instanceof Doc)) throw damaged(name, "its settings are not a document");
  const text = settings.peek("height_strategy");
  if (text === undefined || text === DELETED) return undefined;
  const strategy = typeof text === "string" ? parseHeightStrategy(text) : undefined;
  if (strategy === undefined) throw damaged(name, "its height strategy cannot be read");
  return strategy;
}

function damaged(name: string, reason: string): StoreError {
  const message = `Cannot read the registration of store "${name}": ${reason}`;
  return new StoreError("DeserializationFailed", message, { fields: { store: INDEX, reason } });
}

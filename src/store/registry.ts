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

import { quote, setInspection } from "#inspect";
import { docState } from "../backend/state/doc_state.ts";
import { Doc } from "../crdt/doc.ts";
import { DELETED, type Value, type ValueInput } from "../crdt/value.ts";
import { INDEX } from "../entry/constants.ts";
import { type HeightStrategy, parseHeightStrategy } from "../entry/height.ts";
import { requireInstance, requireText, wrongArgument } from "../util/arguments.ts";
import { StoreError } from "../util/errors.ts";
import { tryRead } from "../util/try_read.ts";
import { turns } from "../util/turns.ts";
import type { StoreContext } from "./context.ts";
import { keyNotFound, mergedChild, mergedName } from "./staged_doc.ts";

/** What is registered for one store. */
export interface StoreInfo {
  /** Type ID of the store, for example `"table:v0"`. */
  readonly typeId: string;
  /** Configuration of the store. */
  readonly config: Doc;
  /** The store's own height strategy; undefined when it inherits the database's. */
  readonly heightStrategy: HeightStrategy | undefined;
}

const REGISTER = "register a store";

/** Fails unless `strategy` is one that readers know, or none. */
export function requireStrategy(strategy: HeightStrategy | undefined, action: string): void {
  if (strategy === undefined) return;
  const isText = typeof strategy === "string";
  if (isText && parseHeightStrategy(JSON.stringify(strategy)) !== undefined) return;
  throw wrongArgument(action, "the height strategy", '"incremental" or "timestamp"', strategy);
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
    if (turns.isOver) await turns.next();
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
    requireText(name, "look up a store", "its name");
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
    requireText(name, REGISTER, "its name");
    requireText(typeId, REGISTER, "its type");
    requireInstance(config, Doc, REGISTER, "its configuration");
    const moved = this.#nested(name, await this.#history());
    this.#stage(name, (record) => {
      if (moved?.heightStrategy !== undefined) stageStrategy(record, moved.heightStrategy);
      stageType(record, typeId, config);
    });
  }

  /** What is registered under a dotted name that was read as a path; undefined if it has a record of its own. */
  #nested(name: string, history: Doc): StoreInfo | undefined {
    const own = mergedChild(this.#context.staged<Doc>(INDEX), history, name);
    return own === undefined ? tryRead(() => this.#find(name, history)) : undefined;
  }

  /**
   * Registers a store unless it is registered already, in one step.
   *
   * @returns what was registered before; undefined when this has registered it.
   */
  async register(name: string, typeId: string, config: Doc): Promise<StoreInfo | undefined> {
    requireText(typeId, REGISTER, "its type");
    requireInstance(config, Doc, REGISTER, "its configuration");
    const before = this.#find(name, this.#peekHistory() ?? await this.#history());
    if (before === undefined) this.#stage(name, (record) => stageType(record, typeId, config));
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
    requireText(name, REGISTER, "its name");
    requireStrategy(strategy, REGISTER);
    const history = await this.#history();
    if (this.#find(name, history) === undefined) throw keyNotFound(INDEX, name);
    const moved = this.#nested(name, history);
    this.#stage(name, (record) => {
      if (moved !== undefined) stageType(record, moved.typeId, moved.config);
      stageStrategy(record, strategy);
    });
  }

  /**
   * Stages members of a record, and only those that change: a whole record, written from what this
   * transaction has read, would take back what others change in it at the same time.
   */
  #stage(name: string, change: (record: StageMember) => void): void {
    this.#context.requireWritable(INDEX);
    const delta = this.#context.staged<Doc>(INDEX) ?? new Doc();
    // The array form keeps a dot in the name from being read as a path.
    change((path, value) => void delta.stage([name, ...path], value));
    this.#context.stage(INDEX, delta, docState);
  }

  static {
    setInspection(Registry, "Registry", (registry) => [`of ${registry.#context.place}`]);
  }
}

/** Stages a member of a record. */
type StageMember = (path: readonly string[], value: ValueInput) => void;

function stageType(record: StageMember, typeId: string, config: Doc): void {
  record(["type"], typeId);
  record(["config"], config);
}

function stageStrategy(record: StageMember, strategy: HeightStrategy | undefined): void {
  const text = strategy === undefined ? DELETED : JSON.stringify(strategy);
  record(["settings", "height_strategy"], text);
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

setInspection(RegisteredStore, "StoreInfo", ({ typeId }) => [quote(typeId)]);

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

import { quote, setInspection } from "#inspect";
import type { Doc } from "../crdt/doc.ts";
import type { HeightStrategy } from "../entry/height.ts";
import { StoreError } from "../util/errors.ts";
import type { StoreContext } from "./context.ts";

/** Names of the methods of every handle that change something: viewers do not have them. */
export type HandleWrites = "setConfig" | "setHeightStrategy";

/**
 * What the handles of all stores can do: tell and change how the store is registered. Stores of your own
 * may extend it.
 */
export abstract class StoreHandle {
  /** Name of the store. */
  readonly name: string;
  /** The transaction that the handle belongs to. */
  protected readonly context: StoreContext;

  /** A handle on the store `name` of the transaction behind `context`. */
  constructor(context: StoreContext, name: string) {
    this.context = context;
    this.name = name;
  }

  /** Type ID of the data, as the store is registered with it. */
  abstract get typeId(): string;

  /** The configuration in the registry; `KeyNotFound` when the store is not registered. */
  async getConfig(): Promise<Doc> {
    return (await this.context.getIndex().getEntry(this.name)).config;
  }

  /**
   * Stages a configuration, which registers a store that is not registered yet. It merges into the one
   * that history has; an atomic `Doc` replaces that. `InvalidOperation` when the store is registered
   * with another type, as the store inside a `PasswordStore` is.
   */
  async setConfig(config: Doc): Promise<void> {
    const index = this.context.getIndex();
    const registered = (await index.find(this.name))?.typeId ?? this.typeId;
    if (registered === this.typeId) return await index.setEntry(this.name, this.typeId, config);
    const reason = `it is registered as "${registered}", and this handle is for "${this.typeId}"`;
    const message = `Cannot configure the store "${this.name}": ${reason}`;
    const fields = { store: this.name, operation: "setConfig", reason };
    throw new StoreError("InvalidOperation", message, { fields });
  }

  /** The store's own height strategy; undefined when it has none and goes by the database's. */
  async getHeightStrategy(): Promise<HeightStrategy | undefined> {
    return (await this.context.getIndex().find(this.name))?.heightStrategy;
  }

  /** Gives the store a height strategy of its own, or none; `KeyNotFound` when it is not registered. */
  async setHeightStrategy(strategy: HeightStrategy | undefined): Promise<void> {
    await this.context.getIndex().setHeightStrategy(this.name, strategy);
  }

  static {
    setInspection(StoreHandle, undefined, ({ name, context }) => [storeText(name, context)]);
  }
}

/** What consoles show of a store. */
export function storeText(name: string, context: StoreContext): string {
  return `${quote(name)} of ${context.place}`;
}

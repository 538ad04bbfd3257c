/** A row of an answer. */
export type PostgresRow = Readonly<Record<string, unknown>>;

/** What is needed of a `postgres()` function of the npm package `postgres`. */
export interface PostgresSql {
  /** Runs a query with parameters. */
  unsafe(
    query: string,
    parameters?: (string | Uint8Array | number)[],
    options?: { readonly prepare?: boolean },
  ): PromiseLike<readonly PostgresRow[]>;
  /** Listens to a channel; `onListen` is called whenever listening begins, or begins anew. */
  listen?(
    channel: string,
    onNotify: (payload: string) => void,
    onListen?: () => void,
  ): PromiseLike<{ unlisten(): PromiseLike<unknown> }>;
  /** Closes all connections. */
  end(options?: { readonly timeout?: number }): PromiseLike<unknown>;
}

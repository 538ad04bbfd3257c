import { ID } from "../../entry/id.ts";
import { InstanceError, ServiceError } from "../../util/errors.ts";
import { BlobCache } from "./blob_cache.ts";
import { ServiceConnection } from "./connection.ts";
import { MAX_CONNECTIONS } from "./limits.ts";
import type { Served } from "./operations.ts";
import type { Soon } from "./outbox.ts";
import type { ServedHost } from "./port.ts";

/** Serves an instance to any number of connections, whatever carries them. */
export class ServiceServer {
  readonly #served: Served;
  readonly #soon: Soon;
  readonly #connections = new Set<ServiceConnection>();
  #isStopped = false;

  private constructor(served: Served, soon: Soon) {
    this.#served = served;
    this.#soon = soon;
  }

  /** Serves what `host` holds; `NotInitialized` when that is no instance. Notifications wait for the turn `soon` gives. */
  static async of(host: ServedHost, soon: Soon = queueMicrotask): Promise<ServiceServer> {
    const metadata = await host.backend.getInstanceMetadata();
    if (metadata === undefined) throw notInitialized();
    const usersDbId = ID.parse(metadata.users_db);
    const databasesDbId = ID.parse(metadata.databases_db);
    const node = { host, usersDbId, databasesDbId };
    return new ServiceServer({ node, blobs: new BlobCache() }, soon);
  }

  /** A connection that was just accepted; `LimitExceeded` when there are too many, `Stopped`. */
  accept(): ServiceConnection {
    if (this.#isStopped) throw new ServiceError("Stopped", "Cannot serve: the server is stopped");
    if (this.#connections.size >= MAX_CONNECTIONS) throw manyConnections();
    const connection = new ServiceConnection(this.#served, this.#soon);
    this.#connections.add(connection);
    return connection;
  }

  /** A connection is gone. */
  lost(connection: ServiceConnection): void {
    connection.lost();
    this.#connections.delete(connection);
  }

  /** Ends all connections when what they have begun is done. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#connections].map((connection) => connection.stop()));
  }
}

function manyConnections(): ServiceError {
  const message = `Cannot take a further connection: there are ${MAX_CONNECTIONS}`;
  return new ServiceError("LimitExceeded", message, { fields: { limit: MAX_CONNECTIONS } });
}

function notInitialized(): InstanceError {
  return new InstanceError("NotInitialized", "Cannot serve the storage: it holds no instance");
}

import { stringifySnapshot } from "../backend/snapshot_file.ts";
import { InstanceError } from "../util/errors.ts";
import { Logger } from "../util/log.ts";
import type { InstanceHost } from "./instance_host.ts";

const log = new Logger("instance");

/**
 * Writes the snapshot file of an in-memory instance (07 §6): on demand, on close, and when the
 * process ends with the instance still open.
 */
export class SnapshotWriter {
  readonly #host: InstanceHost;
  readonly #path: string | undefined;
  #last: Promise<void> = Promise.resolve();
  #disarm: (() => void) | undefined;

  /** Writes to `path`; without one only on demand. */
  constructor(host: InstanceHost, path: string | undefined) {
    this.#host = host;
    this.#path = path;
    if (path !== undefined) void this.#arm();
  }

  async #arm(): Promise<void> {
    const { onProcessExit } = await import("../storage/drivers/text_file.ts");
    if (this.#host.isClosed) return;
    this.#disarm = onProcessExit(async () => {
      await this.flush().catch((error) => log.error("The snapshot was not saved", { error }));
    });
  }

  /** Writes to the path that the instance was opened with; does nothing when there is none. */
  async flush(): Promise<void> {
    void this.#host.backend;
    if (this.#path !== undefined) await this.#write(this.#path);
  }

  /** Writes to any path; `SnapshotNotSupported` when the storage is not in memory. */
  async writeTo(path: string): Promise<void> {
    if (this.#host.backend.driver.name !== "memory") {
      const why = `the storage is "${this.#host.backend.driver.name}", which keeps its data itself`;
      throw new InstanceError("SnapshotNotSupported", `Cannot write a snapshot: ${why}`);
    }
    await this.#write(path);
  }

  /** Writes for the last time. */
  async close(): Promise<void> {
    this.#disarm?.();
    await this.flush();
  }

  /** Snapshots are written one after another; each holds what was there when its turn came. */
  #write(path: string): Promise<void> {
    const turn = this.#last.then(async () => {
      const { replaceTextFile } = await import("../storage/drivers/text_file.ts");
      await replaceTextFile(path, await stringifySnapshot(this.#host.backend));
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

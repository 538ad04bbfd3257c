import { Permission } from "../../../auth/permission.ts";
import type { WriteCallback } from "../../../database/host.ts";
import { Snapshot } from "../../../entry/snapshot.ts";
import type { ID } from "../../../entry/id.ts";
import type { PublicKey } from "../../../keys/public_key.ts";
import { Logger } from "../../../util/log.ts";
import { storeRequest } from "../../access/requests.ts";
import type { Serving } from "../../v0/serving.ts";
import type { Access } from "../messages.ts";

const log = new Logger("sync");

/** What has become of a request. */
export type Decision = Pick<Access, "id" | "permission" | "message"> & {
  readonly state: "pending" | "approved" | "rejected";
};

/** What is asked for. */
export interface Asked {
  /** Root of the database. */
  readonly tree: ID;
  /** The proven key that asks. */
  readonly key: PublicKey;
  /** What it asks for. */
  readonly request: Pick<Access, "id" | "permission">;
}

/** Stores requests for access, and tells whoever has made one the moment it is decided. */
export class AccessRequests {
  readonly #serving: Serving;
  readonly #waiting = new Map<string, Set<(decision: Decision) => void>>();
  #watch: Promise<WriteCallback> | undefined;
  #looking: Promise<void> = Promise.resolve();

  /** The requests that are made of an instance. */
  constructor(serving: Serving) {
    this.#serving = serving;
  }

  /** Stores a request; its ID. `RequestRefused` when there are too many. */
  async store({ tree, key, request }: Asked): Promise<string> {
    const id = await storeRequest(this.#serving, {
      treeId: tree,
      ourTips: Snapshot.EMPTY,
      peerPubkey: undefined,
      requestingKey: key,
      requestingKeyName: request.id,
      requestedPermission: Permission.parse(request.permission),
      metadata: undefined,
      auth: undefined,
    });
    this.#serving.requested(id);
    return id;
  }

  /** Calls once when a request is decided; what it gives ends that. */
  async await(id: string, call: (decision: Decision) => void): Promise<() => void> {
    const calls = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, calls.add(call));
    const leave = () => {
      calls.delete(call);
      if (calls.size === 0) this.#waiting.delete(id);
    };
    try {
      await (this.#watch ??= this.#begin());
    } catch (error) {
      leave();
      throw error;
    }
    void this.#look();
    return leave;
  }

  #begin(): Promise<WriteCallback> {
    const watch = this.#serving.records.database.onWrite(() => void this.#look());
    // The next one who asks tries again.
    watch.catch(() => {
      if (this.#watch === watch) this.#watch = undefined;
    });
    return watch;
  }

  /** Looks which requests were decided; one look after the other. */
  #look(): Promise<void> {
    return this.#looking = this.#looking.then(() => this.#lookOnce()).catch((error) => {
      log.warn("cannot read what was decided on access: {error}", { error });
    });
  }

  async #lookOnce(): Promise<void> {
    if (this.#waiting.size === 0) return;
    const requests = await this.#serving.records.view().requests();
    for (const [id, calls] of [...this.#waiting]) {
      const found = await requests.getOption(id);
      if (found === undefined || found.status.state === "Pending") continue;
      this.#waiting.delete(id);
      const state = found.status.state === "Approved" ? "approved" : "rejected";
      const permission = found.requestedPermission.toString();
      for (const call of calls) call({ id, state, permission, message: "" });
    }
  }

  /** Tells nobody any more. */
  close(): void {
    this.#waiting.clear();
    void this.#watch?.then((it) => it[Symbol.dispose](), () => {});
    this.#watch = undefined;
  }
}

import { Permission } from "../../auth/permission.ts";
import { SETTINGS } from "../../entry/constants.ts";
import type { ID } from "../../entry/id.ts";
import type { Snapshot } from "../../entry/snapshot.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import { SyncError } from "../../util/errors.ts";
import type { SyncHost } from "../host.ts";
import type { SyncDatabase } from "../sync_database.ts";
import { isWorldReadable } from "./can_read.ts";
import { treeNotFound } from "./gate.ts";
import type { AccessPort } from "./port.ts";

/** What {@link Reading} asks of an instance. */
export interface ReadingHost {
  /** What it holds, and what it shares. */
  readonly serving: { readonly host: SyncHost; readonly records: SyncDatabase };
  /** Who may do what. */
  readonly access: AccessPort;
  /** Fails when a peer is not let in. */
  admit(peer: PublicKey): Promise<unknown>;
}

/** What the last verdict was made of. */
interface Verdict {
  readonly settings: Snapshot;
  readonly records: Snapshot;
  readonly mayRead: boolean;
}

/**
 * Whether one peer may read one tree. It is judged again when the settings of the tree, or what this node shares, have
 * changed; and each time when the tree lets others decide who may read.
 */
export class Reading {
  /** The key of the peer, and those that it vouches for. */
  readonly keys: readonly PublicKey[];
  readonly #host: ReadingHost;
  readonly #tree: ID;
  #last: Verdict | undefined;

  /** Reading by whoever has the first of these keys, and vouches for the others; by somebody unknown without any. */
  constructor(host: ReadingHost, tree: ID, keys: readonly PublicKey[]) {
    this.#host = host;
    this.#tree = tree;
    this.keys = [...keys];
  }

  /** Whether the tree may be read. `TreeNotFound` when it is not held, or not shared; `PeerBlocked` when the peer is. */
  async isAllowed(): Promise<boolean> {
    const { backend } = this.#host.serving.host.host;
    const [settings, records] = await Promise.all([
      backend.verifiedStoreSnapshot(this.#tree, SETTINGS),
      this.#host.serving.records.database.snapshot(),
    ]);
    const last = this.#last;
    const isSame = last?.settings.equals(settings) && last.records.equals(records);
    if (isSame === true) return last!.mayRead;
    const { mayRead, isSettled } = await this.#judge();
    this.#last = isSettled ? { settings, records, mayRead } : undefined;
    return mayRead;
  }

  /** Returns if the tree may be read. */
  async require(): Promise<void> {
    if (await this.isAllowed()) return;
    throw new SyncError("PermissionDenied", "Permission denied: no key of the peer may read");
  }

  async #judge(): Promise<{ readonly mayRead: boolean; readonly isSettled: boolean }> {
    const { access } = this.#host;
    const [peer] = this.keys;
    // It may have been blocked since the session began.
    if (peer !== undefined) await this.#host.admit(peer);
    if (!await access.isShared(this.#tree)) throw treeNotFound(this.#tree);
    const rules = await access.accessRules(this.#tree);
    if (rules === undefined) throw treeNotFound(this.#tree);
    const isSettled = rules.getAllDelegatedTrees().length === 0;
    const mayRead = isWorldReadable(rules) || await this.has(Permission.read);
    return { mayRead, isSettled };
  }

  /** Whether one of the keys has a permission. */
  async has(wanted: Permission): Promise<boolean> {
    for (const key of this.keys) {
      const strongest = await this.#host.access.strongestPermission(this.#tree, key);
      if (strongest !== undefined && strongest.compare(wanted) >= 0) return true;
    }
    return false;
  }
}

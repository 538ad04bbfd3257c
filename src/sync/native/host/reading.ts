import { SETTINGS } from "../../../entry/constants.ts";
import type { ID } from "../../../entry/id.ts";
import type { Snapshot } from "../../../entry/snapshot.ts";
import type { PublicKey } from "../../../keys/public_key.ts";
import { Permission } from "../../../auth/permission.ts";
import { SyncError } from "../../../util/errors.ts";
import { isWorldReadable } from "../../access/can_read.ts";
import { treeNotFound } from "../../access/gate.ts";
import type { NativeHost } from "./native_host.ts";

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
  readonly #host: NativeHost;
  readonly #tree: ID;
  readonly #keys: PublicKey[];
  #last: Verdict | undefined;

  /** Reading by whoever has the first of these keys, and vouches for the others. */
  constructor(host: NativeHost, tree: ID, keys: readonly PublicKey[]) {
    this.#host = host;
    this.#tree = tree;
    this.#keys = [...keys];
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
    throw new SyncError("PermissionDenied", "Permission denied: no key of the session may read");
  }

  async #judge(): Promise<{ readonly mayRead: boolean; readonly isSettled: boolean }> {
    const { access } = this.#host;
    // It may have been blocked since the session began.
    await this.#host.admit(this.#keys[0]!);
    if (!await access.isShared(this.#tree)) throw treeNotFound(this.#tree);
    const rules = await access.accessRules(this.#tree);
    if (rules === undefined) throw treeNotFound(this.#tree);
    const isSettled = rules.getAllDelegatedTrees().length === 0;
    const mayRead = isWorldReadable(rules) || await this.has(Permission.read);
    return { mayRead, isSettled };
  }

  /** Whether one of the keys has a permission. */
  async has(wanted: Permission): Promise<boolean> {
    for (const key of this.#keys) {
      const strongest = await this.#host.access.strongestPermission(this.#tree, key);
      if (strongest !== undefined && strongest.compare(wanted) >= 0) return true;
    }
    return false;
  }
}

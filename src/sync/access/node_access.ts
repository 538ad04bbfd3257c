import type { Permission } from "../../auth/permission.ts";
import type { AuthSettings } from "../../auth/settings.ts";
import { currentAuth, findSigkeys } from "../../database/access.ts";
import type { ID } from "../../entry/id.ts";
import type { DatabaseHost } from "../../database/host.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import type { AccessPort, GatePort } from "./port.ts";

/** The part of an instance that decisions on reading look at. */
export interface AccessNode {
  /** Key of the device. */
  readonly id: PublicKey;
  /** Databases and entries. */
  readonly host: DatabaseHost;
}

/** Answers what decisions on reading ask, by what an instance holds. */
export class NodeAccess implements AccessPort {
  readonly #instance: AccessNode;
  readonly #gate: GatePort;

  /** Access to the databases of `instance` that `gate` lets others know of. */
  constructor(instance: AccessNode, gate: GatePort) {
    this.#instance = instance;
    this.#gate = gate;
  }

  /** Key of the device. */
  get device(): PublicKey {
    return this.#instance.id;
  }

  /** Whether a database is shared. */
  isShared(tree: ID): Promise<boolean> {
    return this.#gate.isShared(tree);
  }

  /**
   * The access rules of a database. While its root is not Verified there are none that could be trusted: a
   * database without rules is open to everybody.
   */
  async accessRules(tree: ID): Promise<AuthSettings | undefined> {
    const { host } = this.#instance;
    await host.settle(tree);
    return await this.#isVerified(tree) ? await currentAuth(host, tree) : undefined;
  }

  async #isVerified(tree: ID): Promise<boolean> {
    const row = await this.#instance.host.backend.loadRow(tree);
    return row?.status === "Verified" && row.tree.equals(tree);
  }

  /** The most that a key may do on a database. */
  async strongestPermission(tree: ID, key: PublicKey): Promise<Permission | undefined> {
    const [best] = await findSigkeys(this.#instance.host, tree, key);
    return best?.[1];
  }
}

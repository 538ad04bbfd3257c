/**
 * Who may read a database (09 §9).
 *
 * | asked for | database | what is needed |
 * |---|---|---|
 * | anything | world-readable | nothing |
 * | entries beyond tips | protected | a proof of a key that may read |
 * | everything, no key named | protected | the same |
 * | everything, key and name | any | the key's proof, if protected; it gets the most that it may do |
 * | everything, key, name and permission | any | as before, and the permission; otherwise somebody has to decide |
 *
 * @module
 */

import { Permission } from "../../auth/permission.ts";
import type { AuthSettings } from "../../auth/settings.ts";
import type { ID } from "../../entry/id.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import { type Clock, SystemClock } from "../../util/clock.ts";
import { SyncError } from "../../util/errors.ts";
import type { SyncTreeRequest } from "../v0/messages.ts";
import { requireShared, treeNotFound } from "./gate.ts";
import { NonceStore } from "./nonces.ts";
import type { AccessPort, NonceLedger } from "./port.ts";
import { authenticationFailed, authenticationRequired, checkProof } from "./request_proof.ts";

/** The part of a request that decides on access. */
export type ReadRequest = Pick<
  SyncTreeRequest,
  | "treeId"
  | "ourTips"
  | "requestingKey"
  | "requestingKeyName"
  | "requestedPermission"
  | "auth"
>;

/** What becomes of a request for a whole database: it is served, or somebody has to decide. */
export type BootstrapVerdict =
  | {
    readonly verdict: "serve";
    /** Whether the requesting key has access. */
    readonly keyApproved: boolean;
    /** What it may do. */
    readonly grantedPermission: Permission | undefined;
    /** The key that was proved to be the requester's; undefined where anybody may read. */
    readonly provenKey: PublicKey | undefined;
  }
  | { readonly verdict: "pending" };

/** With what a {@link ReadAccess} works. */
export interface ReadAccessOptions {
  /** Tells the time; the computer's clock unless told. */
  readonly clock?: Clock | undefined;
  /** Spent nonces; one ledger for all transports. */
  readonly nonces?: NonceLedger | undefined;
}

/** Decides who may read what. Each refusal is a `SyncError`, whose message goes over the wire. */
export class ReadAccess {
  readonly #port: AccessPort;
  readonly #clock: Clock;
  readonly #nonces: NonceLedger;

  /** Decides for the node behind `port`. */
  constructor(port: AccessPort, { clock = new SystemClock(), nonces }: ReadAccessOptions = {}) {
    this.#port = port;
    this.#clock = clock;
    this.#nonces = nonces ?? new NonceStore({ clock });
  }

  /** Returns if the entries beyond some tips may be sent, with the key by which; undefined where anybody may read. */
  async requireIncremental(
    request: ReadRequest,
  ): Promise<{ readonly provenKey: PublicKey | undefined }> {
    const rules = await this.#rules(request.treeId);
    return { provenKey: isWorldReadable(rules) ? undefined : await this.#requireReader(request) };
  }

  /** Says whether the whole database may be sent. */
  async judgeBootstrap(request: ReadRequest): Promise<BootstrapVerdict> {
    const isOpen = isWorldReadable(await this.#rules(request.treeId));
    const { requestingKey, requestingKeyName, requestedPermission } = request;
    if (requestingKey === undefined || requestingKeyName === undefined) {
      const provenKey = isOpen ? undefined : await this.#requireUnnamed(request);
      return { verdict: "serve", keyApproved: false, grantedPermission: undefined, provenKey };
    }
    if (requestedPermission !== undefined) {
      return await this.#judgeClaim(request, requestingKey, requestedPermission, isOpen);
    }
    if (!isOpen) await this.#requireProofBy(requestingKey, request);
    const granted = await this.#port.strongestPermission(request.treeId, requestingKey);
    if (granted === undefined) throw keyNotAuthorized();
    const provenKey = isOpen ? undefined : requestingKey;
    return { verdict: "serve", keyApproved: true, grantedPermission: granted, provenKey };
  }

  /** Whether anybody may read a database that is shared and held. */
  async isOpen(tree: ID): Promise<boolean> {
    const rules = await this.#port.accessRules(tree);
    return rules !== undefined && isWorldReadable(rules);
  }

  /** The rules of a database that is shared and held. */
  async #rules(tree: ID): Promise<AuthSettings> {
    await requireShared(this.#port, tree);
    const rules = await this.#port.accessRules(tree);
    if (rules === undefined) throw treeNotFound(tree);
    return rules;
  }

  /** Nobody is named that access is asked for: a proof alone will do, a key without a name will not. */
  async #requireUnnamed(request: ReadRequest): Promise<PublicKey> {
    if (request.requestingKey !== undefined) throw authenticationRequired(request.treeId);
    if (request.auth === undefined) throw credentialsRequired();
    return await this.#requireReader(request);
  }

  async #requireReader(request: ReadRequest): Promise<PublicKey> {
    const key = await this.#provenKey(request);
    if (!await this.#may(request.treeId, key, Permission.read)) {
      throw permissionDenied(key, request.treeId);
    }
    return key;
  }

  /** Whether a proof is missing or wrong makes no difference here: asking for access is free. */
  async #judgeClaim(
    request: ReadRequest,
    key: PublicKey,
    wanted: Permission,
    isOpen: boolean,
  ): Promise<BootstrapVerdict> {
    const isProven = isOpen || await this.#isProvenBy(key, request);
    if (!isProven || !await this.#may(request.treeId, key, wanted)) return { verdict: "pending" };
    const provenKey = isOpen ? undefined : key;
    return { verdict: "serve", keyApproved: true, grantedPermission: wanted, provenKey };
  }

  async #isProvenBy(key: PublicKey, request: ReadRequest): Promise<boolean> {
    try {
      await this.#requireProofBy(key, request);
      return true;
    } catch (error) {
      if (error instanceof SyncError) return false;
      throw error;
    }
  }

  async #requireProofBy(key: PublicKey, request: ReadRequest): Promise<void> {
    const proven = await this.#provenKey(request);
    if (proven.equals(key)) return;
    throw authenticationFailed(
      `request is signed by ${proven}, which is not the claimed key ${key}`,
    );
  }

  async #provenKey({ auth, treeId, ourTips }: ReadRequest): Promise<PublicKey> {
    const proven = { server: this.#port.device, tree: treeId, tips: ourTips };
    return await checkProof(auth, proven, this.#nonces, this.#clock);
  }

  async #may(tree: ID, key: PublicKey, wanted: Permission): Promise<boolean> {
    const strongest = await this.#port.strongestPermission(tree, key);
    return strongest !== undefined && strongest.compare(wanted) >= 0;
  }
}

/** Whether anybody may read: nothing was ever said about access, or there is a grant to everybody. */
export function isWorldReadable(rules: AuthSettings): boolean {
  return rules.isEmpty || rules.getGlobalPermission() !== undefined;
}

function credentialsRequired(): SyncError {
  return new SyncError(
    "AuthenticationRequired",
    "Authentication required: This database requires authenticated access. Please provide " +
      "credentials (requesting_key, requesting_key_name, requested_permission) to bootstrap sync.",
  );
}

function keyNotAuthorized(): SyncError {
  return new SyncError(
    "AuthenticationRequired",
    "Authentication required: provided key is not authorized for this database",
  );
}

function permissionDenied(key: PublicKey, tree: ID): SyncError {
  const message = `Permission denied: key ${key} is not authorized to read ${tree}`;
  return new SyncError("PermissionDenied", message, { fields: { key, tree } });
}

import { setInspection } from "#inspect";
import { Doc } from "../crdt/doc.ts";
import { DELETED } from "../crdt/value.ts";
import { ID } from "../entry/id.ts";
import { SigKey } from "../entry/sig_info.ts";
import { PublicKey } from "../keys/public_key.ts";
import { requireInstance } from "../util/arguments.ts";
import { AuthError } from "../util/errors.ts";
import { tryRead } from "../util/try_read.ts";
import { hasMembers, parseKeys, tryAuthKey, tryDelegation, wasEverRestricted } from "./auth_doc.ts";
import { damaged, invalidKey, keyNotFound, requireStrong } from "./auth_errors.ts";
import { AuthKey } from "./auth_key.ts";
import { DelegatedTreeRef } from "./delegation.ts";
import { Permission } from "./permission.ts";

const READ = "read access rules";
const CHANGE = "change access rules";

/**
 * The access rules of a database: a view of the `auth` document in its settings.
 *
 * Reading parses each key once, since thousands of entries are judged by one set of rules. Changing
 * it changes this value only; nothing stored.
 */
export class AuthSettings {
  readonly #doc: Doc;
  #keys: ReadonlyMap<string, AuthKey | undefined> | undefined;
  #global: { readonly key: AuthKey | undefined; readonly isSet: boolean } | undefined;
  #isConfigured: boolean | undefined;

  private constructor(doc: Doc, isConfigured?: true) {
    this.#doc = doc;
    this.#isConfigured = isConfigured;
  }

  /** No rules. */
  static empty(): AuthSettings {
    return new AuthSettings(new Doc());
  }

  /** The rules in an `auth` document. */
  static fromDoc(doc: Doc): AuthSettings {
    requireInstance(doc, Doc, READ, "they");
    return new AuthSettings(doc.clone());
  }

  /** The `auth` document. */
  toDoc(): Doc {
    return this.#doc.clone();
  }

  // --- keys ----------------------------------------------------------------------------------

  get #parsedKeys(): ReadonlyMap<string, AuthKey | undefined> {
    this.#keys ??= parseKeys(this.#doc.peek("keys"));
    return this.#keys;
  }

  get #parsedGlobal(): { readonly key: AuthKey | undefined; readonly isSet: boolean } {
    if (this.#global === undefined) {
      const value = this.#doc.peek("global");
      this.#global = { key: tryAuthKey(value), isSet: value !== undefined && value !== DELETED };
    }
    return this.#global;
  }

  /** What a key is granted; `KeyNotFound` when it is not listed, `InvalidKeyFormat` when damaged. */
  getKeyByPubkey(publicKey: PublicKey): AuthKey {
    requireInstance(publicKey, PublicKey, READ, "the key");
    const text = publicKey.toString();
    const keys = this.#parsedKeys;
    if (!keys.has(text)) throw keyNotFound(text);
    const key = keys.get(text);
    if (key === undefined) throw invalidKey(text);
    return key;
  }

  /** All keys with this name, whatever their status, by key text. */
  findKeysByName(name: string): [publicKey: string, key: AuthKey][] {
    const found: [string, AuthKey][] = [];
    for (const [text, key] of this.#parsedKeys) if (key?.name === name) found.push([text, key]);
    return found.sort(([a], [b]) => a < b ? -1 : 1);
  }

  /** All keys that can be read, by key text. */
  getAllKeys(): [publicKey: PublicKey, key: AuthKey][] {
    const all: [PublicKey, AuthKey][] = [];
    for (const [text, key] of this.#parsedKeys) {
      const publicKey = tryPublicKey(text);
      if (key !== undefined && publicKey !== undefined) all.push([publicKey, key]);
    }
    return all;
  }

  /** Whether access was ever restricted: once it was, nothing unsigned is valid again. */
  get isConfigured(): boolean {
    return this.#isConfigured ??= wasEverRestricted(this.#doc);
  }

  /** Whether nothing was ever said about access: what was deleted leaves a trace. */
  get isEmpty(): boolean {
    return !this.isConfigured && !hasMembers(this.#doc);
  }

  /** Whether anybody is listed that can be read: a key of any status, or an active grant to everybody. */
  get listsAnybody(): boolean {
    for (const key of this.#parsedKeys.values()) if (key !== undefined) return true;
    return this.getGlobalPermission() !== undefined;
  }

  /** The same rules in a database whose access was restricted before, whatever is listed now. */
  keptConfigured(): AuthSettings {
    return new AuthSettings(this.#doc.clone(), true);
  }

  /** Lists a new key; `KeyAlreadyExists` when it is listed. Weak keys are refused. */
  addKey(publicKey: PublicKey, key: AuthKey): void {
    requireInstance(publicKey, PublicKey, CHANGE, "the key");
    if (this.#parsedKeys.get(publicKey.toString()) !== undefined) {
      const text = publicKey.toString();
      throw new AuthError(
        "KeyAlreadyExists",
        `Cannot add the key "${text}": it is listed already`,
        {
          fields: { keyName: text },
        },
      );
    }
    this.overwriteKey(publicKey, key);
  }

  /** Lists a key, or replaces what it is granted. Weak keys are refused. */
  overwriteKey(publicKey: PublicKey, key: AuthKey): void {
    requireInstance(publicKey, PublicKey, CHANGE, "the key");
    requireInstance(key, AuthKey, CHANGE, "what it is granted");
    requireStrong(publicKey);
    this.#put(["keys", publicKey.toString()], key.toDoc());
  }

  /** Gives a key another name, or none. */
  renameKey(publicKey: PublicKey, name: string | undefined): void {
    const { permissions, status } = this.getKeyByPubkey(publicKey);
    this.#put(["keys", publicKey.toString()], new AuthKey(name, permissions, status).toDoc());
  }

  /** Revokes a key; it stays listed. */
  revokeKey(publicKey: PublicKey): void {
    const { name, permissions } = this.getKeyByPubkey(publicKey);
    this.#put(["keys", publicKey.toString()], new AuthKey(name, permissions, "Revoked").toDoc());
  }

  #put(path: readonly string[], value: Doc): void {
    this.#doc.set(path, value);
    this.#keys = undefined;
    this.#global = undefined;
    this.#isConfigured = undefined;
  }

  // --- everybody -----------------------------------------------------------------------------

  /** Grants every key what `key` says. */
  setGlobalPermission(key: AuthKey): void {
    requireInstance(key, AuthKey, CHANGE, "what everybody is granted");
    this.#put(["global"], key.toDoc());
  }

  /** What every key is granted; `KeyNotFound` when nothing is, `InvalidKeyFormat` when damaged. */
  getGlobalKey(): AuthKey {
    const { key, isSet } = this.#parsedGlobal;
    if (key !== undefined) return key;
    throw isSet ? invalidKey("*") : keyNotFound("*");
  }

  /** What every key may do; undefined when nothing is granted or the grant is revoked. */
  getGlobalPermission(): Permission | undefined {
    const { key } = this.#parsedGlobal;
    return key?.isActive === true ? key.permissions : undefined;
  }

  // --- delegations ---------------------------------------------------------------------------

  /** Lets the keys of another database act here. */
  addDelegatedTree(reference: DelegatedTreeRef): void {
    requireInstance(reference, DelegatedTreeRef, CHANGE, "the delegation");
    this.#put(["delegations", reference.tree.root.toString()], reference.toDoc());
  }

  /** The delegation to a database; `DelegationNotFound`, or `InvalidAuthConfiguration` if damaged. */
  getDelegatedTree(root: ID): DelegatedTreeRef {
    requireInstance(root, ID, READ, "the root");
    const value = this.#doc.peek(["delegations", root.toString()]);
    if (value === undefined || value === DELETED) {
      throw new AuthError(
        "DelegationNotFound",
        `Cannot find a delegation to the database "${root}": none is declared`,
        {
          fields: { treeId: root },
        },
      );
    }
    const reference = tryDelegation(value);
    if (reference?.tree.root.equals(root) === true) return reference;
    throw damaged(`the delegation to "${root}" cannot be read, or names another database`);
  }

  /** All delegations that can be read; `InvalidAuthConfiguration` if one has a name that is no ID. */
  getAllDelegatedTrees(): DelegatedTreeRef[] {
    const delegations = this.#doc.peek("delegations");
    if (!(delegations instanceof Doc)) return [];
    const found: DelegatedTreeRef[] = [];
    for (const [name, value] of delegations.entries()) {
      const reference = tryDelegation(value);
      if (reference === undefined) continue;
      if (tryRead(() => ID.parse(name)) === undefined) {
        throw damaged(`the delegation to "${reference.tree.root}" is listed under what is no ID`);
      }
      found.push(reference);
    }
    return found;
  }

  // --- identities ----------------------------------------------------------------------------

  /** Active identities of a key in this database, strongest first; delegations not included. */
  findAllSigkeysForPubkey(publicKey: PublicKey): (readonly [SigKey, Permission])[] {
    requireInstance(publicKey, PublicKey, READ, "the key");
    const found: [SigKey, Permission][] = [];
    const own = this.#parsedKeys.get(publicKey.toString());
    if (own?.isActive === true) found.push([SigKey.fromPubkey(publicKey), own.permissions]);
    const global = this.getGlobalPermission();
    if (global !== undefined) found.push([SigKey.global(publicKey), global]);
    return found.sort(([, a], [, b]) => b.compare(a));
  }

  /** The strongest identity of a key, or `PermissionDenied`. */
  resolveSigKeyForOperation(publicKey: PublicKey): readonly [SigKey, Permission] {
    const [best] = this.findAllSigkeysForPubkey(publicKey);
    if (best !== undefined) return best;
    const reason = `the database has no active grant for the key "${publicKey}"`;
    throw new AuthError("PermissionDenied", `Permission denied: ${reason}`, { fields: { reason } });
  }

  /** Whether a signer with this permission should change what a listed key is granted. */
  canModifyKey(signer: Permission, target: PublicKey): boolean {
    requireInstance(signer, Permission, READ, "the signer's permission");
    if (!signer.canAdmin()) return false;
    return signer.compare(this.getKeyByPubkey(target).permissions) >= 0;
  }

  /** Whether a signer with this permission should list a key with that one. */
  canCreateKey(signer: Permission, permission: Permission): boolean {
    requireInstance(signer, Permission, READ, "the signer's permission");
    return signer.canAdmin() && signer.compare(permission) >= 0;
  }
}

setInspection(AuthSettings, "AuthSettings", (settings) => [`${settings.getAllKeys().length} keys`]);

function tryPublicKey(text: string): PublicKey | undefined {
  return tryRead(() => PublicKey.parse(text));
}

/**
 * Who signed an entry, and how to find the signer's key (01 §5.4, 02 §6).
 *
 * ```text
 * SigInfo = { sig?: base64, key: SigKey }
 * SigKey  = { Direct: { hint } } | { Delegation: { path: [{ tree, tips }], hint } }
 * hint    = { pubkey?, name?, is_global? }
 * ```
 *
 * @module
 */

import { setInspection } from "#inspect";
import { PublicKey } from "../keys/public_key.ts";
import { requireInstance, wrongArgument } from "../util/arguments.ts";
import { fromUtf8 } from "../util/bytes.ts";
import { EntryError } from "../util/errors.ts";
import { ID } from "./id.ts";

/** How to find a key in auth settings. Precedence: global, then public key, then name. */
export interface KeyHint {
  /** The key itself. */
  readonly pubkey?: PublicKey | undefined;
  /** A name, which several keys may have. */
  readonly name?: string | undefined;
  /** Whether the grant to everybody is used; `pubkey` then names the signer. */
  readonly isGlobal?: boolean | undefined;
}

/** One step of a delegation: another database, as of some of its tips. */
export interface DelegationStep {
  /** Root of the database. */
  readonly tree: ID;
  /** Its tips as the signer knew them, in the order written. */
  readonly tips: readonly ID[];
}

/** Which rule of precedence a hint falls under. */
export type HintType = "global" | "pubkey" | "name" | "none";

/** Whether a hint names a key. */
export function isHintSet(hint: KeyHint): boolean {
  return hint.pubkey !== undefined || hint.name !== undefined;
}

/** Which rule of precedence a hint falls under. */
export function hintType(hint: KeyHint): HintType {
  if (hint.pubkey !== undefined) return hint.isGlobal === true ? "global" : "pubkey";
  return hint.name === undefined ? "none" : "name";
}

const NAME = "name an identity";

/**
 * An identity: which grant the signer of an entry claims to act by. It is a key that the settings of the database
 * list ({@link SigKey.fromPubkey}, or {@link SigKey.fromName} by its label), the grant to everybody
 * ({@link SigKey.global}), or a key that another database lists, to which this one delegates
 * ({@link SigKey.delegation}). Saying it proves nothing: the signature and the settings do.
 */
export class SigKey {
  /** An identity that names nobody. */
  static readonly NONE: SigKey = new SigKey({}, undefined);

  /** How to find the key in the last database. */
  readonly hint: KeyHint;
  /** The databases to go through; undefined for a direct identity. */
  readonly path: readonly DelegationStep[] | undefined;

  private constructor(hint: KeyHint, path: readonly DelegationStep[] | undefined) {
    this.hint = hint;
    this.path = path;
  }

  /** A key of this database. */
  static direct(hint: KeyHint): SigKey {
    return new SigKey(hint, undefined);
  }

  /** A key that is reached through other databases. */
  static delegation(path: readonly DelegationStep[], hint: KeyHint): SigKey {
    return new SigKey(hint, path);
  }

  /** A key of this database, by itself. */
  static fromPubkey(pubkey: PublicKey): SigKey {
    requireInstance(pubkey, PublicKey, NAME, "the key");
    return SigKey.direct({ pubkey });
  }

  /** A key of this database, by its name. */
  static fromName(name: string): SigKey {
    if (typeof name !== "string") throw wrongArgument(NAME, "the name", "a text", name);
    return SigKey.direct({ name });
  }

  /** The grant to everybody, used by `pubkey`. */
  static global(pubkey: PublicKey): SigKey {
    requireInstance(pubkey, PublicKey, NAME, "the key");
    return SigKey.direct({ pubkey, isGlobal: true });
  }

  /** Whether the key is one of this database. */
  get isDirect(): boolean {
    return this.path === undefined;
  }

  /** Whether the hint uses the grant to everybody. */
  get isGlobal(): boolean {
    return this.hint.isGlobal === true;
  }

  /** For people: `*` for the grant to everybody, else the key, the name, or `unknown`. */
  displayId(): string {
    if (this.isGlobal) return "*";
    return this.hint.pubkey?.toString() ?? this.hint.name ?? "unknown";
  }

  /** Whether both are the same identity. */
  equals(other: SigKey): boolean {
    return other instanceof SigKey && JSON.stringify(this) === JSON.stringify(other);
  }

  /** The JSON form. */
  toJSON(): unknown {
    const { pubkey, name, isGlobal } = this.hint;
    const hint: Record<string, unknown> = {};
    if (pubkey !== undefined) hint.pubkey = pubkey.toString();
    if (name !== undefined) hint.name = name;
    if (isGlobal === true) hint.is_global = true;
    if (this.path === undefined) return { Direct: { hint } };
    const path = this.path.map(({ tree, tips }) => ({
      tree: tree.toString(),
      tips: tips.map(String),
    }));
    return { Delegation: { path, hint } };
  }

  /** Reads the JSON form, as plain JavaScript; `parseId` reads the IDs in it. */
  static fromJSON(json: unknown, parseId: (text: string) => ID = ID.parse): SigKey {
    const members = Object.entries(asObject(json, "the key"));
    if (members.length !== 1) throw malformed("the key must have one variant");
    const [variant, value] = members[0]!;
    const body = asObject(value, variant);
    if (variant === "Direct") return SigKey.direct(readHint(body.hint));
    if (variant !== "Delegation") throw malformed(`the key variant "${variant}" is not known`);
    if (!Array.isArray(body.path)) throw malformed("the delegation path is missing");
    return SigKey.delegation(body.path.map((step) => readStep(step, parseId)), readHint(body.hint));
  }
}

setInspection(SigKey, "SigKey", (key) => [key.displayId(), key.isDirect ? undefined : "delegated"]);

function malformed(reason: string): EntryError {
  return new EntryError("InvalidStructure", `Cannot read a signature record: ${reason}`, {
    fields: { reason },
  });
}

function asObject(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw malformed(`${what} is not an object`);
}

function readHint(json: unknown): KeyHint {
  const { pubkey, name, is_global } = asObject(json, "the hint");
  if (!isOptional(pubkey, "string") || !isOptional(name, "string")) {
    throw malformed("a hint is not a text");
  }
  if (!isOptional(is_global, "boolean") || is_global === null) {
    throw malformed("the global flag is not true or false");
  }
  return {
    pubkey: typeof pubkey === "string" ? PublicKey.parse(pubkey) : undefined,
    name: name as string | undefined ?? undefined,
    isGlobal: is_global === true ? true : undefined,
  };
}

function isOptional(value: unknown, type: "string" | "boolean"): boolean {
  return value === undefined || value === null || typeof value === type;
}

function readStep(json: unknown, parseId: (text: string) => ID): DelegationStep {
  const { tree, tips } = asObject(json, "a delegation step");
  const isTexts = Array.isArray(tips) && tips.every((tip) => typeof tip === "string");
  if (typeof tree !== "string" || !isTexts) throw malformed("a delegation step is not complete");
  return { tree: parseId(tree), tips: (tips as string[]).map((tip) => parseId(tip)) };
}

/** The signature of an entry and the identity it was made under. */
export class SigInfo {
  /** No signature, nobody. */
  static readonly UNSIGNED: SigInfo = new SigInfo(SigKey.NONE);

  /** The identity. */
  readonly key: SigKey;
  #sig: string | Uint8Array | undefined;

  /** A record of `key`, with a signature or without: as text, or as the ASCII bytes of the text. */
  constructor(key: SigKey, sig?: string | Uint8Array) {
    this.key = key;
    this.#sig = sig;
  }

  /** The signature as base64 text, exactly as written; undefined when there is none. */
  get sig(): string | undefined {
    // Most entries are read without a look at their signature.
    if (typeof this.#sig === "object") this.#sig = fromUtf8(this.#sig);
    return this.#sig;
  }

  /** Whether there is a signature, right or wrong. */
  get hasSignature(): boolean {
    return this.#sig !== undefined;
  }

  /** Whether the entry does not claim to be signed at all. */
  get isUnsigned(): boolean {
    return this.key.isDirect && !isHintSet(this.key.hint) && !this.hasSignature;
  }

  /** Why signature and identity do not fit together; undefined when they do. */
  get malformedReason(): string | undefined {
    if (!this.key.isDirect) {
      return !this.hasSignature ? "a delegation without a signature" : undefined;
    }
    const named = isHintSet(this.key.hint);
    if (named && !this.hasSignature) return "a key hint without a signature";
    return !named && this.hasSignature ? "a signature without a key hint" : undefined;
  }

  /** The JSON form. */
  toJSON(): unknown {
    const key = this.key.toJSON();
    return this.sig === undefined ? { key } : { sig: this.sig, key };
  }
}

setInspection(SigInfo, "SigInfo", ({ key, hasSignature }) => {
  return [key.displayId(), hasSignature ? "signed" : "unsigned"];
});

/** Keys, settings, entries and other databases for the tests of the access rules. */
import {
  AuthKey,
  AuthSettings,
  DelegatedTreeRef,
  EideticaError,
  Entry,
  ID,
  type Outcome,
  Permission,
  PrivateKey,
  type PublicKey,
  type SettingsReader,
  SigInfo,
  SigKey,
} from "../../mod.ts";
import { AuthError } from "../../src/util/errors.ts";
import { utf8 } from "../../src/util/bytes.ts";

/** Largest priority. */
export const MAX: number = 2 ** 32 - 1;
/** Makes `Admin` permissions. */
export const admin: (priority: number) => Permission = Permission.admin;
/** Makes `Write` permissions. */
export const write: (priority: number) => Permission = Permission.write;
/** `Read`. */
export const read: Permission = Permission.read;

/** Whether an error is one of ours with this code. */
export function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof EideticaError && error.code === code;
}

/** The ID of a label. */
export function idOf(label: string): ID {
  return ID.ofRaw(utf8(label));
}

/** The key number `n`: always the same one. The crypto core must be ready. */
export function keyOf(n: number): PrivateKey {
  return PrivateKey.fromSeed(new Uint8Array(32).fill(n));
}

/** Settings that list these keys. */
export function rules(...keys: readonly (readonly [PrivateKey, AuthKey])[]): AuthSettings {
  const settings = AuthSettings.empty();
  for (const [key, grant] of keys) settings.overwriteKey(key.publicKey, grant);
  return settings;
}

/** An active key without a name. */
export function active(permission: Permission, name?: string): AuthKey {
  return AuthKey.active(name, permission);
}

/** A revoked key. */
export function revoked(permission: Permission, name?: string): AuthKey {
  return new AuthKey(name, permission, "Revoked");
}

/** An entry that takes part in some stores, signed by `key` under `identity`. */
export function entryIn(
  stores: readonly string[],
  key?: PrivateKey,
  identity: SigKey = key === undefined ? SigKey.NONE : SigKey.fromPubkey(key.publicKey),
): Entry {
  const builder = Entry.builder(idOf("root")).setParents([idOf("root")]).setHeight(1);
  for (const store of stores) builder.setSubtreeData(store, utf8("{}"));
  const entry = builder.setSig(new SigInfo(identity)).build();
  return key === undefined ? entry : entry.sign(key);
}

/** A delegation to the database `name` from the tips `floor` on. */
export function delegation(
  name: string,
  max: Permission,
  min?: Permission,
  floor: readonly ID[] = [],
): DelegatedTreeRef {
  return new DelegatedTreeRef({ max, min }, { root: idOf(name), tips: floor });
}

/** The step of a path to the database `name`, as of `tips`. */
export function step(name: string, ...tips: ID[]): { tree: ID; tips: ID[] } {
  return { tree: idOf(name), tips: tips.length === 0 ? [idOf(`${name} tip`)] : tips };
}

/** The identity of a key that is reached through databases. */
export function through(key: PublicKey, ...names: string[]): SigKey {
  return SigKey.delegation(names.map((name) => step(name)), { pubkey: key });
}

/** One question that a {@link MemoryReader} was asked. */
export interface Asked {
  readonly tree: string;
  readonly claimed: readonly string[];
  readonly floor: readonly string[];
}

/** Access rules of other databases by claimed tips, in memory; it keeps what it was asked. */
export class MemoryReader implements SettingsReader {
  readonly asked: Asked[] = [];
  readonly #answers = new Map<string, Outcome<AuthSettings>>();

  /** What is known of the database `name` as of `tips`. */
  knows(name: string, value: AuthSettings, ...tips: ID[]): this {
    return this.answers(name, { outcome: "known", value }, ...tips);
  }

  /** The answer for the database `name` as of `tips`. */
  answers(name: string, answer: Outcome<AuthSettings>, ...tips: ID[]): this {
    this.#answers.set(answerKey(idOf(name), step(name, ...tips).tips), answer);
    return this;
  }

  delegatedSettings(
    tree: ID,
    claimed: readonly ID[],
    floor: readonly ID[],
  ): Promise<Outcome<AuthSettings>> {
    this.asked.push({
      tree: `${tree}`,
      claimed: claimed.map(String),
      floor: floor.map(String),
    });
    const missing = [...claimed];
    const answer = this.#answers.get(answerKey(tree, claimed));
    return Promise.resolve(answer ?? { outcome: "undecided", missing });
  }
}

function answerKey(tree: ID, tips: readonly ID[]): string {
  return [tree, ...tips].map(String).join(" ");
}

/** A refusal with a code. */
export function refusal(code: string): Outcome<AuthSettings> {
  return { outcome: "refused", error: new AuthError(code, `refused: ${code}`) };
}

import { core, type VerifyItem } from "../../wasm/mod.ts";
import type { Entry } from "../entry/entry.ts";
import type { PublicKey } from "../keys/public_key.ts";
import { turns } from "../util/turns.ts";

/** Smallest batch whose signatures are checked ahead, on all cores where the host has threads. */
export const MIN_AHEAD = 128;

interface Checked {
  readonly key: PublicKey;
  readonly isValid: boolean;
}

/**
 * Signatures of a batch that were checked ahead, under the keys that the entries themselves name. The
 * verdicts are those of checking one by one; only the time differs.
 */
export class CheckedSignatures {
  /** Nothing was checked ahead. */
  static readonly NONE: CheckedSignatures = new CheckedSignatures(new Map());

  readonly #checked: ReadonlyMap<Entry, Checked>;

  private constructor(checked: ReadonlyMap<Entry, Checked>) {
    this.#checked = checked;
  }

  /** Checks the signatures of a batch; of a small one none, since threads would cost more. */
  static async of(entries: readonly Entry[]): Promise<CheckedSignatures> {
    if (entries.length < MIN_AHEAD) return CheckedSignatures.NONE;
    const named: { entry: Entry; key: PublicKey; item: VerifyItem }[] = [];
    for (const entry of entries) {
      const key = entry.sig.key.hint.pubkey;
      const { signature } = entry;
      if (key === undefined || signature === undefined) continue;
      const item = { publicKey: key.bytes, data: entry.signingBytes, signature };
      named.push({ entry, key, item });
      if (turns.isOver) await turns.next();
    }
    const verdicts = await core().ed25519.verifyBatch(named.map(({ item }) => item));
    const checked = named.map(({ entry, key }, at): [Entry, Checked] => {
      return [entry, { key, isValid: verdicts[at]! }];
    });
    return new CheckedSignatures(new Map(checked));
  }

  /** Whether the signature of an entry is one by `key`. */
  isSignedBy(entry: Entry, key: PublicKey): boolean {
    const checked = this.#checked.get(entry);
    if (checked !== undefined && checked.key.equals(key)) return checked.isValid;
    return entry.verifySignature(key);
  }
}

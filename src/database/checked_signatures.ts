import { core, type VerifyItem } from "../../wasm/mod.ts";
import type { Entry } from "../entry/entry.ts";
import type { PublicKey } from "../keys/public_key.ts";
import { tasksEndWithRequests } from "../util/isolate.ts";
import { turns } from "../util/turns.ts";

/** Smallest batch whose signatures are checked ahead, on all cores where the host has threads. */
export const MIN_AHEAD = 128;

/** Verifies many signatures; the tests replace it. */
export type VerifyBatch = (items: readonly VerifyItem[]) => Promise<boolean[]>;

interface Checked {
  readonly key: PublicKey;
  readonly isValid: boolean;
}

/** What was checked together: whoever has one of the entries still does not keep the others. */
type Verdicts = WeakMap<Entry, Checked>;

/** Checks that have begun before their entries are put, as long as anybody has these. */
const begun = new WeakMap<Entry, Promise<Verdicts>>();

/**
 * Signatures of a batch that were checked ahead, under the keys that the entries themselves name. The
 * verdicts are those of checking one by one; only the time differs.
 */
export class CheckedSignatures {
  /** Nothing was checked ahead. */
  static readonly NONE: CheckedSignatures = new CheckedSignatures([]);

  readonly #checked: readonly Verdicts[];

  private constructor(checked: readonly Verdicts[]) {
    this.#checked = checked;
  }

  /**
   * Begins to check the signatures of entries that will be put soon, while the caller is at work on others;
   * {@link of} finds them. Whoever begins bounds how many are under way.
   */
  static begin(entries: readonly Entry[], verify: VerifyBatch = verifyBatch): void {
    // There are no threads there, and who puts the entries may not wait for what another request has begun.
    if (tasksEndWithRequests || entries.length < MIN_AHEAD) return;
    const checking = check(entries, verify);
    for (const entry of entries) begun.set(entry, checking);
    // It fails where it is waited for, and is begun anew by who tries again.
    checking.catch(() => entries.forEach((entry) => begun.delete(entry)));
  }

  /** Checks the signatures of a batch; of a small one none, since threads would cost more. */
  static async of(
    entries: readonly Entry[],
    verify: VerifyBatch = verifyBatch,
  ): Promise<CheckedSignatures> {
    const under = new Set<Promise<Verdicts>>();
    const others: Entry[] = [];
    for (const entry of entries) {
      const checking = begun.get(entry);
      if (checking === undefined) others.push(entry);
      else under.add(checking);
    }
    if (others.length >= MIN_AHEAD) under.add(check(others, verify));
    if (under.size === 0) return CheckedSignatures.NONE;
    return new CheckedSignatures(await Promise.all(under));
  }

  /** Whether the signature of an entry is one by `key`. */
  isSignedBy(entry: Entry, key: PublicKey): boolean {
    for (const verdicts of this.#checked) {
      const checked = verdicts.get(entry);
      if (checked?.key.equals(key) === true) return checked.isValid;
    }
    return entry.verifySignature(key);
  }
}

function verifyBatch(items: readonly VerifyItem[]): Promise<boolean[]> {
  return core().ed25519.verifyBatch(items);
}

async function check(entries: readonly Entry[], verify: VerifyBatch): Promise<Verdicts> {
  const named: { entry: Entry; key: PublicKey; item: VerifyItem }[] = [];
  for (const entry of entries) {
    const key = entry.sig.key.hint.pubkey;
    const { signature } = entry;
    if (key === undefined || signature === undefined) continue;
    const item = { publicKey: key.bytes, data: entry.signingBytes, signature };
    named.push({ entry, key, item });
    if (turns.isOver) await turns.next();
  }
  const verdicts = await verify(named.map(({ item }) => item));
  return new WeakMap(named.map(({ entry, key }, at): [Entry, Checked] => {
    return [entry, { key, isValid: verdicts[at]! }];
  }));
}

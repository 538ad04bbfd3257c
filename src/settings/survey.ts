import { MAX_CLAIMED_TIPS, MAX_DELEGATION_STEPS } from "../auth/resolve.ts";
import type { SignatureCheck } from "../auth/validate.ts";
import type { LocalBackend } from "../backend/local.ts";
import { docState } from "../backend/state/doc_state.ts";
import { SETTINGS } from "../entry/constants.ts";
import type { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import { EntryMetadata } from "../entry/metadata.ts";
import type { DelegationStep, SigKey } from "../entry/sig_info.ts";
import type { Snapshot } from "../entry/snapshot.ts";
import { claimedTips, type VerdictReader } from "./delegated_settings.ts";
import { restricts } from "./pinned_settings.ts";
import { SettingsIndex } from "./settings_index.ts";

/** What of a delegated database must have a verdict before it can be told. */
export interface Open {
  /** The entries without verdict. */
  readonly missing: readonly ID[];
  /** Those of them that nobody holds. */
  readonly absent: readonly ID[];
  /** The database. */
  readonly of: ID;
}

/** Go on, never valid, or not to be told yet. */
export type Survey = "ok" | "Failed" | Open;

/**
 * What can be told of the signer of an entry before any history is walked, or settings are computed:
 * whether the signature is right, and whether any settings have ever named the signer so. Whoever was
 * never named gets no further, so what he sends costs the same on a long history as on a short one.
 */
export class SignerSurvey {
  readonly #backend: LocalBackend;
  readonly #update: VerdictReader;
  readonly #isSignedBy: SignatureCheck;

  /** Looks at entries of the tree of `update`. */
  constructor(backend: LocalBackend, update: VerdictReader, isSignedBy: SignatureCheck) {
    this.#backend = backend;
    this.#update = update;
    this.#isSignedBy = isSignedBy;
  }

  /** The signer of an entry whose pinned tips are Verified. */
  async look({ sig, isRoot }: Entry, pin: Snapshot): Promise<Survey> {
    const { key } = sig;
    if (sig.malformedReason !== undefined) return "Failed";
    if (isRoot) return "ok";
    if (sig.isUnsigned) return await this.#wasBornRestricted() ? "Failed" : "ok";
    if (key.path !== undefined) return await this.#follow(await this.#indexOf(pin), key);
    const { pubkey } = key.hint;
    if (pubkey !== undefined && !this.#isSignedBy(pubkey)) return "Failed";
    return await this.#isAtHand(pin) ? "ok" : this.#lookUp(await this.#indexOf(pin), key);
  }

  async #indexOf(pin: Snapshot): Promise<SettingsIndex> {
    return await SettingsIndex.of(this.#backend, this.#update, this.#update.tree, pin.tips);
  }

  /** Every pin covers the root, and that access was restricted sticks. */
  async #wasBornRestricted(): Promise<boolean> {
    return restricts((await this.#update.find(this.#update.tree))?.findData(SETTINGS));
  }

  /** Whether the settings at a pin are the newest, or in memory. */
  async #isAtHand(pin: Snapshot): Promise<boolean> {
    const { tree } = this.#update;
    return this.#backend.states.peek(tree, SETTINGS, pin, docState) !== undefined ||
      pin.equals(await this.#backend.verifiedStoreSnapshot(tree, SETTINGS));
  }

  #lookUp(index: SettingsIndex, { hint }: SigKey): Survey {
    return index.everMeantBy(hint).some(this.#isSignedBy) ? "ok" : "Failed";
  }

  async #follow(index: SettingsIndex, key: SigKey): Promise<Survey> {
    const path = key.path!;
    if (path.length === 0 || path.length > MAX_DELEGATION_STEPS || key.isGlobal) return "Failed";
    let current = index;
    for (const step of path) {
      if (step.tips.length > MAX_CLAIMED_TIPS || !current.everDelegatesTo(step.tree)) {
        return "Failed";
      }
      const absent: ID[] = [];
      const open = await claimedTips(this.#backend, this.#update, step.tree, step.tips, absent);
      if (open?.outcome === "refused") return "Failed";
      if (open?.outcome === "undecided") return { missing: open.missing, absent, of: step.tree };
      current = await this.#indexAt(step);
    }
    return this.#lookUp(current, key);
  }

  /** What a Verified entry pins covers all settings below it. */
  async #indexAt({ tree, tips }: DelegationStep): Promise<SettingsIndex> {
    const reader = this.#update.tree.equals(tree) ? this.#update : this.#backend;
    const ids = [...tips];
    for (const tip of tips) {
      const metadata = (await reader.find(tip))?.metadata;
      if (metadata !== undefined) ids.push(...EntryMetadata.parse(metadata).settingsTips);
    }
    return await SettingsIndex.of(this.#backend, reader, tree, ids);
  }
}

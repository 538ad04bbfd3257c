import type { Outcome, SettingsReader } from "../auth/port.ts";
import type { AuthSettings } from "../auth/settings.ts";
import type { LocalBackend } from "../backend/local.ts";
import type { TreeUpdate } from "../backend/tree/tree_update.ts";
import type { ID } from "../entry/id.ts";
import { delegatedSettings } from "../settings/delegated_settings.ts";

/** Reads the rules of other databases, and keeps which one was asked for last. */
export class AbroadReader implements SettingsReader {
  /** The database that was asked for last. */
  asked: ID | undefined;
  /** What of all that was asked for nobody holds. */
  readonly absent: ID[] = [];
  readonly #backend: LocalBackend;
  readonly #update: TreeUpdate;

  /** Reads for an entry that `update` is about to take. */
  constructor(backend: LocalBackend, update: TreeUpdate) {
    this.#backend = backend;
    this.#update = update;
  }

  /** See {@link SettingsReader.delegatedSettings}. */
  delegatedSettings(
    tree: ID,
    claimed: readonly ID[],
    floor: readonly ID[],
  ): Promise<Outcome<AuthSettings>> {
    this.asked = tree;
    return delegatedSettings(this.#backend, this.#update, tree, claimed, floor, this.absent);
  }
}

/**
 * What the access rules ask of whoever holds the databases.
 *
 * @module
 */

import type { ID } from "../entry/id.ts";
import type { AuthError } from "../util/errors.ts";
import type { AuthSettings } from "./settings.ts";

/** An answer, a refusal for good, or "cannot tell yet" with what is missing. */
export type Outcome<T> =
  | { readonly outcome: "known"; readonly value: T }
  | { readonly outcome: "undecided"; readonly missing: readonly ID[] }
  | { readonly outcome: "refused"; readonly error: AuthError };

/** Reads the access rules of other databases. */
export interface SettingsReader {
  /**
   * Rules of the database `tree` as of `claimed` tips, which must be Verified and at or above every
   * `floor` tip.
   */
  delegatedSettings(
    tree: ID,
    claimed: readonly ID[],
    floor: readonly ID[],
  ): Promise<Outcome<AuthSettings>>;
}

/**
 * The note of a change of a password that may not be complete, in the user's own database. Its key is the
 * new salt; the row is compact JSON, byte strings are arrays of numbers:
 *
 * ```text
 * {"previous":{"ciphertext":[…48 bytes],"nonce":[…12 bytes]}}   the old derived key, sealed under the new one
 * {"previous":null}                                             there was no password before
 * ```
 *
 * Other software ignores it. Whoever knows the new password finds the old key here, and so the keys that are
 * sealed under that still. The other way round there is nothing: the old password opens nothing new.
 *
 * @module
 */

import { core } from "../../wasm/mod.ts";
import type { SealedKey } from "../keys/sealed.ts";
import type { RowCodec } from "../store/row_codec.ts";
import type { RandomSource } from "../util/random.ts";
import { bytes, type Json, object, record } from "./record_json.ts";

const NONCE_LENGTH = 12;

/** A change of a password that was begun. */
export interface PasswordChange {
  /** The old derived key, sealed under the new one; undefined when there was no password. */
  readonly previous: SealedKey | undefined;
}

/** Notes an old derived key, sealed under a new one. */
export async function notedChange(
  previous: Uint8Array | undefined,
  derived: Uint8Array,
  random: RandomSource,
): Promise<PasswordChange> {
  if (previous === undefined) return { previous: undefined };
  const nonce = random.bytes(NONCE_LENGTH);
  return { previous: { ciphertext: await core().seal(derived, nonce, previous), nonce } };
}

/** The old derived key out of a note. */
export async function notedKey(
  { previous }: PasswordChange,
  derived: Uint8Array,
): Promise<Uint8Array | undefined> {
  return previous && await core().open(derived, previous.nonce, previous.ciphertext);
}

function readSealed(value: Json): SealedKey {
  return {
    ciphertext: bytes(value.ciphertext, "the ciphertext"),
    nonce: bytes(value.nonce, "the nonce"),
  };
}

/** Rows of `password_changes` in a user's database. */
export const passwordChangeRow: RowCodec<PasswordChange> = record(
  "change of a password",
  ({ previous }) => ({
    previous: previous === undefined
      ? null
      : { ciphertext: [...previous.ciphertext], nonce: [...previous.nonce] },
  }),
  ({ previous }) => {
    if (previous === null) return { previous: undefined };
    return { previous: readSealed(object(previous, "previous")) };
  },
);

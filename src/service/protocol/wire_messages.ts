/**
 * The texts that the reference gives its errors: its clients read IDs out of them, and people expect them.
 *
 * @module
 */

import type { EideticaError } from "../../util/errors.ts";

type Fields = Readonly<Record<string, unknown>>;

const withReason = (title: string) => ({ reason }: Fields) => reason && `${title}: ${reason}`;
const withUser = (title: string) => ({ username }: Fields) => `${title}: ${username}`;

/** What the operation of this package that looks for a merge base is called there. */
const OPERATIONS = new Map<unknown, string>([
  ["findMergeBase", "No entry IDs provided for find_merge_base"],
]);

/** The reason of this package for refusing an entry that builds on nothing and is no root. */
const WITHOUT_PARENTS = "empty main tree parents on a non-root entry";

/** By module and code, what makes the text of the fields; where that gives nothing, the message stays. */
const TEXTS: Readonly<Record<string, (fields: Fields) => unknown>> = {
  "auth/InvalidAuthConfiguration": withReason("Invalid auth configuration"),
  "auth/InvalidSignature": () => "Invalid signature",
  "auth/PermissionDenied": withReason("Permission denied"),
  "auth/SigningKeyMismatch": withReason("Signing key mismatch"),
  "backend/EmptyEntryList": ({ operation }) => OPERATIONS.get(operation) ?? operation,
  "backend/EntryNotFound": ({ id }) => `Entry not found: ${id}`,
  "backend/NoCommonAncestor": ({ entryIds }) => {
    const ids = (entryIds as readonly unknown[] | undefined ?? []).map((id) =>
      `ID(Some(Cid(${id})))`
    );
    return `No common ancestor found for entries: [${ids.join(", ")}]`;
  },
  "backend/VerificationStatusNotFound": ({ id }) => `Verification status not found: ${id}`,
  "instance/DatabaseNotFound": ({ name }) => name,
  "instance/EntryValidationFailed": ({ reason, entryId }) =>
    reason === WITHOUT_PARENTS && `Entry validation failed: Non-root entry ${entryId} has empty ` +
      "main tree parents. All non-root entries must have valid parent relationships in the main tree.",
  "instance/EntryNotFound": ({ id }) => `Entry not found: ${id}`,
  "service/UnexpectedProof": ({ reason }) => reason,
  "transaction/EmptyTipsNotAllowed": () => "Empty tips array not allowed for transaction",
  "user/DuplicateUsersDetected": ({ username, count }) =>
    `Multiple users detected with username '${username}' (${count} found). ` +
    "This indicates a race condition during user creation. Manual intervention required.",
  "user/UserDisabled": withUser("User account disabled"),
  "user/UserNotFound": withUser("User not found"),
};

/** The text of an error for the wire. */
export function messageOf({ module, code, message, fields }: EideticaError): string {
  const text = TEXTS[`${module}/${code}`]?.(fields);
  return typeof text === "string" ? text : message;
}

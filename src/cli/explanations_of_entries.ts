import type { Explanation } from "./explanations.ts";

/** Rights, entries, stores and values. */
export const ENTRIES: Readonly<Record<string, Explanation>> = {
  InvalidKeyFormat: { means: "a text is no key", next: "keys are ed25519: and 44 characters" },
  KeyParsingFailed: { means: "a text is no key", next: "keys are ed25519: and 44 characters" },
  InvalidKeyStatus: { means: "the settings give a key a status that is none" },
  KeyAlreadyExists: { means: "the settings list the key already", next: "eidetica db keys DB" },
  DatabaseRequired: { means: "a delegation leads to a database that is not at hand" },
  DelegatedTreeUnsynced: {
    means: "a delegation leads to a database that is not here yet",
    next: "eidetica db sync DB, for the database that it leads to",
  },
  DelegationNotFound: { means: "the settings delegate to no such database" },
  EmptyDelegationPath: { means: "a delegation has no steps" },
  DelegationPathTooLong: { means: "a delegation has more steps than are followed" },
  InvalidDelegationStep: { means: "a step of a delegation is one that may not be there" },
  InvalidDelegationTips: { means: "a delegation claims a state that its database never had" },
  DelegationTipsTooMany: { means: "a step of a delegation claims more tips than are followed" },
  InvalidChallenge: { means: "what was to be signed is no challenge" },
  InvalidSignature: { means: "a signature was not made with the key that is named" },
  CorruptedAuthConfiguration: {
    means: "the change would leave rights that cannot be read",
    next: "use db keys, or database.grant and revoke of the library",
  },
  SystemSubtreeLocked: {
    means: "a store whose name begins with _ was to be written as one of one's own",
    next: "use the settings of the transaction",
  },
  TransactionAlreadyCommitted: { means: "a transaction was used after it was committed" },
  Overtaken: { means: "somebody else has committed first", next: "run it again" },
  InvalidTip: {
    means: "an entry was named as a state that cannot be one",
    next: "eidetica db log DB",
  },
  EmptyTipsNotAllowed: { means: "a state was named by no entries at all" },
  EntryInvalid: { means: "an entry breaks a rule, and is not stored" },
  InvalidStructure: { means: "bytes are no entry" },
  InvalidIndexData: { means: "the list of stores in an entry cannot be read" },
  EntryNotInTree: {
    means: "the entry belongs to another database",
    next: "eidetica explain ENTRY",
  },
  EntryNotInDatabase: {
    means: "the entry belongs to another database",
    next: "eidetica explain ENTRY",
  },
  EmptyEntryList: { means: "entries were to be named, and none was" },
  NoCommonAncestor: { means: "the entries have nothing below them in common" },
  BacklogFull: {
    means: "too much waits for what is not here",
    next: "eidetica db sync DB, so that what is missing comes",
  },
  VerificationStatusNotFound: { means: "the entry is not held here", next: "eidetica db sync DB" },
  StateInconsistency: {
    means: "what was kept of a store does not fit its history",
    next: "eidetica doctor",
  },
  TreeIntegrityViolation: {
    means: "the history in the storage has a gap",
    next: "eidetica doctor",
  },
  InvalidConfiguration: { means: "a store is set up in a way that it cannot be" },
  InvalidOperation: { means: "the store cannot do that" },
  RequiresTransaction: { means: "a value was to be written outside of a transaction" },
  ImplementationError: { means: "what a store holds cannot be read by its type" },
  DuplicateBuilderStore: { means: "a new database was given two stores of one name" },
  ElementNotFound: { means: "there is no value at the path", next: "eidetica db get DB STORE" },
  ListIndexOutOfBounds: { means: "a list has no item at the place" },
  ListOperationFailed: { means: "a list cannot be changed in that way" },
  InvalidUuid: { means: "a text is no UUID" },
  InvalidValue: { means: "a document cannot hold the value" },
  SerializationFailed: { means: "a value cannot be written as JSON" },
};

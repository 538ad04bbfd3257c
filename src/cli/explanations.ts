import { ENTRIES } from "./explanations_of_entries.ts";
import { NODES } from "./explanations_of_nodes.ts";

/** What an error code means, and what to do. */
export interface Explanation {
  /** What it means, in a sentence. */
  readonly means: string;
  /** What leads to it. */
  readonly causes?: string;
  /** What to do next. */
  readonly next?: string;
}

/** All codes: those that people meet first, and the others. */
export const CODES: Readonly<Record<string, Explanation>> = {
  ...ENTRIES,
  ...NODES,
  // Storages and instances.
  NotInitialized: {
    means: "the storage holds no instance",
    causes: "a new folder; another one than was meant",
    next: "eidetica daemon init --username NAME",
  },
  InstanceAlreadyExists: {
    means: "an instance is to be made where there is one",
    next: "eidetica info",
  },
  InvalidSnapshot: {
    means: "the file of an in-memory storage cannot be read",
    causes: "it was cut short, changed by hand, or is of other software",
    next: "put a copy in its place",
  },
  DeviceKeyMismatch: {
    means: "the device's key in the storage is not the one that the instance was made with",
    next: "put a copy of the storage in its place",
  },
  Unavailable: {
    means: "the storage cannot be opened",
    causes: "its file or server is missing, or its driver is not installed",
    next: "eidetica doctor",
  },
  Busy: {
    means: "the storage is in use by another process",
    causes: "a daemon or node serves it; a backup holds it",
    next: "end the other process, or try again",
  },
  StorageInUse: {
    means: "another process holds the storage in memory",
    causes: "a node or daemon with -b inmemory, which writes its file when it ends",
    next: "work through it with --connect, or end it",
  },
  OperationNotSupported: {
    means: "only the process that has the storage can do that",
    causes: "the command works through a daemon",
    next: "run it on the storage itself: --connect off",
  },
  AddressInUse: {
    means: "another process serves the socket",
    next: "end it, or take another path with --socket",
  },
  NotASocket: {
    means: "something else is at the path of the socket",
    next: "take another path with --socket",
  },
  ReadOnly: {
    means: "the storage may only be read",
    next: "look at the rights of file and folder",
  },
  Corrupt: {
    means: "what the storage holds is damaged",
    causes: "a broken disk; a copy that was made while it was written",
    next: "eidetica doctor, then put a copy in its place",
  },
  ForeignFile: {
    means: "the file is no storage of an instance",
    causes: "it belongs to another program",
    next: "name another folder with --data-dir",
  },
  UnsupportedSchema: {
    means: "the storage was written by a newer version",
    next: "use that version, or a newer one",
  },
  UnsupportedScheme: { means: "the URL leads to no storage that is known" },
  InvalidUrl: { means: "the URL of the storage cannot be read" },
  Aborted: { means: "the work was ended before it was done", next: "run it again" },
  // Users.
  UserNotFound: { means: "no user has this name", next: "eidetica user list" },
  UserDisabled: {
    means: "an administrator keeps the user from logging in",
    next: "an administrator: eidetica user disable NAME --enable",
  },
  UsernameAlreadyExists: { means: "the name is taken", next: "eidetica user passwd NAME" },
  PasswordRequired: {
    means: "the user has a password, and none was given",
    next: "--password-file, or EIDETICA_PASSWORD in the environment",
  },
  InvalidPassword: {
    means: "a password was given to a user who has none",
    next: "leave it out",
  },
  DecryptionFailed: {
    means: "the password is wrong, or what it protects is damaged",
    next: "try the password again; nothing was changed",
  },
  LastAdmin: {
    means: "nobody would be left who administers the instance",
    next: "make another administrator first",
  },
  InsufficientPermissions: {
    means: "the user may not do that",
    next: "eidetica --user ADMIN …",
  },
  // Databases and rights.
  DatabaseNotTracked: {
    means: "the user does not track the database",
    next: "eidetica db join TICKET",
  },
  NoKeyForDatabase: {
    means: "no key of the user is listed in the database",
    next: "eidetica db keys DB, then ask an Admin for a grant",
  },
  DatabaseAccessPending: {
    means: "access was asked for, and nobody has decided",
    next: "ask an Admin: eidetica requests list",
  },
  DatabaseNotFound: { means: "there is no such database here", next: "eidetica db list" },
  EntryNotFound: {
    means: "the entry is not held here",
    causes: "it has not arrived, or belongs to another node",
    next: "eidetica db sync DB",
  },
  KeyNotFound: {
    means: "a key, or a value of a store, does not exist",
    next: "eidetica db keys DB, or eidetica db get DB STORE",
  },
  PermissionDenied: {
    means: "the key may not do that in this database",
    causes: "it may only read; it was revoked; its priority is too low",
    next: "eidetica db keys DB, then ask an Admin for a grant",
  },
  SigningKeyMismatch: {
    means: "the key that signed is not the key that was named",
    causes: "another user is logged in; key replaced; delegated key revoked",
    next: "eidetica db keys DB, then eidetica --user NAME …, or ask an Admin",
  },
  InvalidAuthConfiguration: {
    means: "the rights in the settings of the database cannot be read",
    causes: "they were written by hand or by other software",
    next: "an Admin mends them with the library",
  },
  EntryValidationFailed: {
    means: "the change would not be valid under the settings of the database",
    next: "eidetica db keys DB tells what the key may do",
  },
  EntryTooLarge: { means: "one change is larger than an entry may be", next: "make several of it" },
  TooManyAttempts: {
    means: "others were always faster with a change that must be the only one",
    next: "run it again",
  },
  TypeMismatch: { means: "a value or store is of another type", next: "eidetica db show DB" },
  InvalidPath: {
    means: "the path leads through what is no document",
    next: "eidetica db get DB STORE",
  },
  // Synchronisation.
  SyncNotEnabled: { means: "the instance does not synchronise", next: "eidetica serve" },
  BootstrapPending: {
    means: "access was asked for, and nobody has decided",
    next: "ask an Admin: eidetica requests list",
  },
  AccessRejected: { means: "an Admin has refused the request", next: "talk to them" },
  AuthenticationRequired: {
    means: "the other node gives the database to keys that it knows alone",
    next: "eidetica db join TICKET --permission read",
  },
  AuthenticationFailed: {
    means: "the other node does not believe the signature",
    next: "eidetica doctor",
  },
  TreeNotFound: { means: "the other node has no such database", next: "ask for a new ticket" },
  ConnectionFailed: {
    means: "nobody answers at the address",
    causes: "the node is down; a firewall; a loopback address of another machine",
    next: "eidetica health URL",
  },
  Timeout: { means: "the other node has taken too long", next: "run it again" },
  ProtocolMismatch: { means: "the nodes speak different versions", next: "update the older one" },
  InvalidAddress: {
    means: "the ticket or address cannot be read, or says no address",
    next: "eidetica db share DB there, while a node serves",
  },
  PeerNotFound: { means: "no such peer was ever met", next: "eidetica peers" },
  PeerBlocked: { means: "the other node does not talk to this one", next: "talk to who runs it" },
  RequestNotFound: { means: "there is no such request", next: "eidetica requests list --all" },
  ServerBind: {
    means: "it cannot listen at this address",
    causes: "the port is in use; the host is none of this machine; ports below 1024 are for root",
    next: "name others with --port and --host",
  },
  TransportInit: { means: "this runtime has no servers", next: "use Deno, Bun or Node" },
  // Values.
  DeserializationFailed: { means: "a text is not the JSON that it must be" },
  InvalidFormat: { means: "a text is no ID", next: "eidetica db list, eidetica db log DB" },
  InvalidArgument: { means: "a value is missing, or not of the kind that it must be" },
};

import type { Explanation } from "./explanations.ts";

const MALFORMED = "the other side has sent what cannot be read";
const UPDATE = "update whichever side is older";
const LATER = "try again later";

/** Storages, daemons and other nodes. */
export const NODES: Readonly<Record<string, Explanation>> = {
  Io: { means: "the system could not read or write a file", next: "eidetica doctor" },
  NotFound: { means: "there is no storage at the place", next: "eidetica info" },
  FileChanged: { means: "a file was changed by somebody else meanwhile", next: "run it again" },
  BackendUnavailable: { means: "this runtime has no such storage" },
  SnapshotNotSupported: { means: "only a storage in memory has a snapshot" },
  DeviceKeyNotFound: {
    means: "the storage holds no instance, or has lost its key",
    next: "eidetica info",
  },
  PartNotLoaded: { means: "a part of the package could not be loaded", next: "install it anew" },
  InstanceDropped: { means: "the instance was closed meanwhile", next: "run it again" },
  KeyWiped: { means: "a key was used after its user had logged out" },
  PasswordChanged: {
    means: "the password was changed meanwhile",
    next: "run it again with the new one",
  },
  DuplicateUsersDetected: {
    means: "two users have one name",
    causes: "they were made on two machines at the same time",
    next: "eidetica user list, then remove one with the library",
  },
  // Daemons.
  ConnectionAborted: { means: "the connection to the daemon has ended", next: "run it again" },
  VersionMismatch: { means: "the daemon speaks another version", next: UPDATE },
  Undecodable: { means: MALFORMED, next: UPDATE },
  FrameCut: { means: "the connection ended in the middle of a message", next: "run it again" },
  FrameTooLarge: { means: "a message is larger than they may be", next: "do it in parts" },
  LimitExceeded: { means: "more was asked for than a client may", next: "do it in parts" },
  DeadlineExceeded: { means: "the daemon has taken too long", next: "run it again" },
  Stopped: { means: "the daemon has ended", next: "start it, then run it again" },
  NotReading: {
    means: "what the daemon had to say was not read for too long",
    next: "run it again",
  },
  EntryMissing: {
    means: "the daemon has told of an entry that it does not give",
    next: "eidetica db verify DB",
  },
  InvalidRecord: { means: MALFORMED, next: UPDATE },
  UnexpectedProof: { means: "a proof came that nobody had asked for" },
  BindFailed: { means: "the socket cannot be made", next: "take another path with --socket" },
  // Other nodes.
  Closed: { means: "synchronisation has ended", next: "run it again" },
  Closing: { means: "the other node is about to end", next: LATER },
  Network: { means: "the connection has failed", next: LATER },
  HandshakeFailed: { means: "the two nodes did not come to terms", next: UPDATE },
  UnexpectedResponse: { means: "the answer is not one to the question", next: UPDATE },
  SerializationError: { means: MALFORMED, next: UPDATE },
  InvalidData: { means: MALFORMED, next: UPDATE },
  Malformed: { means: MALFORMED, next: UPDATE },
  InvalidEntry: { means: "the other node has sent an entry that is none" },
  EntryOfOtherTree: { means: "the other node has sent an entry of another database" },
  TooLarge: { means: "more was sent at once than is taken", next: "do it in parts" },
  TooBusy: { means: "the other node has too much to do", next: LATER },
  TooMuch: { means: "more was asked for than is given at once", next: LATER },
  TooManyRounds: { means: "two nodes could not come in step", next: "eidetica doctor on both" },
  TooManyWanted: { means: "more was asked for than is given at once", next: LATER },
  TooManyInvalid: { means: "the other node has sent too much that is not valid" },
  TooManySessions: { means: "the other node talks to as many as it can", next: LATER },
  CreditExceeded: { means: "more was sent than there was room for", next: UPDATE },
  Banned: { means: "the other node does not talk to this one for a while", next: LATER },
  BadProof: { means: "the other node is not who it says it is", next: "ask for a new ticket" },
  NotAllowed: {
    means: "the key may not read the database",
    next: "eidetica db join TICKET --permission read",
  },
  NotOverPost: {
    means: "that needs a live connection",
    next: "reach the node without what is in between",
  },
  RequestRefused: { means: "the other node has refused the request" },
  InvalidRequestState: {
    means: "the request was decided already",
    next: "eidetica requests list --all",
  },
  InsufficientPermission: { means: "the key may not decide that", next: "eidetica --user ADMIN …" },
  InvalidKeyName: { means: "the name of a key is empty or too long" },
  PeerAlreadyExists: { means: "the peer is known already", next: "eidetica peers" },
  TransportTypeMismatch: { means: "the configuration belongs to another transport" },
  TransportNotFound: { means: "there is no such transport here" },
  NoTransportForAddress: {
    means: "no transport here leads to the address",
    next: "ask for another ticket",
  },
  NoTransportEnabled: { means: "there is no transport at all here" },
  MultipleTransportErrors: { means: "every transport has failed", next: LATER },
  ServerNotRunning: { means: "nobody listens here", next: "eidetica serve" },
  ServerAlreadyRunning: { means: "it listens already" },
};

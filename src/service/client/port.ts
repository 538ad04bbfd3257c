/**
 * What a client needs of the place where it runs.
 *
 * @module
 */

/** What is told of a socket. After `ended` nothing more is. */
export interface SocketListener {
  /** Bytes have arrived. */
  received(piece: Uint8Array): void;
  /** Nothing more comes, because the other side has ended it, or for the reason given. */
  ended(cause?: unknown): void;
}

/** A connected socket. */
export interface DaemonSocket {
  /** Sends bytes, which are not changed afterwards. */
  write(bytes: Uint8Array): void;
  /** Whether the process stays alive for it: it does while an answer is waited for. */
  hold(isAwaited: boolean): void;
  /** Ends it at once. */
  close(): void;
}

/** The place where a client runs. */
export interface ClientPlace {
  /**
   * Connects to whoever listens at `path`, and tells `listen` at once, which says who is told of what comes. Throws
   * `ServiceError` `ConnectionFailed`, `InvalidPath` for a path that sockets cannot have.
   */
  connectSocket(path: string, listen: (socket: DaemonSocket) => SocketListener): Promise<void>;
  /** Does something every so many milliseconds, which keeps no process alive; what it returns ends that. */
  every(milliseconds: number, work: () => void): () => void;
  /** Waits for so many milliseconds, which keeps no process alive. */
  pause(milliseconds: number): Promise<void>;
}

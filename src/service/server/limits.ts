/**
 * What clients may cost. Each limit is one constant here.
 *
 * @module
 */

/** Most bytes of requests that wait while one is handled; no more is read until there is room. */
export const MAX_WAITING_BYTES: number = 1024 * 1024;

/** Most requests that wait while one is handled. */
export const MAX_WAITING_REQUESTS = 1024;

/** Most bytes that wait to be sent before the next request is handled. */
export const MAX_UNSENT_BYTES: number = 1024 * 1024;

/** Most bytes of notifications that wait to be sent: a client that has not read more than these is cut off. */
export const MAX_UNREAD_BYTES: number = 16 * 1024 * 1024;

/** Most bytes of the entries in a notification; it comes without them when they are more. */
export const MAX_CONTENT_BYTES: number = 256 * 1024;

/** Most session keys that a connection may prove, and most challenges that it may leave open. */
export const MAX_SESSION_KEYS = 1024;

/** Most subscriptions of a connection. */
export const MAX_SUBSCRIPTIONS = 4096;

/** Most entries, tips or stores that one operation may name. */
export const MAX_BATCH = 10_000;

/** Most connections at a time. */
export const MAX_CONNECTIONS = 4096;

/** Most bytes of cached states, of all users together. */
export const MAX_CACHED_BYTES: number = 256 * 1024 * 1024;

/** How long what was begun, and what waits to be sent, may take when a server is stopped, in milliseconds. */
export const STOP_GRACE_MS = 10_000;

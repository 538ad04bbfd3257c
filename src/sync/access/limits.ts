/**
 * What strangers may cost (09, `docs/security.md`). Each limit is one constant here.
 *
 * @module
 */

/** Largest request over HTTP, in bytes: the one that nodes of the Rust project take. */
export const MAX_HTTP_REQUEST_BYTES: number = 2 * 1024 * 1024;

/** Requests with a body that may be read at a time: each may bring {@link MAX_HTTP_REQUEST_BYTES}. */
export const MAX_REQUESTS_READ = 512;

/** Those of one address that may be; of IPv6, of one network `/64`. */
export const MAX_REQUESTS_READ_PER_ADDRESS = 64;

/** Largest part of a message that is not an entry, in bytes: only so much of it is ever buffered. */
export const MAX_PART_BYTES: number = 8 * 1024 * 1024;

/**
 * Largest entry in JSON, in bytes: one of 16 MiB whose payload is an array of numbers. Only so much of a message
 * is ever buffered for an entry.
 */
export const MAX_ENTRY_JSON_BYTES: number = 64 * 1024 * 1024;

/** How far the time of a request may be from the server's clock, in milliseconds, in both directions. */
export const FRESHNESS_MS = 60_000;

/** Most spent nonces that are remembered. */
export const MAX_NONCES = 100_000;

/** Most pushed entries of trees that nobody here keeps in step, since synchronisation was enabled. */
export const MAX_STRAY_ENTRIES = 256;

/** Most bytes of such entries. */
export const MAX_STRAY_BYTES: number = 1024 * 1024;

/** Most peers that may be known for one more to be noted because it came by. Users add as many as they like. */
export const MAX_PEERS = 4096;

/** Most addresses of a peer to which one is added because the peer says so. */
export const MAX_PEER_ADDRESSES = 64;

/** Most databases that a relay takes anew in an hour, by each of its processes. */
export const MAX_RELAY_TREES_AN_HOUR = 1024;

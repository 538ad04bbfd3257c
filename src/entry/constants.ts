/** The one version of the entry format. */
export const ENTRY_VERSION = 0;
/** System store: settings and access rules. */
export const SETTINGS = "_settings";
/** System store: the registry of stores. */
export const INDEX = "_index";
/** System store that marks a root entry. */
export const ROOT = "_root";
/** Name of a system database that is never created; kept for completeness. */
export const INSTANCE = "_instance";
/** Name of the system database that lists users. */
export const USERS = "_users";
/** Name of the system database that carries the grants on databases. */
export const DATABASES = "_databases";

/** Largest height. */
export const MAX_HEIGHT: number = Number.MAX_SAFE_INTEGER;
/**
 * Largest height that an entry may choose; above it heights only go up by one, so that no author can use
 * them up. As a time in milliseconds it is the year 144,683.
 */
export const MAX_CHOSEN_HEIGHT: number = 2 ** 52;
/** Largest encoded entry, in bytes. What comes over a wire is limited further there. */
export const MAX_ENTRY_BYTES: number = 16 * 1024 * 1024;
/** Most parents in one list. */
export const MAX_PARENTS = 4096;
/** Most stores in one entry. */
export const MAX_SUBTREES = 1024;
/** Longest store name or key name, in bytes. */
export const MAX_NAME_BYTES = 1024;
/** Most delegation steps that are decoded; those of an entry that is valid are fewer. */
export const MAX_PATH_STEPS = 64;

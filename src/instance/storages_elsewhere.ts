/**
 * What connection URLs lead to in pages and isolates: memory alone, which needs no entry here. Drivers of
 * one's own are handed in.
 *
 * @module
 */

import type { Storages } from "./storage_opener.ts";

/** The storages of this place. */
export const STORAGES: Storages = {};

/**
 * What connection URLs lead to on Deno, Bun and Node. `#storages` leads here, and to `storages_elsewhere.ts`
 * where bundlers build for pages and isolates.
 *
 * @module
 */

import { StorageError } from "../util/errors.ts";
import type { Storages } from "./storage_opener.ts";

/** The storages of this place. Drivers are loaded when they are needed. */
export const STORAGES: Storages = {
  sqlite: async ({ path, mode, immutable }, options) => {
    const { sqliteStorage } = await load(() => import("../storage/sqlite/mod.ts"));
    // Whatever the URL says, only `connectOrCreate` creates a file (00 §C4).
    const create = mode === "memory" || (options.create && (mode === "rwc" || mode === "default"));
    const readOnly = mode === "ro" || immutable === true || options.readOnly === true;
    return { driver: await sqliteStorage(path, { ...options, create, readOnly }), readOnly };
  },
  denokv: async ({ path }, options) => {
    const { denoKvStorage } = await load(() => import("../storage/deno_kv/mod.ts"));
    return { driver: await denoKvStorage(path, options), readOnly: options.readOnly };
  },
  file: async ({ path }, options) => {
    const { fileStorage } = await load(() => import("../storage/file/mod.ts"));
    return { driver: await fileStorage(path, options), readOnly: options.readOnly };
  },
  postgres: async ({ url }, options) => {
    const { postgresStorage } = await load(() => import("../storage/postgres/mod.ts"));
    return { driver: await postgresStorage(url, options), readOnly: options.readOnly };
  },
  unix: async ({ path }, options) => {
    const { connectDaemon } = await load(() => import("../service/edge/connect.ts"));
    return await connectDaemon(path, options);
  },
  textFiles: () => load(() => import("../storage/shared/text_file.ts")),
};

/** Loads a driver; that a runtime lacks a module of it is told as what it is. */
async function load<Module>(importing: () => Promise<Module>): Promise<Module> {
  try {
    return await importing();
  } catch (cause) {
    const message = `its driver cannot be loaded here: ${(cause as Error).message}`;
    throw new StorageError("Unavailable", message, { cause });
  }
}

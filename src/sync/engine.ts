/**
 * What an instance loads when synchronisation is enabled. `Instance`, which is there already, is named for bundlers,
 * as in `instance/rest.ts`.
 *
 * @module
 */

export { Instance } from "../instance/instance.ts";
export { Sync } from "./sync.ts";

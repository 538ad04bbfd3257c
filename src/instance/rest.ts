/**
 * What an instance, and whatever is below it, can do and a page does not need at once. It is loaded when any of it is needed.
 *
 * Whoever loads it has {@link Instance} already. It is named here for bundlers: they would else cut what is loaded
 * at once into what this part shares with it and what not, and pieces weigh more than the whole.
 *
 * @module
 */

export { Backlog } from "../backend/backlog/backlog.ts";
export { Checkpoints } from "../backend/state/checkpoints.ts";
export { demote, overwriteStatus } from "../backend/demote.ts";
export { Instance } from "./instance.ts";
export { openSnapshotText } from "./open_snapshot.ts";
export { openStorage } from "./open_storage.ts";
export { RemoteWrites } from "./remote_writes.ts";
export { SnapshotWriter } from "./snapshot_writer.ts";

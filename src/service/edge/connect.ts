/**
 * EDGE: clients of a daemon on this machine.
 *
 * @module
 */

import type { OpenedStorage } from "../../instance/opened_storage.ts";
import type { OpenOptions } from "../../instance/storage_opener.ts";
import { connectThrough } from "../client/connect.ts";
import { connectSocket } from "./connect_socket.ts";
import { every, pause } from "./every.ts";

/** Connects to the daemon whose socket is at `path`. */
export async function connectDaemon(path: string, options: OpenOptions): Promise<OpenedStorage> {
  return await connectThrough({ connectSocket, every, pause }, path, options);
}

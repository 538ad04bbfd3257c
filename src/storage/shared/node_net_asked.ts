/**
 * EDGE: the modules of Node for the network, asked for while the program runs; see `node_asked.ts`.
 *
 * @module
 */

import type * as Net from "node:net";
import type * as Tls from "node:tls";
import { askedModule } from "./node_asked.ts";

/** See {@link askedModule}. */
export const net: typeof Net = askedModule("net");
/** See {@link askedModule}. */
export const tls: typeof Tls = askedModule("tls");

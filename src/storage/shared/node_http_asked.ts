/**
 * EDGE: the modules of Node for HTTP, asked for while the program runs; see `node_asked.ts`.
 *
 * @module
 */

import type * as Http from "node:http";
import type * as Https from "node:https";
import type Stream from "node:stream";
import { askedModule } from "./node_asked.ts";

/** See {@link askedModule}. */
export const http: typeof Http = askedModule("http");
/** See {@link askedModule}. */
export const https: typeof Https = askedModule("https");
/** See {@link askedModule}. */
export const stream: typeof Stream = askedModule("stream");

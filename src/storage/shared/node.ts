/**
 * EDGE: the modules of Node that Deno, Bun and Node share, but for those of the network. `#node` leads here in the npm package, and to
 * `node_asked.ts` on JSR.
 *
 * @module
 */

export * as buffer from "node:buffer";
export * as fs from "node:fs";
export * as os from "node:os";
export { default as paths } from "node:path";
export { default as process } from "node:process";
export * as timers from "node:timers";
export * as zlib from "node:zlib";

/**
 * EDGE: the modules of Node for HTTP. `#node-http` leads here in the npm package, and to `node_http_asked.ts`
 * on JSR.
 *
 * @module
 */

export * as http from "node:http";
export * as https from "node:https";
export { default as stream } from "node:stream";

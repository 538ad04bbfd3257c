/**
 * EDGE: the modules of Node for the network, which take time to load. `#node-net` leads here in the npm package,
 * and to `node_net_asked.ts` on JSR.
 *
 * @module
 */

export * as net from "node:net";
export * as tls from "node:tls";

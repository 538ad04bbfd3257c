/**
 * A daemon in a process of its own: `daemon_side.ts SOCKET`. It serves an instance in memory, says so in a line, and ends
 * with its input.
 *
 * @module
 */

import process from "node:process";
import { Instance, NewUser } from "../mod.ts";
import { serveSocket } from "../src/service/edge/mod.ts";

const { instance } = await Instance.connectOrCreate(
  "memory://",
  NewUser.passwordless("bench_user"),
);
await serveSocket(instance, { path: process.argv[2]! });
console.log("serving");
for await (const _ of process.stdin) { /* until the end */ }
process.exit(0);

// postgres_main.ts: starts a PostgreSQL server, says its address, and stops it when its input ends.
import process from "node:process";
import { findPostgres, startPostgres } from "./postgres_server.ts";

const programs = findPostgres();
if (programs === undefined) process.exit(1);
const server = await startPostgres(programs);
console.log(server.url);
for await (const _ of process.stdin) { /* until the end */ }
server.stop();
process.exit(0);

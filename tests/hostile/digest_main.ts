/**
 * Prints a digest over the verdicts on random histories, and how many verdicts there were:
 * `digest_main.ts SEED COUNT wasm|native`. The same seed and count give the same digest everywhere.
 */
import process from "node:process";
import { ready } from "../../mod.ts";
import { digest } from "./judgement.ts";

const [seed, count, engine] = process.argv.slice(2);
await ready({ engine: engine as "wasm" | "native" });
console.log(JSON.stringify(await digest(Number(seed), Number(count))));

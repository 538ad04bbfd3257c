/**
 * A program that only starts: prints the milliseconds from its first line until the library is ready,
 * or, given a URL, until the instance there is open.
 *
 * @module
 */

import process from "node:process";

const started = performance.now();
const { Instance, ready } = await import("../mod.ts");
const url = process.argv[2];
if (url === undefined) await ready();
const instance = url === undefined ? undefined : await Instance.connect(url);
console.log(performance.now() - started);
await instance?.close();

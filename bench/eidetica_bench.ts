/**
 * The hot paths under `deno bench`: `deno task bench`.
 *
 * @module
 */

import type { Entry, WriteCallback } from "../mod.ts";
import * as work from "./workloads.ts";

let next = 0;

for (const place of ["memory", "sqlite"] as const) {
  const bed = await work.bed(place);
  await work.commitMany(bed.database, 0, 100);
  Deno.bench(`put-entry: one-key commit, ${place}`, {
    group: "put-entry",
    baseline: place === "memory",
  }, async () => {
    await work.commitOne(bed.database, `key_${next++}`, "value");
  });
}

for (const callbacks of [0, 1, 100, 1000]) {
  const bed = await work.bed("memory");
  const watches: WriteCallback[] = [];
  let called = 0;
  for (let at = 0; at < callbacks; at++) {
    watches.push(await bed.database.onWrite((event) => void (called += event.entries.length)));
  }
  Deno.bench(`callback dispatch: ${callbacks} callbacks`, {
    group: "dispatch",
    baseline: callbacks === 0,
  }, async () => {
    await work.commitOne(bed.database, `key_${next++}`, "value");
  });
}

const source = await work.bed("memory");
await work.commitMany(source.database, 0, 100);
const entry: Entry = (await source.database.getAllEntries()).at(-1)!;
Deno.bench("encode one entry", { group: "codec" }, () => void work.encode(entry));

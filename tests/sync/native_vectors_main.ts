/** Writes `tests/vectors/sync_v1.json`: run it when the native protocol has changed on purpose. */

import { writeFile } from "node:fs/promises";
import { nativeVectors, VECTORS } from "./native_vectors.ts";

await writeFile(VECTORS, `${JSON.stringify(await nativeVectors(), null, 1)}\n`);

import { loadCore } from "../../wasm/load.ts";
import { utf8 } from "../../src/util/bytes.ts";

const { argon2id } = await loadCore({ engine: "wasm" });
const options = { memoryKiB: 65_536, iterations: 3, parallelism: 1, length: 32 };
let ticks = 0;
const timer = setInterval(() => ticks++, 1);
(timer as { unref?(): void }).unref?.();
const key = await argon2id(utf8("password"), utf8("some salt"), options);
console.log(key.length, ticks > 3);

/**
 * The benchmarks on any runtime.
 *
 * ```text
 * --only NAME[,NAME]   suites, or groups
 * --quick              only tries whether everything runs
 * --large              also histories of a million entries, and more of all that grows
 * --json               results as one line of JSON, nothing else
 * ```
 *
 * @module
 */

import { isJson, measure } from "./report.ts";
import { SUITES } from "./suites/mod.ts";

const report = await measure(SUITES);
if (isJson) console.log(JSON.stringify(report));

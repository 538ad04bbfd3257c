/**
 * fast-check, whose properties are tried as often as `EIDETICA_THOROUGH` says.
 *
 * @module
 */

import fc from "fast-check";
import { cases } from "./thorough.ts";

/** How often a property is tried that does not say it itself. */
const USUAL = 100;

fc.configureGlobal({ numRuns: cases(USUAL) });

export default fc;

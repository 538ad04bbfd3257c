/**
 * EDGE: the modules of Node, asked for while the program runs. On JSR there are no conditions that would
 * lead bundlers for pages elsewhere; they do not stumble over what is not imported, and a page that calls
 * for a module learns that there is none.
 *
 * @module
 */

import type * as Buffer from "node:buffer";
import type * as Fs from "node:fs";
import type * as Os from "node:os";
import type Path from "node:path";
import type Process from "node:process";
import type * as Timers from "node:timers";
import type * as Zlib from "node:zlib";
import { builtinModule } from "../../util/builtin.ts";
import { StorageError } from "../../util/errors.ts";

/** See {@link askedModule}. */
export const buffer: typeof Buffer = askedModule("buffer");
/** See {@link askedModule}. */
export const fs: typeof Fs = askedModule("fs");
/** See {@link askedModule}. */
export const os: typeof Os = askedModule("os");
/** See {@link askedModule}. */
export const paths: typeof Path = askedModule("path");
/** See {@link askedModule}. */
export const process: typeof Process = askedModule("process");
/** See {@link askedModule}. */
export const timers: typeof Timers = askedModule("timers");
/** See {@link askedModule}. */
export const zlib: typeof Zlib = askedModule("zlib");

/** The module of this name; where there is none, something that says so when it is used. */
export function askedModule<Module extends object>(name: string): Module {
  const refuse = (): never => {
    const message = `Cannot use node:${name}: this place, a page or an isolate, has no such module`;
    throw new StorageError("Unavailable", message, { fields: { module: name } });
  };
  return builtinModule<Module>(name) ?? new Proxy({} as Module, { get: refuse });
}

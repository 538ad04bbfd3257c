/**
 * EDGE: where the service socket is, and what a path to one may be (11 §2.1).
 *
 * @module
 */

import { paths, process } from "#node";
import { optionsOf, requireText, wrongArgument } from "../../util/arguments.ts";
import { utf8 } from "../../util/bytes.ts";
import { ServiceError } from "../../util/errors.ts";

/** Most bytes of a path to a socket on Linux, without the zero behind it. */
export const MAX_PATH_BYTES_LINUX = 107;
/** The same on macOS and the BSDs. */
export const MAX_PATH_BYTES_BSD = 103;

/** What the paths of named pipes on Windows begin with. */
const PIPE = /^\\\\[.?]\\pipe\\./i;

/** An environment, as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where programs look for the service unless they are told: `EIDETICA_SOCKET`, else `eidetica/service.sock` in
 * `XDG_RUNTIME_DIR`, else a folder in `/tmp` named after the user; on Windows a named pipe.
 */
export function defaultSocketPath(env?: Environment, platform: string = process.platform): string {
  const { EIDETICA_SOCKET: told, XDG_RUNTIME_DIR: runtime, USER, USERNAME } = //
    optionsOf<Environment>(env ?? process.env, "tell where the service is");
  if (told !== undefined) return told;
  if (platform === "win32") return `\\\\.\\pipe\\eidetica-${USERNAME ?? "unknown"}`;
  if (runtime !== undefined) return `${runtime}/eidetica/service.sock`;
  return `/tmp/eidetica-${USER ?? "unknown"}/service.sock`;
}

/** {@link defaultSocketPath} as a URL for `Instance.connect`. */
export function defaultSocketUrl(env?: Environment): string {
  return `unix://${defaultSocketPath(env)}`;
}

/**
 * The absolute path of a socket; `InvalidPath` for one that sockets cannot have, such as one that is too long: that
 * would be cut off, or refused without a reason.
 */
export function socketPath(
  path: string,
  action: string,
  platform: string = process.platform,
): string {
  requireText(path, action, "the path");
  if (path === "") throw wrongArgument(action, "the path", "a path", path);
  if (path.includes("\0")) throw invalid(path, action, "it holds a zero character");
  if (platform === "win32") return pipePath(path, action);
  const absolute = paths.resolve(path);
  const limit = platform === "linux" || platform === "android"
    ? MAX_PATH_BYTES_LINUX
    : MAX_PATH_BYTES_BSD;
  const { length } = utf8(absolute.toWellFormed());
  if (length <= limit) return absolute;
  const why =
    `it has ${length} bytes, and sockets of this system at most ${limit}; take a shorter ` +
    "one with `--socket` or EIDETICA_SOCKET";
  throw invalid(absolute, action, why);
}

function pipePath(path: string, action: string): string {
  if (PIPE.test(path)) return path;
  const why = "sockets on Windows are named pipes, whose paths begin with \\\\.\\pipe\\";
  throw invalid(path, action, why);
}

function invalid(path: string, action: string, why: string): ServiceError {
  return new ServiceError("InvalidPath", `Cannot ${action} at "${path}": ${why}`, {
    fields: { path, reason: why },
  });
}

/**
 * Connection URLs (07 §3, 00 §C4).
 *
 * ```text
 * url        = sqlite-url | postgres-url | unix-url | memory-url | denokv-url | file-url
 * sqlite-url = "sqlite" ("://" | ":") path [ "?" query ]                  ; percent-encoded
 * postgres   = ("postgres" | "postgresql") ("://" | ":") rest             ; storage/postgres/url.ts
 * unix-url   = "unix://" ( absolute-path | named-pipe )                   ; byte for byte; pipes on Windows
 * memory-url = "memory:" | "memory://" [ absolute-path ]                  ; byte for byte
 * denokv-url = "denokv:" [ path | https-url ]                             ; byte for byte
 * file-url   = "file:" [ "//" [ "localhost" ] ] absolute-directory        ; percent-encoded
 * ```
 *
 * Schemes are case-insensitive.
 *
 * @module
 */

import type { InstanceError } from "../util/errors.ts";
import { emptyUrl, invalidUrl, missingScheme, notAText, unsupportedScheme } from "./url_errors.ts";
import { denoKvPath, filePath, memoryPath, sqlitePath, unixPath } from "./url_paths.ts";

/** Where a URL leads. */
export type ConnectionTarget =
  | {
    readonly scheme: "sqlite";
    readonly url: string;
    readonly path: string;
    readonly mode: SqliteMode;
    /** Whether the URL says that nobody writes to the file; it is opened for reading then. */
    readonly immutable?: true;
  }
  | { readonly scheme: "postgres"; readonly url: string }
  | { readonly scheme: "unix"; readonly path: string }
  | { readonly scheme: "memory"; readonly path: string | undefined }
  | { readonly scheme: "denokv"; readonly path: string | undefined }
  | { readonly scheme: "file"; readonly path: string };

/** How a SQLite file is opened; `default` follows the constructor: only `connectOrCreate` creates. */
export type SqliteMode = "default" | "ro" | "rw" | "rwc" | "memory";

/** The schemes that may be followed by a single colon. */
const SINGLE_COLON: ReadonlySet<string> = new Set([
  "sqlite",
  "postgres",
  "postgresql",
  "denokv",
  "file",
]);
const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):/;

/**
 * Reads a connection URL. Throws {@link InstanceError} `InvalidUrl` for a malformed one, and
 * `UnsupportedScheme`, with a suggestion where there is one, for a scheme that leads nowhere.
 * Paths follow the rules of the system that it runs on, unless `isWindows` says otherwise.
 */
export function parseConnectionUrl(
  url: string,
  isWindows: boolean = runsOnWindows(),
): ConnectionTarget {
  if (typeof url !== "string") throw notAText(url);
  if (url === "") throw emptyUrl();
  const { scheme, separator, rest } = split(url);
  switch (scheme) {
    case "sqlite":
      return sqlite(url, `${scheme}${separator}${rest}`, rest, isWindows);
    case "postgres":
    case "postgresql":
      return { scheme: "postgres", url: `${scheme}${separator}${rest}` };
    case "unix":
      return { scheme, path: unixPath(url, rest, isWindows) };
    case "memory":
      return { scheme, path: memoryPath(url, rest, isWindows) };
    case "denokv":
      return { scheme, path: denoKvPath(url, rest) };
    case "file":
      return { scheme, path: filePath(url, `${separator.slice(1)}${rest}`, isWindows) };
    default:
      throw unsupportedScheme(scheme);
  }
}

function runsOnWindows(): boolean {
  const { process } = globalThis as { process?: { readonly platform?: string } };
  return process?.platform === "win32";
}

/** Splits at `://`, or at a single colon after one of the schemes that allow it. */
function split(url: string): { scheme: string; separator: string; rest: string } {
  const scheme = SCHEME.exec(url)?.[1]?.toLowerCase();
  if (scheme !== undefined) {
    const rest = url.slice(scheme.length + 1);
    if (rest.startsWith("//")) return { scheme, separator: "://", rest: rest.slice(2) };
    const mayFollow = SINGLE_COLON.has(scheme) || (scheme === "memory" && rest === "");
    if (mayFollow) return { scheme, separator: ":", rest };
  }
  const at = url.indexOf("://");
  // Something that is no scheme stands before `://`: name it, as the reference does.
  if (at >= 0 && scheme === undefined) throw unsupportedScheme(url.slice(0, at).toLowerCase());
  throw missingScheme(url);
}

function sqlite(
  url: string,
  rebuilt: string,
  rest: string,
  isWindows: boolean,
): ConnectionTarget {
  const at = rest.indexOf("?");
  const query = at < 0 ? "" : rest.slice(at + 1);
  const { mode, immutable } = sqliteQuery(url, new URLSearchParams(query));
  const path = sqlitePath(url, at < 0 ? rest : rest.slice(0, at), isWindows);
  if (mode === "memory" || path === ":memory:") {
    return { scheme: "sqlite", url: rebuilt, path: ":memory:", mode: "memory" };
  }
  if (path === "") throw invalidUrl(url, "the path must name a file: sqlite://./app.db");
  const found = { scheme: "sqlite", url: rebuilt, path, mode } as const;
  return immutable ? { ...found, immutable } : found;
}

/** The options of a SQLite URL and their values; `vfs` of the reference's driver has no counterpart. */
const SQLITE_OPTIONS: ReadonlyMap<string, readonly string[]> = new Map([
  ["mode", ["ro", "rw", "rwc", "memory"]],
  ["cache", ["shared", "private"]],
  ["immutable", ["true", "1", "false", "0"]],
]);

function sqliteQuery(
  url: string,
  query: URLSearchParams,
): { mode: SqliteMode; immutable: boolean } {
  let mode: SqliteMode = "default";
  let immutable = false;
  for (const [key, value] of query) {
    if (SQLITE_OPTIONS.get(key)?.includes(value) !== true) throw unknownOption(url, key, value);
    if (key === "mode") mode = value as SqliteMode;
    if (key === "immutable") immutable = value === "true" || value === "1";
  }
  return { mode, immutable };
}

function unknownOption(url: string, key: string, value: string): InstanceError {
  const known = [...SQLITE_OPTIONS].map(([name, values]) => `${name}=${values.join("|")}`);
  return invalidUrl(
    url,
    `the option "${key}=${value}" is not known; there are ${known.join(", ")}`,
  );
}

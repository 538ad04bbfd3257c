/**
 * Connection URLs (07 §3, 00 §C4).
 *
 * ```text
 * url        = sqlite-url | postgres-url | unix-url | memory-url | denokv-url | file-url
 * sqlite-url = "sqlite" ("://" | ":") path [ "?" query ]
 * postgres   = ("postgres" | "postgresql") ("://" | ":") rest
 * unix-url   = "unix://" absolute-path
 * memory-url = "memory://" [ absolute-path ]
 * denokv-url = "denokv:" [ path | https-url ]
 * file-url   = "file://" absolute-directory
 * ```
 *
 * Schemes are case-insensitive; everything after them is kept byte for byte.
 *
 * @module
 */

import { InstanceError } from "../util/errors.ts";
import { redactUrl } from "../util/redact_url.ts";

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

const SCHEMES = "`sqlite://`, `postgres://`, `unix://`, `memory://`, `denokv:` or `file://`";
const SUGGESTIONS: ReadonlyMap<string, string> = new Map([
  ["mysql", "postgres"],
  ["mariadb", "postgres"],
  ["tcp", "unix"],
  ["http", "unix"],
  ["https", "unix"],
  ["ws", "unix"],
  ["wss", "unix"],
]);

/** The schemes that may be followed by a single colon. */
const SINGLE_COLON: ReadonlySet<string> = new Set(["sqlite", "postgres", "postgresql", "denokv"]);
const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):/;

/**
 * Reads a connection URL. Throws {@link InstanceError} `InvalidUrl` for a malformed one, and
 * `UnsupportedScheme`, with a suggestion where there is one, for a scheme that leads nowhere.
 */
export function parseConnectionUrl(url: string): ConnectionTarget {
  if (url === "") throw invalid(url, `it is empty; a URL begins with ${SCHEMES}`);
  const { scheme, separator, rest } = split(url);
  switch (scheme) {
    case "sqlite":
      return sqlite(url, `${scheme}${separator}${rest}`, rest);
    case "postgres":
    case "postgresql":
      return { scheme: "postgres", url: `${scheme}${separator}${rest}` };
    case "unix":
      return { scheme, path: unixPath(url, rest) };
    case "memory":
      return { scheme, path: memoryPath(url, rest) };
    case "denokv":
      return { scheme, path: rest === "" ? undefined : rest };
    case "file":
      return { scheme, path: filePath(url, rest) };
    default:
      throw unsupported(scheme);
  }
}

/** Splits at `://`, or at a single colon after one of the schemes that allow it. */
function split(url: string): { scheme: string; separator: string; rest: string } {
  const scheme = SCHEME.exec(url)?.[1]?.toLowerCase();
  if (scheme !== undefined) {
    const rest = url.slice(scheme.length + 1);
    if (rest.startsWith("//")) return { scheme, separator: "://", rest: rest.slice(2) };
    if (SINGLE_COLON.has(scheme)) return { scheme, separator: ":", rest };
  }
  const at = url.indexOf("://");
  // Something that is no scheme stands before `://`: name it, as the reference does.
  if (at >= 0 && scheme === undefined) throw unsupported(url.slice(0, at).toLowerCase());
  throw missingScheme(url);
}

function missingScheme(url: string): InstanceError {
  if (/^unix:/i.test(url)) {
    const path = url.slice("unix:".length);
    return invalid(url, `a socket is written with two slashes after the colon: unix://${path}`);
  }
  if (url.startsWith("/") || url.startsWith("./") || url.endsWith(".db")) {
    return invalid(url, `it has no scheme; for a SQLite file write sqlite://${redactUrl(url)}`);
  }
  return invalid(url, `it has no scheme; a URL begins with ${SCHEMES}`);
}

function unsupported(scheme: string): InstanceError {
  const suggestion = SUGGESTIONS.get(scheme);
  const hint = suggestion === undefined ? `use ${SCHEMES}` : `did you mean ${suggestion}://`;
  return new InstanceError(
    "UnsupportedScheme",
    `Cannot connect by the scheme "${scheme}": ${hint}`,
    {
      fields: { scheme, suggestion },
    },
  );
}

function invalid(url: string, reason: string): InstanceError {
  return new InstanceError("InvalidUrl", `Cannot connect to "${redactUrl(url)}": ${reason}`, {
    fields: { url: redactUrl(url), reason },
  });
}

function unixPath(url: string, rest: string): string {
  if (rest === "") {
    throw invalid(url, "a socket URL requires an absolute path: unix:///run/eidetica.sock");
  }
  if (!rest.startsWith("/")) {
    const slash = rest.indexOf("/");
    const other = slash < 0 ? "/path/to/sock" : rest.slice(slash);
    throw invalid(
      url,
      `a socket has no hostname; write unix:///${rest} for that path, or unix://${other} for the path alone`,
    );
  }
  refuseTail(url, rest);
  return rest;
}

function memoryPath(url: string, rest: string): string | undefined {
  if (rest === "") return undefined;
  if (!rest.startsWith("/")) {
    throw invalid(url, "the path of a snapshot file must be absolute: memory:///dir/file.json");
  }
  if (rest === "/" || rest.startsWith("//")) {
    throw invalid(url, "the path must name a file: memory:///dir/file.json");
  }
  refuseTail(url, rest);
  return rest;
}

function filePath(url: string, rest: string): string {
  if (!rest.startsWith("/")) {
    throw invalid(url, "the path of a directory must be absolute: file:///var/lib/eidetica");
  }
  if (rest === "/" || rest.startsWith("//")) throw invalid(url, "the path must name a directory");
  refuseTail(url, rest);
  return rest;
}

function refuseTail(url: string, rest: string): void {
  if (rest.includes("?")) throw invalid(url, "it takes no query string");
  if (rest.includes("#")) throw invalid(url, "it takes no fragment");
}

function sqlite(url: string, rebuilt: string, rest: string): ConnectionTarget {
  const at = rest.indexOf("?");
  const query = at < 0 ? "" : rest.slice(at + 1);
  const rawPath = at < 0 ? rest : rest.slice(0, at);
  const { mode, immutable } = sqliteQuery(url, new URLSearchParams(query));
  const path = decodePath(url, rawPath.startsWith("file:") ? rawPath.slice(5) : rawPath);
  if (mode === "memory" || path === ":memory:") {
    return { scheme: "sqlite", url: rebuilt, path: ":memory:", mode: "memory" };
  }
  if (path === "") throw invalid(url, "the path must name a file: sqlite://./app.db");
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
  return invalid(url, `the option "${key}=${value}" is not known; there are ${known.join(", ")}`);
}

function decodePath(url: string, path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw invalid(url, "its path is not percent-encoded correctly");
  }
}

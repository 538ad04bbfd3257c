/**
 * The paths in connection URLs (07 §3, 00 §C4).
 *
 * ```text
 * file:    a file URL of the platform: percent-encoded, `localhost` or no host, drive letters and shares
 *          on Windows; what `pathToFileURL` makes of a directory leads to that directory
 * sqlite:  percent-encoded, absolute or relative
 * memory:  unix:  byte for byte, absolute
 * denokv:  byte for byte, absolute or relative, or an address
 * ```
 *
 * @module
 */

import { invalidUrl } from "./url_errors.ts";

/** What the paths of named pipes on Windows begin with. */
const PIPE = /^\\\\[.?]\\pipe\\./i;

/** Where the socket of a `unix:` URL is; on Windows a named pipe. */
export function unixPath(url: string, rest: string, isWindows: boolean): string {
  if (rest === "") {
    throw invalidUrl(url, "a socket URL requires an absolute path: unix:///run/eidetica.sock");
  }
  if (!rest.startsWith("/") && !(isWindows && PIPE.test(rest))) {
    const slash = rest.indexOf("/");
    const other = slash < 0 ? "/path/to/sock" : rest.slice(slash);
    throw invalidUrl(
      url,
      `a socket has no hostname; write unix:///${rest} for that path, or unix://${other} for the path alone`,
    );
  }
  refuseTail(url, rest);
  return requireNoNul(url, rest);
}

/** Where the snapshot file of a `memory:` URL is; undefined when there is none. */
export function memoryPath(url: string, rest: string, isWindows: boolean): string | undefined {
  if (rest === "") return undefined;
  if (!rest.startsWith("/")) {
    throw invalidUrl(url, "the path of a snapshot file must be absolute: memory:///dir/file.json");
  }
  if (rest === "/" || rest.startsWith("//")) {
    throw invalidUrl(url, "the path must name a file: memory:///dir/file.json");
  }
  refuseTail(url, rest);
  return requireNoNul(url, withoutSlash(rest, isWindows));
}

/** Where the file of a `sqlite:` URL is; `:memory:` and the empty path are left to the caller. */
export function sqlitePath(url: string, rest: string, isWindows: boolean): string {
  const path = rest.startsWith("file:") ? rest.slice("file:".length) : rest;
  return requireNoNul(url, withoutSlash(decode(url, path), isWindows));
}

/** Where the directory of a `file:` URL is. */
export function filePath(url: string, rest: string, isWindows: boolean): string {
  refuseTail(url, rest);
  const parsed = parseFileUrl(url, rest);
  if (/%2f/i.test(parsed.pathname) || (isWindows && /%5c/i.test(parsed.pathname))) {
    throw invalidUrl(url, "a name in its path must not hold an encoded slash");
  }
  const path = requireNoNul(url, decode(url, parsed.pathname));
  const native = isWindows ? windowsPath(url, parsed, path) : posixPath(url, parsed, path);
  if (/^\/*$/.test(path)) throw invalidUrl(url, "the path must name a directory");
  return native;
}

/** Parsed as the platform does: without dots, with `localhost` as no host. */
function parseFileUrl(url: string, rest: string): URL {
  // Without slashes the platform would take a relative path for an absolute one.
  if (!rest.startsWith("/")) {
    throw invalidUrl(url, "the path of a directory must be absolute: file:///var/lib/eidetica");
  }
  try {
    return new URL(`file:${rest}`);
  } catch {
    throw invalidUrl(url, "the path of a directory must be absolute: file:///var/lib/eidetica");
  }
}

function posixPath(url: string, { hostname, pathname }: URL, path: string): string {
  if (hostname === "") return path;
  throw invalidUrl(
    url,
    `a directory has no hostname, and its path must be absolute; write file:///${hostname}${pathname} for that path, or file://${pathname} for the path alone`,
  );
}

function windowsPath(url: string, { hostname }: URL, path: string): string {
  const native = path.replaceAll("/", "\\");
  if (hostname !== "") return `\\\\${hostname}${native}`;
  if (/^\\[a-z]:\\./i.test(native)) return native.slice(1);
  throw invalidUrl(
    url,
    "on Windows the path begins with a drive and names a directory: file:///C:/dir",
  );
}

/** What a `denokv:` URL names; undefined for the platform's default database. */
export function denoKvPath(url: string, rest: string): string | undefined {
  return rest === "" ? undefined : requireNoNul(url, rest);
}

/** On Windows the slash before a drive belongs to the URL and not to the path. */
function withoutSlash(path: string, isWindows: boolean): string {
  return isWindows && /^\/[a-z]:/i.test(path) ? path.slice(1) : path;
}

function refuseTail(url: string, rest: string): void {
  if (rest.includes("?")) throw invalidUrl(url, "it takes no query string");
  if (rest.includes("#")) throw invalidUrl(url, "it takes no fragment");
}

/** No file system has such a name, and some calls would cut it there. */
function requireNoNul(url: string, path: string): string {
  if (path.includes("\0")) {
    throw invalidUrl(url, "its path holds a NUL, which no file system takes");
  }
  return path;
}

function decode(url: string, path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw invalidUrl(
      url,
      "its path is not percent-encoded correctly; a percent sign is written %25",
    );
  }
}

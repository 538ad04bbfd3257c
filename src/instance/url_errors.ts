import { STORAGES } from "#storages";
import { InstanceError, StorageError } from "../util/errors.ts";
import { redactUrl } from "../util/redact_url.ts";
import type { Scheme } from "./storage_opener.ts";

/** What has another name than its scheme, as a part of a build. */
const FEATURES: { readonly [S in Scheme]?: string } = { unix: "service", memory: "file" };

/** How URLs begin, by what they lead to. */
const BEGINNINGS: ReadonlyMap<string, string> = new Map([
  ["sqlite", "`sqlite://`"],
  ["postgres", "`postgres://`"],
  ["unix", "`unix://`"],
  ["denokv", "`denokv:`"],
  ["file", "`file://`"],
]);

/** Whether this build has something for a scheme: none else is recommended. */
function isThere(scheme: string): boolean {
  return Object.hasOwn(STORAGES, scheme);
}

const SCHEMES = [
  ...[...BEGINNINGS].filter(([scheme]) => isThere(scheme)).map(([, beginning]) => `${beginning}, `),
  "`memory://`",
].join("").replace(/, (`memory.*)/, " or $1");

const SUGGESTIONS: ReadonlyMap<string, string> = new Map([
  ["mysql", "postgres"],
  ["mariadb", "postgres"],
  ["tcp", "unix"],
  ["http", "unix"],
  ["https", "unix"],
  ["ws", "unix"],
  ["wss", "unix"],
]);

/** The error for a URL that is malformed, with what is wrong with it. */
export function invalidUrl(url: string, reason: string): InstanceError {
  return new InstanceError("InvalidUrl", `Cannot connect to "${redactUrl(url)}": ${reason}`, {
    fields: { url: redactUrl(url), reason },
  });
}

/** The error for what is not even a text; a `URL` object is near enough for a hint. */
export function notAText(value: unknown): InstanceError {
  const kind = value instanceof URL ? "URL" : value === null ? "null" : typeof value;
  const hint = value instanceof URL ? "pass its `href`" : `a URL begins with ${SCHEMES}`;
  const reason = `the URL must be a string and is of the type ${kind}; ${hint}`;
  return new InstanceError("InvalidUrl", `Cannot connect: ${reason}`, { fields: { reason } });
}

/** The error for a URL without a scheme, with the one that was probably meant. */
export function missingScheme(url: string): InstanceError {
  if (/^unix:/i.test(url)) {
    const path = url.slice("unix:".length);
    return invalidUrl(url, `a socket is written with two slashes after the colon: unix://${path}`);
  }
  if (/^memory:/i.test(url)) {
    const path = url.slice("memory:".length).replace(/^\/?/, "/");
    return invalidUrl(url, `a snapshot file is written with three slashes: memory://${path}`);
  }
  const isFile = /^(\/|\.\/|[a-z]:[\\/])/i.test(url) || url.endsWith(".db");
  if (isFile && isThere("sqlite")) {
    return invalidUrl(url, `it has no scheme; for a SQLite file write sqlite://${redactUrl(url)}`);
  }
  return invalidUrl(url, `it has no scheme; a URL begins with ${SCHEMES}`);
}

/** The error for an empty URL. */
export function emptyUrl(): InstanceError {
  return invalidUrl("", `it is empty; a URL begins with ${SCHEMES}`);
}

/** The error for a scheme that leads nowhere. */
export function unsupportedScheme(scheme: string): InstanceError {
  const suggestion = SUGGESTIONS.get(scheme);
  const isMeant = suggestion !== undefined && isThere(suggestion);
  const hint = isMeant ? `did you mean ${suggestion}://` : `use ${SCHEMES}`;
  return new InstanceError(
    "UnsupportedScheme",
    `Cannot connect by the scheme "${scheme}": ${hint}`,
    {
      fields: { scheme, suggestion },
    },
  );
}

/** The error for a known scheme that this place has nothing for. */
export function unavailable(scheme: Scheme, cause?: unknown): InstanceError {
  const missingFeature = FEATURES[scheme] ?? scheme;
  const why = cause instanceof StorageError
    ? cause.message
    : `this build has no "${missingFeature}"; use memory:// or hand in a driver of your own`;
  const message = `Cannot connect by the scheme "${scheme}": ${why}`;
  return new InstanceError("BackendUnavailable", message, {
    cause,
    fields: { scheme, missingFeature },
  });
}

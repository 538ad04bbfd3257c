/**
 * The address of a server, as `libpq` reads it.
 *
 * ```text
 * url    = ("postgres" | "postgresql") ":" [ "//" ] [ user [ ":" password ] "@" ] [ hosts ] [ "/" database ] [ "?" options ]
 * hosts  = host [ ":" port ] *( "," host [ ":" port ] )       ; an IPv6 address in brackets
 * option = name "=" value                                     ; joined by "&"
 * ```
 *
 * Every part is percent-encoded. `host`, `port`, `user`, `password` and `dbname` may be options; a host
 * that begins with a slash is the folder of a socket. `sslmode`, `ssl`, `sslrootcert`, `sslcert` and
 * `sslkey` say how the connection is encrypted; it is not without them. Options with another name are
 * parameters of the session, which the server refuses if it does not know them.
 *
 * @module
 */

import { StorageError } from "../../util/errors.ts";
import { redactUrl } from "../../util/redact_url.ts";

/** A place where a server listens. */
export type ServerPlace = { readonly host: string; readonly port: number } | {
  readonly path: string;
};

/** How a connection is encrypted. */
export interface PostgresTls {
  /** What is demanded: `disable`, `prefer`, `require`, `verify-ca`, `verify-full`. */
  readonly mode: string;
  /** Files of the authorities, the own certificate and its key. */
  readonly files: Readonly<Record<"ca" | "cert" | "key", string | undefined>>;
}

/** What a URL says. */
export interface PostgresAddress {
  /** Where servers listen, tried in this order. */
  readonly places: readonly ServerPlace[];
  /** The user. */
  readonly user: string | undefined;
  /** The password. */
  readonly password: string | undefined;
  /** The database. */
  readonly database: string | undefined;
  /** How connections are encrypted. */
  readonly tls: PostgresTls;
  /** Settings of the client that are numbers, for example `connect_timeout` in seconds. */
  readonly settings: Readonly<Record<string, number>>;
  /** Which of several servers is wanted, for example `primary`. */
  readonly target: string | undefined;
  /** Parameters of the session, for example `application_name`. */
  readonly session: Readonly<Record<string, string>>;
}

/** Longest time that may be given to a connection, in seconds; 0 would be for ever. */
const MAX_CONNECT_S = 3600;
const TLS_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];
const TARGETS = ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"];
/** Options that are settings of the client, with the range of their numbers. */
const SETTINGS: ReadonlyMap<string, readonly [least: number, most: number]> = new Map([
  ["connect_timeout", [1, MAX_CONNECT_S]],
  ["max", [1, 1000]],
  ["idle_timeout", [0, 86_400]],
  ["max_lifetime", [1, 86_400]],
  ["keep_alive", [0, 86_400]],
]);
/** Options that say where and who, and how it is encrypted; the others are for the session. */
const READ = new Set([
  ...["host", "hostaddr", "port", "user", "password", "dbname", "target_session_attrs"],
  ...["sslmode", "ssl", "sslrootcert", "sslcert", "sslkey", "channel_binding", ...SETTINGS.keys()],
]);

type Options = ReadonlyMap<string, string>;

/** What the environment says where the URL is silent. */
export interface PostgresDefaults {
  /** Host, or folder of a socket. */
  readonly host: string;
  /** Port. */
  readonly port: string;
}

const DEFAULTS: PostgresDefaults = { host: "localhost", port: "5432" };

/** Reads the URL of a server. Throws `StorageError` `InvalidUrl`, without the password. */
export function parsePostgresUrl(
  url: string,
  defaults: PostgresDefaults = DEFAULTS,
): PostgresAddress {
  const { authority, database, query } = split(url);
  const options = readOptions(url, query);
  const at = authority.lastIndexOf("@");
  const [user, password] = cut(authority.slice(0, Math.max(at, 0)), ":");
  const [hosts, ports] = readHosts(url, authority.slice(at + 1), options);
  return {
    places: pair(url, hosts, ports, defaults),
    user: options.get("user") ?? text(url, user),
    password: options.get("password") ?? text(url, password),
    database: options.get("dbname") ?? text(url, database),
    tls: readTls(url, options),
    settings: readSettings(url, options),
    target: readTarget(url, options.get("target_session_attrs")),
    session: Object.fromEntries([...options].filter(([name]) => !READ.has(name))),
  };
}

function invalid(url: string, reason: string): StorageError {
  const place = redactUrl(url);
  const next = "write postgres://user:password@host:port/database";
  return new StorageError("InvalidUrl", `Cannot connect to "${place}": ${reason}; ${next}`, {
    fields: { url: place, reason },
  });
}

function split(url: string): { authority: string; database: string; query: string } {
  const rest = /^postgres(?:ql)?:(?:\/\/)?(.*)$/is.exec(url)?.[1];
  if (rest === undefined) throw invalid(url, "it is no address of a server");
  const [before, query] = cut(rest, "?");
  const [authority, database] = cut(before, "/");
  return { authority, database: database ?? "", query: query ?? "" };
}

/** A text before and behind the first separator; nothing behind it when there is none. */
function cut(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}

/** A part of the URL, decoded; undefined when it is absent or empty. */
function text(url: string, part: string | undefined): string | undefined {
  if (part === undefined || part === "") return undefined;
  let decoded: string | undefined;
  try {
    decoded = decodeURIComponent(part);
  } catch {
    throw invalid(
      url,
      "a part of it is not percent-encoded correctly, where a percent sign is %25",
    );
  }
  if (!decoded.includes("\0")) return decoded;
  throw invalid(url, "a part of it holds a NUL, which the server takes for its end");
}

function readOptions(url: string, query: string): Options {
  const options = new Map<string, string>();
  for (const option of query.split("&").filter((it) => it !== "")) {
    const [name, value] = cut(option, "=");
    options.set(text(url, name) ?? "", text(url, value) ?? "");
  }
  const strange = [...options.keys()].find((name) => !/^[a-z_][a-z0-9_.]*$/i.test(name));
  if (strange !== undefined) throw invalid(url, `"${strange}" is no name of an option`);
  return options;
}

function readHosts(url: string, hosts: string, options: Options): [string[], string[]] {
  const port = options.get("port");
  const named = options.get("hostaddr") ?? options.get("host") ?? (hosts === "" ? "" : undefined);
  if (named !== undefined) return [named.split(","), (port ?? "").split(",")];
  const names: string[] = [];
  const ports: string[] = [];
  for (const host of hosts.split(",")) {
    const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(.*))?$/s.exec(host) ??
      [];
    const name = text(url, bracketed ?? plain);
    if (name === undefined) throw invalid(url, `"${host}" is no host; write [::1] for IPv6`);
    names.push(name);
    ports.push(digits ?? "");
  }
  return [names, port?.split(",") ?? ports];
}

/** One port is for all hosts; otherwise each has its own. */
function pair(
  url: string,
  hosts: readonly string[],
  ports: readonly string[],
  defaults: PostgresDefaults,
): readonly ServerPlace[] {
  if (ports.length !== 1 && ports.length !== hosts.length) {
    throw invalid(url, `there are ${hosts.length} hosts and ${ports.length} ports`);
  }
  const places = hosts.map((host, at) => {
    const port = readPort(url, ports[ports.length === 1 ? 0 : at] || defaults.port);
    return placeOf(host || defaults.host, port);
  });
  return onePlaceOfSockets(url, places);
}

function placeOf(host: string, port: number): ServerPlace {
  if (host.startsWith("/")) return { path: `${host.replace(/\/+$/, "")}/.s.PGSQL.${port}` };
  return { host: host.replace(/^\[(.*)\]$/s, "$1"), port };
}

function readPort(url: string, digits: string): number {
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw invalid(url, "its port is not a number from 1 to 65535");
}

/** The client takes one socket, or any number of hosts. */
function onePlaceOfSockets(url: string, places: readonly ServerPlace[]): readonly ServerPlace[] {
  if (places.length < 2 || places.every((place) => "host" in place)) return places;
  throw invalid(url, "a folder of a socket cannot be one of several hosts");
}

function readTls(url: string, options: Options): PostgresTls {
  const { ssl, sslmode } = { ssl: options.get("ssl"), sslmode: options.get("sslmode") };
  const mode = sslmode ?? (ssl === "true" ? "require" : ssl === "false" ? undefined : ssl);
  if (mode !== undefined && !TLS_MODES.includes(mode)) {
    throw invalid(url, `its sslmode is none of ${TLS_MODES.join(", ")}`);
  }
  if (options.get("channel_binding") === "require") {
    throw invalid(url, "channel_binding=require is more than this client can do; remove it");
  }
  const root = options.get("sslrootcert");
  // As libpq says: who names authorities wants them asked, and `system` means those of the system.
  const least = root === "system" ? "verify-full" : mode === "require" && root ? "verify-ca" : mode;
  const ca = root === "system" ? undefined : root;
  const files = { ca, cert: options.get("sslcert"), key: options.get("sslkey") };
  return { mode: least ?? "disable", files };
}

function readSettings(url: string, options: Options): Record<string, number> {
  const settings: Record<string, number> = {};
  for (const [name, [least, most]] of SETTINGS) {
    const value = options.get(name);
    if (value === undefined) continue;
    const number = /^\d+$/.test(value) ? Number(value) : NaN;
    // libpq takes 0 for "for ever"; what is bounded here stays so.
    if (name === "connect_timeout" && number === 0) continue;
    if (!(number >= least && number <= most)) {
      throw invalid(url, `its ${name} is not a number from ${least} to ${most}`);
    }
    settings[name] = number;
  }
  return settings;
}

function readTarget(url: string, target: string | undefined): string | undefined {
  if (target === undefined || target === "any") return undefined;
  if (TARGETS.includes(target)) return target;
  throw invalid(url, `its target_session_attrs is none of ${TARGETS.join(", ")}`);
}

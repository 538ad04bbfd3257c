import { access, constants, mkdir, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { Instance } from "../instance/instance.ts";
import type { InstanceOptions } from "../instance/opening.ts";
import { EideticaError } from "../util/errors.ts";
import { SECRET_MEMBER } from "../util/redact_url.ts";
import { Failure } from "./frame/failure.ts";
import type { Values } from "./frame/command.ts";

/** A storage as a command was told of it. */
export interface Place {
  /** Name for people: `sqlite (./eidetica.db)`. */
  readonly label: string;
  /** Connection URL. */
  readonly url: string;
  /** The folder of the data. */
  readonly folder: string;
  /** The file of the storage; none for a server. */
  readonly file: string | undefined;
  /** Kind of storage, as health tells it. */
  readonly kind: string;
}

const INIT =
  "Run `eidetica daemon init --username <NAME> [--password PASS | --passwordless]` first.";

/** Where the options lead. */
export function placeOf(values: Values): Place {
  const folder = values.text("data-dir");
  const kind = values.text("backend");
  if (kind === "postgres") return postgresPlace(folder, values.get("postgres-url"));
  const name = kind === "sqlite" ? "eidetica.db" : "eidetica.json";
  const file = folder.endsWith("/") ? `${folder}${name}` : `${folder}/${name}`;
  const path = resolve(file);
  const url = kind === "sqlite" ? `sqlite://${escaped(path)}` : `memory://${path}`;
  return { kind, folder, file, url, label: `${kind} (${file})` };
}

function escaped(path: string): string {
  return encodeURI(path).replaceAll("?", "%3F").replaceAll("#", "%23");
}

function postgresPlace(folder: string, url: string | undefined): Place {
  if (url === undefined) {
    throw new Failure("PostgreSQL backend requires --postgres-url or EIDETICA_POSTGRES_URL");
  }
  const label = `postgres (${redacted(url)})`;
  return { kind: "postgres", folder, file: undefined, url, label };
}

/** A URL of a server without user and password. */
export function redacted(given: string): string {
  const url = given.replaceAll(SECRET_MEMBER, "$1***");
  const parts = /^([a-z]+:\/\/)(?:[^@]*@)?(.*)$/is.exec(url);
  if (parts === null || !URL.canParse(url)) return "postgres://***@<unparsable-url>";
  const { username, password } = new URL(url);
  const who = username === "" && password === ""
    ? ""
    : `${username === "" ? "" : "***"}${password === "" ? "" : ":***"}@`;
  return `${parts[1]}${who}${url.slice(url.lastIndexOf("@") + 1).replace(parts[1]!, "")}`;
}

/** Whether there is anything at all to open. */
async function exists(place: Place): Promise<boolean> {
  if (place.file === undefined) return true;
  return await stat(place.file).then(() => true, (error: { code?: string }) => {
    if (error.code === "ENOENT") return false;
    throw unusable(place, error);
  });
}

function unusable(place: Place, cause: { code?: string }): Failure {
  const why = cause.code === "ENOTDIR" || cause.code === "EEXIST"
    ? "it is a file, and must be a folder"
    : cause.code === "EACCES"
    ? "this user may not use it"
    : `the system says ${cause.code}`;
  const message = `Cannot use the data directory "${place.folder}": ${why}.`;
  return new Failure(message, {
    code: cause.code ?? "Io",
    next: "name another with --data-dir",
    cause,
  });
}

/** There is no instance at a place. */
export function notInitialised(place: Place): Failure {
  const message = `Backend at ${place.label} is not initialised.\n${INIT}`;
  return new Failure(message, { code: "NotInitialized" });
}

/** Opens the instance of a place, and creates nothing. */
export async function openPlace(place: Place, options: InstanceOptions = {}): Promise<Instance> {
  if (!await exists(place)) throw notInitialised(place);
  try {
    return await Instance.connect(place.url, options);
  } catch (error) {
    throw explained(place, error);
  }
}

/** Opens the instance of a place for a command that only looks. */
export async function openToRead(place: Place, options: InstanceOptions = {}): Promise<Instance> {
  return await openPlace(place, { ...options, readOnly: !await leavesNoTrace(place) });
}

/**
 * Whether opening it for writing leaves nothing behind. SQLite removes the files next to its own when the last one
 * who may write closes, and leaves them when that is one who only reads; a snapshot would be written anew.
 */
async function leavesNoTrace({ kind, folder, file }: Place): Promise<boolean> {
  if (kind !== "sqlite" || file === undefined) return false;
  const paths = [folder, file].map((path) => access(path, constants.W_OK));
  return await Promise.all(paths).then(() => true, () => false);
}

/** What opening has failed with, as people know the storage. */
export function explained(place: Place, error: unknown): unknown {
  if (!(error instanceof EideticaError)) return error;
  if (error.code === "NotInitialized") return notInitialised(place);
  if (place.kind !== "postgres") return error;
  const message = `Failed to connect to PostgreSQL at ${redacted(place.url)}: ${error.message}`;
  return new Failure(message, { code: error.code, cause: error });
}

/** The folder of the data, made where it is missing; nobody else may look into a new one. */
export async function makeFolder(place: Place): Promise<void> {
  try {
    await mkdir(place.folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw unusable(place, error as { code?: string });
  }
  const { isDirectory } = await stat(place.folder).then((it) => ({
    isDirectory: it.isDirectory(),
  }));
  if (!isDirectory) throw unusable(place, { code: "ENOTDIR" });
}

import { fs } from "#node";
import { tls } from "#node-net";
import { redactUrl } from "../../util/redact_url.ts";
import { answerWithin } from "../shared/patience.ts";
import { Connections } from "./connections.ts";
import { noAnswer, placeError, postgresError } from "./errors.ts";
import type { PostgresSql } from "./types.ts";
import {
  parsePostgresUrl,
  type PostgresAddress,
  type PostgresDefaults,
  type PostgresTls,
} from "./url.ts";

/** How connections are made; times are in seconds. */
const CONNECTION = {
  connect_timeout: 10,
  // Its timer would keep the process alive for half an hour.
  max_lifetime: null,
  onnotice: () => {},
  // The client would ask for types at every new connection, and fail where nobody can catch it.
  fetch_types: false,
} as const;
/** Parameters of a session, unless the URL says otherwise. */
const SESSION = {
  application_name: "eidetica",
  // A lock that is not given in this time is told as `Busy`.
  lock_timeout: "10s",
} as const;
/** How long an answer may take, in milliseconds: longer than any lock is waited for. */
const ANSWER_MS = 30_000;

/** A client of a server. */
export interface PostgresClient {
  /** Its function; every answer comes within its time. */
  readonly sql: PostgresSql;
  /** Ends all connections at once. */
  end(): void;
}

/** A client whose connections are made when they are needed. */
export async function connectPostgres(url: string): Promise<PostgresClient> {
  const place = redactUrl(url);
  const postgres = await loadPostgres(place);
  const address = parsePostgresUrl(url, environment());
  const connections = new Connections(address.places);
  const options = { ...optionsOf(place, address), socket: () => connections.open() };
  try {
    const sql = answering(postgres(options), () => connections.answered());
    return { sql, end: () => connections.end() };
  } catch (cause) {
    // One permission of many: the client looks at some twenty variables.
    throw postgresError(place, "open", cause, (what) => what.replace(/(-env)=\w+/, "$1"));
  }
}

type Postgres = (options: object) => PostgresSql;

async function loadPostgres(place: string): Promise<Postgres> {
  try {
    // The name is not in the import, so that no bundler asks those for it who do not need it.
    const name = "postgres";
    return (await import(name) as { default: Postgres }).default;
  } catch (cause) {
    const what = 'the npm package "postgres" is missing; install it, or hand in its function';
    throw placeError("Unavailable", place, "open", what, { cause });
  }
}

/** What is asked of a server is answered within its time, or fails. */
export function answering(sql: PostgresSql, answered: () => void = () => {}): PostgresSql {
  const view: PostgresSql = {
    unsafe: async (query, parameters, options) => {
      const answer = sql.unsafe(query, parameters, options);
      const rows = await answerWithin(ANSWER_MS, answer, () => noAnswer(ANSWER_MS));
      answered();
      return rows;
    },
    end: (options) => sql.end(options),
  };
  if (sql.listen !== undefined) view.listen = sql.listen.bind(sql);
  return view;
}

function environment(): PostgresDefaults {
  try {
    const { PGHOST, PGPORT } = globalThis.process.env;
    return { host: PGHOST || "localhost", port: PGPORT || "5432" };
  } catch {
    // The client itself will say that it may not read the environment.
    return { host: "localhost", port: "5432" };
  }
}

function optionsOf(place: string, address: PostgresAddress): object {
  const { places, user, password, database, tls, settings, target, session } = address;
  const first = places[0]!;
  return {
    ...CONNECTION,
    ...settings,
    ...("path" in first ? { path: first.path } : {}),
    host: places.map((it) => "host" in it ? it.host : "localhost"),
    port: places.map((it) => "host" in it ? it.port : 0),
    user,
    password,
    database,
    ssl: "path" in first ? false : tlsOf(place, tls),
    target_session_attrs: target,
    connection: {
      ...SESSION,
      ...session,
      // Without it a commit would not see what others have written while it waited.
      default_transaction_isolation: "read committed",
    },
  };
}

/** How the client is told of the encryption. */
function tlsOf(place: string, { mode, files }: PostgresTls): false | string | object {
  if (mode === "disable") return false;
  const read = (path: string | undefined) => path && readCertificate(place, path);
  const own = { ca: read(files.ca), cert: read(files.cert), key: read(files.key) };
  const isVerified = mode.startsWith("verify-");
  const isPlain = Object.values(own).every((it) => it === undefined);
  if (isPlain && !isVerified) return mode === "allow" ? "prefer" : mode;
  const check = mode === "verify-ca" ? () => undefined : tls.checkServerIdentity;
  return { ...own, rejectUnauthorized: isVerified, checkServerIdentity: check };
}

function readCertificate(place: string, path: string): string {
  try {
    return fs.readFileSync(path, "utf8");
  } catch (cause) {
    const what = `the certificate "${path}" cannot be read: ${(cause as Error).message}`;
    throw placeError("CannotOpen", place, "open", what, { cause });
  }
}

/**
 * Where the command answers otherwise than the reference's, on purpose, and why. `docs/cli.md` says the same to users.
 * A case is named by its place in `cli-transcripts.json`.
 *
 * @module
 */

import { VERSION as OURS } from "../../src/cli/version.ts";
import type { Case } from "./transcripts.ts";

/** What is so instead, and the reason. */
export interface Difference extends Partial<Pick<Case, "exit" | "stdout" | "stderr" | "after">> {
  readonly why: string;
  /** What standard error must say, where the wording of a cause is the platform's. */
  readonly says?: RegExp;
}

const NOT_INITIALISED = (label: string) =>
  `Error: Backend at ${label} is not initialised.\n` +
  "Run `eidetica daemon init --username <NAME> [--password PASS | --passwordless]` first.\n";
const READS_CREATE_NOTHING =
  "errors are their messages, not debug forms; and who only looks creates no file";

function notInitialised(label: string, after: readonly string[] = []): Difference {
  return { why: READS_CREATE_NOTHING, stderr: NOT_INITIALISED(label), after };
}

const LOGS = "log lines go to standard error";
const VERSION = { why: "it is the version of this package", stdout: `eidetica ${OURS}\n` };
const SQLITE = notInitialised("sqlite (./eidetica.db)");

/** The differences, by case. */
export const DIFFERENCES: Readonly<Record<number, Difference>> = {
  0: VERSION,
  1: VERSION,
  3: VERSION,
  38: {
    why: "there is `db drop`, and it wants to know which database",
    says: /^error: the following required arguments were not provided:/,
  },
  54: SQLITE,
  55: SQLITE,
  56: { ...SQLITE, stderr: "", says: /^\{"error":\{"code":"NotInitialized",.*\}\}\n$/ },
  57: { ...SQLITE, stderr: "", says: /^\{"error":\{"code":"NotInitialized",.*\}\}\n$/ },
  58: notInitialised("sqlite (a/b/c/eidetica.db)"),
  59: notInitialised("inmemory (./eidetica.json)"),
  60: notInitialised("inmemory (./eidetica.json)"),
  61: {
    why: "a damaged snapshot is told, not taken for an empty storage",
    says: /^Error: Cannot .*snapshot/,
  },
  62: {
    why: "what is no database is told at once, not after 30 seconds",
    says: /^Error: Cannot .*database/,
  },
  63: {
    why: "an error says what is wrong in words",
    says: /^Error: Cannot use the data directory "f": it is a file/,
  },
  64: {
    why: "an error is its message",
    says: /^Error: PostgreSQL backend requires --postgres-url or EIDETICA_POSTGRES_URL\n/,
  },
  65: {
    why: "a server that refuses is told at once, with the reason",
    says:
      /^Error: Failed to connect to PostgreSQL at postgres:\/\/\*\*\*:\*\*\*@127\.0\.0\.1:1\/db\?x=1: (?!.*secret)/,
  },
  66: {
    why: "a server that refuses is told at once, with the reason",
    says: /^Error: Failed to connect to PostgreSQL at postgres:\/\/127\.0\.0\.1:1\/db: /,
  },
  67: {
    why: "an error is its message",
    says: /^Error: Failed to connect to PostgreSQL at postgres:\/\/\*\*\*@<unparsable-url>: /,
  },
  68: SQLITE,
  69: SQLITE,
  70: SQLITE,
  71: SQLITE,
  73: {
    why: "an error is its message",
    says:
      /Error: Backend at sqlite \(\.\/eidetica\.db\) is already initialised\.\nUse `eidetica daemon`/,
  },
  74: {
    why: "an error is its message",
    says:
      /Error: Backend at sqlite \(\.\/eidetica\.db\) is already initialised\.\nUse `eidetica daemon`/,
  },
  78: {
    why: "an empty password protects nothing and is refused",
    exit: 1,
    stdout: "",
    says: /^Error: Empty password rejected\. Pass `--passwordless`/,
    after: [],
  },
  79: {
    why: "an empty password in the environment is one that was not set",
    exit: 1,
    stdout: "",
    says: /^Error: Cannot ask for a password: there is no terminal/,
    after: [],
  },
  80: {
    why: "a user without a name cannot be named",
    exit: 1,
    stdout: "",
    says: /^Error: Cannot create a user: the username is empty/,
    after: [],
  },
  81: {
    why: "an error says what is wrong, and what to give instead",
    says: /^Error: Cannot ask for a password: there is no terminal.*\n +Next .*--passwordless/,
  },
  82: {
    why: "an error says what is wrong, and what to give instead",
    says: /^Error: Cannot ask for a password: there is no terminal.*\n +Next .*--passwordless/,
  },
  87: {
    why: "what was made in memory is kept, or init would be of no use",
    after: ["eidetica.json"],
  },
  113: {
    why: "what somebody else has put at the path is not removed",
    exit: 1,
    stdout: "",
    says: /^Error: Cannot serve the socket ".*d\.sock": something else is there/,
  },
  115: {
    why: "a daemon that nobody can connect to ends, and says why",
    exit: 1,
    stdout: "",
    says: /^Error: Cannot serve the socket ".*d\.sock": /,
  },
  126: {
    why: "what the instance keeps for itself is not counted, as it is not listed",
    stdout: "Device ID:   <KEY>\nBackend:     sqlite (./eidetica.db)\nDatabases:   1\n",
  },
  128: {
    why: "what the instance keeps for itself is not counted, as it is not listed",
    stdout: '{"backend":"sqlite (./eidetica.db)","databases":1,"device_id":"<KEY>"}\n',
  },
  130: {
    why: "an error says what is wrong",
    stdout: "",
    says: /^Error: Cannot listen at 127\.0\.0\.1:\d+: another process listens there\.\n/,
  },
  131: {
    why: "an error says what is wrong",
    stdout: "",
    says: /^Error: Cannot listen at no\.such\.host\.invalid:0: ./,
  },
  132: {
    why: "an error says what is wrong",
    stdout: "",
    says: /^Error: Cannot listen at 203\.0\.113\.7:0: ./,
  },
  145: noJson("/204/health"),
  150: noJson("/html/health"),
  153: unreachable("/loop/health", "it sends on more than 10 times"),
  157: unreachable("/slow/health", "no answer within 1 s"),
  159: unreachable("/ok/health", "no time to wait was given"),
  160: {
    why: REASON(),
    says: /^unhealthy: failed to connect to http:\/\/127\.0\.0\.1:<CLOSED>\/health: ./,
  },
  161: {
    why: REASON(),
    says: /^unhealthy: failed to connect to https:\/\/127\.0\.0\.1:<PORT>\/health: ./,
  },
  162: { why: REASON(), says: /^unhealthy: failed to connect to nonsense\/health: ./ },
  163: { why: REASON(), says: /^unhealthy: failed to connect to \/health: ./ },
  164: { why: REASON(), says: /^unhealthy: failed to connect to ftp:\/\/127\.0\.0\.1\/health: ./ },
  165: { why: REASON(), says: /^unhealthy: failed to connect to 127\.0\.0\.1:1\/health: ./ },
  166: { why: REASON(), says: /^unhealthy: failed to connect to http:\/health: ./ },
  167: {
    why: REASON(),
    says: /^unhealthy: failed to connect to http:\/\/no\.such\.host\.invalid\/health: ./,
  },
};

function REASON(): string {
  return "the reason is told, which the reference's text does not name";
}

function unreachable(path: string, why: string): Difference {
  const stderr = `unhealthy: failed to connect to http://127.0.0.1:<PORT>${path}: ${why}\n`;
  return { why: REASON(), stderr };
}

function noJson(path: string): Difference {
  return {
    why: "an error is its message",
    says: new RegExp(`^Error: Cannot tell whether .*127\\.0\\.0\\.1:<PORT>${path} is no JSON`),
  };
}

/** What is so of many cases. */
export const EVERYWHERE: readonly string[] = [
  LOGS,
  "every command has --color, --quiet and --no-input",
  "a snapshot beside nothing is not said to be loaded",
  "the line to connect with is that of this package",
  "there is no Iroh here, so the banner names none",
  "a node listens on loopback unless --host says otherwise",
];

import type { Option, Positional } from "./frame/command.ts";

/** Options of every command. */
export const EVERYWHERE: readonly Option[] = [
  { name: "json", help: "Print results as JSON, one value a line", global: true },
  {
    name: "color",
    value: "WHEN",
    default: "auto",
    choices: ["auto", "always", "never"],
    help: "Colour the output",
    global: true,
  },
  { name: "quiet", short: "q", help: "Print neither notes nor progress", global: true },
  { name: "no-input", help: "Never ask on the terminal", global: true },
];

/** Which storage a command works on. */
export const BACKEND: readonly Option[] = [
  {
    name: "backend",
    short: "b",
    value: "BACKEND",
    env: "EIDETICA_BACKEND",
    default: "sqlite",
    choices: ["sqlite", "postgres", "inmemory"],
    help: "Kind of storage",
  },
  {
    name: "data-dir",
    short: "d",
    value: "DATA_DIR",
    env: "EIDETICA_DATA_DIR",
    default: ".",
    help: "Folder of the data",
  },
  {
    name: "postgres-url",
    value: "POSTGRES_URL",
    env: "EIDETICA_POSTGRES_URL",
    help: "Where the Postgres server is",
  },
];

/** Whole seconds, as a text. */
export function refuseSeconds(value: string): string | undefined {
  if (value === "") return "cannot parse integer from empty string";
  return /^\d+$/.test(value) ? undefined : "invalid digit found in string";
}

/** The longest wait that timers know, in milliseconds: a longer one would be over at once. */
const MAX_WAIT_MS = 2 ** 31 - 1;

/** Milliseconds of a wait in seconds, as long as a timer can be. */
export function millisecondsOf(seconds: number | string): number {
  return Math.min(Number(seconds) * 1000, MAX_WAIT_MS);
}

const MAX_PORT = 65535;

/** A port, as a text. */
export function refusePort(value: string): string | undefined {
  if (refuseSeconds(value) !== undefined) return refuseSeconds(value);
  return Number(value) <= MAX_PORT ? undefined : `${value} is not in 0..=${MAX_PORT}`;
}

/** Where a node listens; without a standard port it does so only when one is named. */
export function httpOptions(standard: string | undefined): readonly Option[] {
  return [
    {
      name: "port",
      short: "p",
      value: "PORT",
      refuse: refusePort,
      ...standard === undefined
        ? { help: "Be a node for browsers and other nodes as well, at this port; 0 has one picked" }
        : { env: "EIDETICA_PORT", default: standard, help: "Port; 0 has one picked" },
    },
    {
      name: "host",
      value: "HOST",
      env: "EIDETICA_HOST",
      default: "127.0.0.1",
      help: "Address to listen at; 0.0.0.0 lets other machines in",
    },
  ];
}

/** A number of at least one, as a text. */
export function refuseCount(value: string): string | undefined {
  return refuseSeconds(value) ?? (Number(value) > 0 ? undefined : "it must be at least 1");
}

/** Who acts. */
const ACTOR: readonly Option[] = [
  {
    name: "user",
    short: "u",
    value: "USER",
    env: "EIDETICA_USER",
    help: "Who acts; the only user where there is one",
  },
  {
    name: "password-file",
    value: "FILE",
    help: "File with the password, - for standard input; or set EIDETICA_PASSWORD",
  },
];

/** Which storage a command works on, or through whom, and who acts. */
export const STORAGE: readonly Option[] = [
  ...ACTOR,
  ...BACKEND,
  {
    name: "connect",
    value: "WHERE",
    env: "EIDETICA_CONNECT",
    default: "auto",
    help: "Work through the daemon at this socket; off: on the storage itself",
  },
];

/** Says what would change, and changes nothing. */
export const DRY_RUN: Option = {
  name: "dry-run",
  help: "Say what would change, and change nothing",
};

/** A whole number of something that is listed. */
export const LIMIT: Option = {
  name: "limit",
  short: "n",
  value: "N",
  default: "20",
  refuse: refuseCount,
  help: "How many at most",
};

/** The database that a command works on. */
export const DATABASE: Positional = {
  name: "DB",
  help: "Name, ID, or a part of the ID that only it has",
  completes: "database",
};

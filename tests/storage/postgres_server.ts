import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** A PostgreSQL server of the tests' own. */
export interface PostgresServer {
  /** Address of its database. */
  readonly url: string;
  /** Stops it and removes its files. */
  stop(): void;
}

const DEBIAN = "/usr/lib/postgresql";
const USER = "tester";

/** Where the programs of PostgreSQL are; undefined when it is not installed. */
export function findPostgres(): string | undefined {
  const debian = existsSync(DEBIAN)
    ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)).map((it) => join(DEBIAN, it, "bin"))
    : [];
  const path = (process.env.PATH ?? "").split(":");
  return [...debian, ...path].find((folder) => existsSync(join(folder, "initdb")));
}

/** Starts a server on a free port of this machine, with its files in a temporary folder. */
export async function startPostgres(programs: string): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), "eidetica-postgres-"));
  const [data, port] = [join(folder, "data"), await freePort()];
  if (isRoot()) {
    chmodSync(folder, 0o700);
    check("chown", ["nobody", folder]);
  }
  const ctl = join(programs, "pg_ctl");
  const options = `-h 127.0.0.1 -p ${port} -k ${folder} -c fsync=off -c max_connections=200`;
  asServer(`${join(programs, "initdb")} -D ${data} -U ${USER} -A trust -E UTF8 --no-sync`);
  asServer(`${ctl} -D ${data} -l ${folder}/log -o '${options}' -w start`);
  const stop = () => {
    if (!existsSync(folder)) return;
    asServer(`${ctl} -D ${data} -m immediate -w stop`);
    rmSync(folder, { recursive: true, force: true });
  };
  process.on("exit", stop);
  return { url: `postgres://${USER}@127.0.0.1:${port}/postgres`, stop };
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** PostgreSQL refuses to run as root. */
function asServer(command: string): void {
  if (isRoot()) check("su", ["nobody", "-s", "/bin/sh", "-c", `cd / && ${command}`]);
  else check("/bin/sh", ["-c", command]);
}

function check(program: string, args: string[]): void {
  // The server keeps what it inherits open, so its output must not be a pipe that is waited for.
  const { status, error } = spawnSync(program, args, { stdio: "ignore" });
  if (status !== 0) throw error ?? new Error(`${program} ${args.join(" ")} ended with ${status}`);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

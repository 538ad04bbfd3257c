/** What the runtimes say when a process lacks a permission: Deno with and without what it is wanted for. */
const DENO = /requires (\w+) access(?: to "([^"]*)")?/i;
const NODE_FLAG = /--allow-[a-z-]+/;

/**
 * The flag that a process must be started with to be allowed what it has just failed to do:
 * `--allow-read=/data` of Deno, `--allow-fs-read=/data` of Node; undefined for any other failure.
 */
export function missingPermission(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, resource } = error as { code?: unknown; resource?: unknown };
  if (error.name === "NotCapable") return denoFlag(error.message);
  if (code !== "ERR_ACCESS_DENIED") return undefined;
  const flag = NODE_FLAG.exec(error.message)?.[0];
  const isPath = typeof resource === "string" && resource !== "";
  return flag !== undefined && isPath ? `${flag}=${resource}` : flag;
}

function denoFlag(message: string): string {
  const [, kind, resource] = DENO.exec(message) ?? [];
  if (kind === undefined) return "--allow-all";
  return `--allow-${kind}${resource === undefined ? "" : `=${resource}`}`;
}

/** What is wrong and what helps, for the message of an error; undefined for any other failure. */
export function permissionProblem(error: unknown): string | undefined {
  const flag = missingPermission(error);
  return flag && `this process lacks a permission; start it with ${flag}`;
}

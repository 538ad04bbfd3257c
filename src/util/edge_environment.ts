/**
 * EDGE: variables of the environment, where there is one and this process may read it.
 *
 * @module
 */

interface Host {
  readonly Deno?: {
    readonly permissions?: { querySync?(of: object): { readonly state: string } };
  };
  readonly process?: { readonly env?: Readonly<Record<string, string | undefined>> };
}

/** The value of a variable; undefined where there is none. Nobody is asked for a permission. */
export function environmentVariable(variable: string): string | undefined {
  const { Deno: deno, process } = globalThis as Host;
  try {
    const access = deno?.permissions?.querySync?.({ name: "env", variable });
    if (access !== undefined && access.state !== "granted") return undefined;
    return process?.env?.[variable];
  } catch {
    return undefined;
  }
}

/**
 * Which file may import which (CONTRIBUTING.md).
 *
 * @module
 */

/** The folders from the bottom to the top; a file imports values from lower ones or its own. */
const LAYERS: readonly (readonly string[])[] = [
  ["src/util"],
  ["wasm"],
  ["src/codec"],
  ["src/keys", "src/crdt"],
  ["src/entry"],
  ["src/auth", "src/storage"],
  ["src/backend"],
  ["src/store", "src/settings"],
  ["src/transaction"],
  ["src/database"],
  ["src/user"],
  ["src/instance"],
  ["src/sync", "src/service"],
  ["src/cli", "src/console", "src/testing"],
];

/** Files that hold types alone and cut circles: anybody may import types from them. */
const PORTS = new Set(["driver.ts", "host.ts", "port.ts", "context.ts", "backend.ts"]);

/** Folders whose files may name a runtime. */
const EDGES = ["src/storage/drivers/", "src/cli/", "src/testing/"];

/** The layer of a file of the checkout; undefined for doors, tests, scripts and others. */
export function layerOf(path: string): number | undefined {
  const at = LAYERS.findIndex((names) => names.some((name) => path.startsWith(`${name}/`)));
  return at < 0 ? undefined : at;
}

/** The path of `specifier`, which is relative, as seen from `file`. */
export function resolve(file: string, specifier: string): string {
  const parts = file.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

/** Why `file` must not import `specifier`; undefined when it may. */
export function refuseImport(
  file: string,
  specifier: string,
  isTypeOnly: boolean,
): string | undefined {
  if (/^(node|bun|deno):/.test(specifier)) {
    return layerOf(file) === undefined || isEdge(file)
      ? undefined
      : "only EDGE files name a runtime";
  }
  if (!specifier.startsWith(".")) return undefined;
  return refuseUpward(file, resolve(file, specifier), isTypeOnly);
}

function refuseUpward(file: string, target: string, isTypeOnly: boolean): string | undefined {
  const from = layerOf(file);
  if (from === undefined) return undefined;
  const to = layerOf(target);
  if (to === undefined) return `"${target}" is a door, and doors are for those outside`;
  if (folder(file) === folder(target) || to < from) return undefined;
  if (isTypeOnly && PORTS.has(target.split("/").at(-1)!)) return undefined;
  return `"${folder(target)}" is not below "${folder(file)}"`;
}

function folder(path: string): string {
  return LAYERS.flat().find((name) => path.startsWith(`${name}/`)) ?? path;
}

/** Whether a file may name a runtime. */
export function isEdge(file: string): boolean {
  return EDGES.some((edge) => file.startsWith(edge));
}

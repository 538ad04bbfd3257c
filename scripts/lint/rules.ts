/**
 * The layer rule (CONTRIBUTING.md) as plain functions: imports point down, only EDGE files name a
 * runtime, and drivers are reached through doors.
 *
 * Paths are relative to the checkout, with `/`.
 *
 * @module
 */

/**
 * The floors from the bottom to the top: folders, and files that stand on a floor of their own. A file belongs
 * to the longest name that fits, and imports values from lower floors and its own room. Rooms of one
 * floor do not know each other.
 */
const LAYERS: readonly (readonly string[])[] = [
  ["src/util"],
  ["wasm"],
  ["src/codec"],
  ["src/keys", "src/crdt"],
  ["src/entry"],
  ["src/auth", "src/storage", "src/transport"],
  ["src/storage/shared"],
  ["src/storage/deno_kv", "src/storage/file", "src/storage/postgres", "src/storage/sqlite"],
  ["src/backend/backend.ts"],
  ["src/backend/records"],
  ["src/backend/backlog"],
  ["src/backend/tree"],
  ["src/backend/state", "src/backend/log"],
  ["src/backend"],
  ["src/store", "src/settings"],
  ["src/transaction"],
  ["src/database"],
  ["src/user"],
  ["src/instance"],
  ["src/sync", "src/service"],
  ["src/console"],
  ["src/cli", "src/testing"],
];

/** Files that hold types alone and cut circles: anybody may import types from them. */
const PORTS = new Set(["driver.ts", "host.ts", "port.ts", "context.ts", "backend.ts"]);

/** A folder per storage, and what several of them need: they are reached through doors. */
const STORAGES = [
  "src/storage/deno_kv/",
  "src/storage/file/",
  "src/storage/postgres/",
  "src/storage/shared/",
  "src/storage/sqlite/",
];

/** Servers and clients that a runtime brings along: as storages, they are reached when they are needed. */
const TRANSPORT_EDGES = "src/transport/edge/";

/** The service on a socket of this machine: its door is in it. */
const SERVICE_EDGE = "src/service/edge/";

/** Folders whose files may name a runtime. The conformance suite registers tests with `node:test`. */
const EDGES = [...STORAGES, TRANSPORT_EDGES, SERVICE_EDGE, "src/cli/", "src/testing/"];

/** Where URLs become drivers and files: these alone import edges, and only when they are needed. */
const COMPOSERS = new Set([
  "src/instance/storages.ts",
  "src/sync/servers.ts",
  "src/sync/servers_elsewhere.ts",
  "src/cli/sockets.ts",
]);

/** Files that give the modules of Node to the edges, as `#node`, `#node-http` and `#node-net`. */
const NODE_MODULES = /^src\/storage\/shared\/node(_\w+)?\.ts$/;

/** How a module is named: for its values, for its types alone, or while the program runs. */
export type ImportKind = "value" | "type" | "dynamic";

/** The entry of {@linkcode LAYERS} that a file belongs to: the longest that fits. */
function placeOf(path: string): string | undefined {
  return LAYERS.flat().filter((name) => path === name || path.startsWith(`${name}/`))
    .sort((a, b) => b.length - a.length)[0];
}

/** The layer of a file, 0 at the bottom; undefined for doors, tests, scripts and others. */
export function layerOf(path: string): number | undefined {
  const place = placeOf(path);
  return place === undefined ? undefined : LAYERS.findIndex((names) => names.includes(place));
}

/** Whether a file may name a runtime. */
export function mayNameRuntime(file: string): boolean {
  return layerOf(file) === undefined || EDGES.some((edge) => file.startsWith(edge)) ||
    /\/edge_[^/]*$/.test(file);
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
  kind: ImportKind,
): string | undefined {
  if (/^(node|bun|deno):/.test(specifier)) return refuseRuntime(file, kind);
  // Files without a layer are doors and those outside, and may import everything.
  if (!specifier.startsWith(".") || layerOf(file) === undefined) return undefined;
  const target = resolve(file, specifier);
  return refuseDriver(file, target, kind) ?? refuseUpward(file, target, kind);
}

function isEdge(path: string): boolean {
  return [...STORAGES, TRANSPORT_EDGES, SERVICE_EDGE].some((folder) => path.startsWith(folder));
}

function refuseRuntime(file: string, kind: ImportKind): string | undefined {
  if (!mayNameRuntime(file)) return "only EDGE files name a runtime";
  const asks = isEdge(file) && !NODE_MODULES.test(file);
  return asks && kind === "value" ? "edges import the modules of Node from #node" : undefined;
}

function refuseDriver(file: string, target: string, kind: ImportKind): string | undefined {
  if (kind === "type" || !isEdge(target) || isEdge(file)) return undefined;
  if (!COMPOSERS.has(file)) return "edges are reached through doors and by the composition root";
  return kind === "dynamic" ? undefined : "the composition root imports edges dynamically";
}

/** Rooms that are loaded when they are first asked for, by files of rooms below them that do nothing else. */
const LOADED = new Map([
  ["src/backend/load_rest.ts", "src/instance/rest.ts"],
  ["src/instance/enable_sync.ts", "src/sync/engine.ts"],
  ["src/instance/storages.ts", "src/service/edge/connect.ts"],
]);

function refuseUpward(file: string, target: string, kind: ImportKind): string | undefined {
  if (kind !== "value" && LOADED.get(file) === target) return undefined;
  const to = layerOf(target);
  if (to === undefined) return `"${target}" is a door, and doors are for those outside`;
  if (placeOf(file) === placeOf(target) || to < layerOf(file)!) return undefined;
  if (kind === "type" && PORTS.has(target.split("/").at(-1)!)) return undefined;
  return `"${placeOf(target)}" is not below "${placeOf(file)}"`;
}

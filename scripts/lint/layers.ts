/**
 * The layer rule (CONTRIBUTING.md) as a lint plugin: imports point down, and only EDGE files name a
 * runtime.
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

function isEdge(file: string): boolean {
  return EDGES.some((edge) => file.startsWith(edge));
}

/** Path of a linted file inside the checkout. */
function inCheckout(filename: string): string {
  const root = new URL("../..", import.meta.url).pathname;
  return decodeURIComponent(filename.replaceAll("\\", "/")).replace(root, "");
}

interface ImportNode extends Deno.lint.BaseNode {
  readonly source: { readonly value: string } | null;
  readonly importKind?: "type" | "value";
  readonly exportKind?: "type" | "value";
  readonly specifiers?: readonly { readonly importKind?: string; readonly exportKind?: string }[];
}

function isTypeOnly(node: ImportNode): boolean {
  if (node.importKind === "type" || node.exportKind === "type") return true;
  const all = node.specifiers ?? [];
  return all.length > 0 &&
    all.every((item) => item.importKind === "type" || item.exportKind === "type");
}

const RUNTIME_NAMES = new Set(["Deno", "Bun"]);

const plugin: Deno.lint.Plugin = {
  name: "house",
  rules: {
    layers: {
      create(context) {
        const file = inCheckout(context.filename);
        const check = (node: unknown) => {
          const { source } = node as ImportNode;
          if (source === null) return;
          const why = refuseImport(file, source.value, isTypeOnly(node as ImportNode));
          if (why === undefined) return;
          context.report({
            node: node as Deno.lint.Node,
            message: `"${file}" must not import "${source.value}": ${why}`,
          });
        };
        return {
          ImportDeclaration: check,
          ExportNamedDeclaration: check,
          ExportAllDeclaration: check,
        };
      },
    },
    edges: {
      create(context) {
        const file = inCheckout(context.filename);
        if (layerOf(file) === undefined || isEdge(file)) return {};
        return {
          MemberExpression(node) {
            if (node.object.type !== "Identifier" || !RUNTIME_NAMES.has(node.object.name)) return;
            context.report({
              node,
              message: `"${file}" names ${node.object.name}: only EDGE files name a runtime`,
            });
          },
        };
      },
    },
  },
};

export default plugin;

/**
 * The layer rule (CONTRIBUTING.md) as a lint plugin: imports point down, and only EDGE files name a
 * runtime.
 *
 * @module
 */

import { isEdge, layerOf, refuseImport } from "./rules.ts";

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

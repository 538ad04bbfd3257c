/**
 * The layer rule as a plugin of `deno lint`.
 *
 * @module
 */

import { type ImportKind, mayNameRuntime, refuseImport } from "./rules.ts";

const ROOT = decodeURIComponent(new URL("../..", import.meta.url).pathname);
const RUNTIME_NAMES = new Set(["Deno", "Bun"]);

/** Path of a linted file inside the checkout. */
function inCheckout(filename: string): string {
  return filename.replaceAll("\\", "/").replace(ROOT, "");
}

type Declaration =
  | Deno.lint.ImportDeclaration
  | Deno.lint.ExportNamedDeclaration
  | Deno.lint.ExportAllDeclaration;

function isTypeOnly(item: object): boolean {
  return ("importKind" in item && item.importKind === "type") ||
    ("exportKind" in item && item.exportKind === "type");
}

function kindOf(node: Declaration): ImportKind {
  const all: readonly object[] = node.type === "ExportAllDeclaration" ? [] : node.specifiers;
  return isTypeOnly(node) || (all.length > 0 && all.every(isTypeOnly)) ? "type" : "value";
}

/** The text of a literal; undefined for what is computed while the program runs. */
function literal(node: Deno.lint.Node | null): string | undefined {
  if (node?.type === "TSLiteralType") return literal(node.literal);
  return node?.type === "Literal" && typeof node.value === "string" ? node.value : undefined;
}

function layers(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  const file = inCheckout(context.filename);
  const check = (node: Deno.lint.Node, source: Deno.lint.Node | null, kind: ImportKind) => {
    const specifier = literal(source);
    if (specifier === undefined) return;
    const why = refuseImport(file, specifier, kind);
    if (why === undefined) return;
    context.report({ node, message: `"${file}" must not import "${specifier}": ${why}` });
  };
  return {
    ImportDeclaration: (node) => check(node, node.source, kindOf(node)),
    ExportNamedDeclaration: (node) => check(node, node.source, kindOf(node)),
    ExportAllDeclaration: (node) => check(node, node.source, kindOf(node)),
    ImportExpression: (node) => check(node, node.source, "dynamic"),
    TSImportType: (node) => check(node, node.argument, "type"),
  };
}

/** Whether an identifier is only the name of a property, as in `host.Deno`. */
function isPropertyName(node: Deno.lint.Identifier): boolean {
  const { parent } = node;
  if (parent.type === "Property") return parent.key === node && !parent.shorthand;
  if (parent.type !== "MemberExpression" || parent.property !== node || parent.computed) {
    return false;
  }
  return parent.object.type !== "Identifier" || parent.object.name !== "globalThis";
}

function edges(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  const file = inCheckout(context.filename);
  if (mayNameRuntime(file)) return {};
  return {
    Identifier(node) {
      if (!RUNTIME_NAMES.has(node.name) || isPropertyName(node)) return;
      const message = `"${file}" names ${node.name}: only EDGE files name a runtime`;
      context.report({ node, message });
    },
  };
}

const plugin: Deno.lint.Plugin = {
  name: "house",
  rules: { layers: { create: layers }, edges: { create: edges } },
};

export default plugin;

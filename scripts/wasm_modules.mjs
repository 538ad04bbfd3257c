/**
 * Takes the WASM code of the crypto core out of the npm packages that embed it, and writes `wasm/modules/`.
 * BLAKE3 and SHA-256 are those of hash-wasm as they are. Of libsodium only what Ed25519 needs is kept: a
 * third of it, which imports nothing and owns all memory behind its data and stack.
 *
 *   node scripts/wasm_modules.mjs            writes
 *   node scripts/wasm_modules.mjs --check    fails when what is committed is not what this would write
 */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { installFolder, ROOT } from "./runtimes.mjs";

const HOME = join(ROOT, "scripts", "wasm_modules");
const TARGET = join(ROOT, "wasm", "modules");
const { resolve } = createRequire(join(HOME, "package.json"));

/** What is kept of libsodium. */
const KEPT = [
  "crypto_sign_seed_keypair",
  "crypto_sign_detached",
  "crypto_sign_verify_detached",
  "crypto_hash",
];

function folderOf(name) {
  const [before] = resolve(name).split(join("node_modules", name));
  return join(before, "node_modules", name);
}

function only(matches, what) {
  if (matches.length !== 1) throw new Error(`Found ${matches.length} times ${what}, not once`);
  return matches[0];
}

function hashWasm(name) {
  const text = readFileSync(join(folderOf("hash-wasm"), "dist", "index.esm.js"), "utf8");
  const pattern = new RegExp(`name\\$?\\w* = "${name}";\\s*var data\\$?\\w* = "([^"]+)"`, "g");
  return Buffer.from(only([...text.matchAll(pattern)], `the code of ${name}`)[1], "base64");
}

/** The whole module of libsodium, and the names of what it exports under one or two letters. */
function libsodium() {
  const text = readFileSync(
    join(folderOf("libsodium"), "dist", "modules-esm", "libsodium.mjs"),
    "utf8",
  );
  const code = only([...text.matchAll(/"(AGFzb[\w+/=]{10000,})"/g)], "the code of libsodium")[1];
  const names = new Map();
  for (const [, name, letters] of text.matchAll(/\._(\w+)=\w+\.(\w+)/g)) names.set(name, letters);
  return { bytes: Buffer.from(code, "base64"), names };
}

async function ed25519() {
  const { default: binaryen } = await import(resolve("binaryen"));
  const { bytes, names } = libsodium();
  const module = binaryen.readBinary(bytes);
  module.setFeatures(binaryen.Features.All);
  const all = Array.from(
    { length: module.getNumExports() },
    (_, index) => binaryen.getExportInfo(module.getExportByIndex(index)),
  );
  const memory = only(all.filter(({ kind }) => kind === binaryen.ExternalMemory), "a memory");
  const kept = KEPT.map((name) => [name, all.find((one) => one.name === names.get(name)).value]);
  for (const { name } of all) module.removeExport(name);
  module.addMemoryExport(memory.value, "memory");
  for (const [name, value] of kept) module.addFunctionExport(value, name);
  module.runPasses(["remove-unused-module-elements"]);
  return withSmallMemory(binaryen, module);
}

/** With no more memory than data and stack need: what grows behind them belongs to the caller. */
function withSmallMemory(binaryen, module) {
  const text = module.emitText();
  const stackTop = only(
    [...text.matchAll(/\(global \$\S+ \(mut i32\) \(i32\.const (\d+)\)\)/g)],
    "a stack",
  );
  const pages = Math.ceil(Number(stackTop[1]) / 65_536);
  const small = text.replace(/\(memory (\$\S+) \d+ (\d+)\)/, `(memory $1 ${pages} $2)`);
  const trimmed = binaryen.parseText(small);
  trimmed.setFeatures(binaryen.Features.All);
  const bytes = Buffer.from(trimmed.emitBinary());
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(bytes));
  if (imports.length > 0) throw new Error(`The code of Ed25519 imports ${JSON.stringify(imports)}`);
  return bytes;
}

function licence(name) {
  const { version } = JSON.parse(readFileSync(join(folderOf(name), "package.json"), "utf8"));
  const text = readFileSync(join(folderOf(name), "LICENSE"), "utf8").trim();
  return `@license From the npm package ${name} ${version}:\n\n${text}`;
}

function source(about, name, bytes) {
  const notice = `${about} Written by scripts/wasm_modules.mjs.\n\n${licence(name)}`;
  const lines = notice.split(/\r?\n/).map((line) => ` * ${line.trim()}`.trimEnd());
  return [
    ...["/**", ...lines, " *", " * @module", " */", ""],
    "/** The module in base64. */",
    `export const BASE64: string =\n  "${bytes.toString("base64")}";\n`,
  ].join("\n");
}

async function sources() {
  return {
    "blake3.ts": source("BLAKE3.", "hash-wasm", hashWasm("blake3")),
    "ed25519.ts": source("Ed25519 and SHA-512.", "libsodium", await ed25519()),
    "sha256.ts": source("SHA-256.", "hash-wasm", hashWasm("sha256")),
  };
}

function check(name, text) {
  const path = join(TARGET, name);
  if (existsSync(path) && readFileSync(path, "utf8") === text) return;
  throw new Error(`wasm/modules/${name} is not what node scripts/wasm_modules.mjs writes`);
}

try {
  installFolder(HOME, "what the WASM modules are taken from");
  mkdirSync(TARGET, { recursive: true });
  const isCheck = process.argv.includes("--check");
  for (const [name, text] of Object.entries(await sources())) {
    if (isCheck) check(name, text);
    else writeFileSync(join(TARGET, name), text);
    console.log(`${isCheck ? "ok" : "wrote"} wasm/modules/${name}: ${text.length} characters`);
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

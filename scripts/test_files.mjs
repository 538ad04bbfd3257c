/** Which files of `tests/` are to run. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { ROOT } from "./runtimes.mjs";

const TESTS = join(ROOT, "tests");
const IMPORT = /\b(?:from|import)\s*\(?\s*"(\.[^"]+)"/g;

/** What opens the storage that `EIDETICA_STORAGE` names. */
const STORAGES = join(TESTS, "helpers", "storages.ts");
/** What makes an instance for the tests that run against a daemon as well. */
const INSTANCES = join(TESTS, "helpers", "instances.ts");
/** What random tests take the number of their cases from; what only asks it for storages is not random. */
const THOROUGH = join(TESTS, "helpers", "thorough.ts");
const SHARED = join(TESTS, "helpers", "shared.ts");
/** What uses a PostgreSQL server, and starts one of its own unless the runner has. */
const POSTGRES = join(TESTS, "storage", "postgres_server.ts");

/** Paths as all runtimes take them for files, never for patterns. */
function fromRoot(file) {
  if (!existsSync(file)) throw new Error(`Cannot test "${file}": there is no such file`);
  return `./${relative(ROOT, file).replaceAll("\\", "/")}`;
}

function allFiles() {
  return readdirSync(TESTS, { withFileTypes: true, recursive: true })
    .filter((item) => item.isFile() && item.name.endsWith("_test.ts"))
    .map((item) => join(item.parentPath ?? item.path, item.name))
    .sort();
}

/** Whether a file imports another one of `tests/`, by itself or through others. */
function reaches(file, target, seen = new Set()) {
  if (file === target) return true;
  if (seen.has(file) || !existsSync(file)) return false;
  seen.add(file);
  const paths = [...readFileSync(file, "utf8").matchAll(IMPORT)].map(([, path]) => path);
  return paths.map((path) => resolve(dirname(file), path))
    .filter((path) => path.startsWith(TESTS))
    .some((path) => reaches(path, target, seen));
}

/** The files to run: those that are named, or all; of these only those that use a storage, or are random. */
export function filesToRun(named, { isOnStorage, isRandom }) {
  if (named.length > 0) return named.map((file) => fromRoot(resolve(file)));
  return allFiles()
    .filter((file) => !isOnStorage || reaches(file, STORAGES))
    .filter((file) => !isRandom || reaches(file, THOROUGH, new Set([SHARED])))
    .map(fromRoot);
}

/** Those of the files that say something about a storage: against a daemon those that are written for both. */
export function filesOn(storage, files) {
  if (!storage?.startsWith("unix")) return files;
  return files.filter((file) => reaches(resolve(ROOT, file), INSTANCES));
}

/**
 * Whether any of the files would start a PostgreSQL server. What only opens the storage of the suites
 * does so when that is PostgreSQL.
 */
export function wantsPostgres(files, storages) {
  if (storages.includes("postgres")) return true;
  return files.some((file) => reaches(resolve(ROOT, file), POSTGRES, new Set([STORAGES])));
}

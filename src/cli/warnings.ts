import process from "node:process";

/**
 * Node 22 says with each use that its SQLite is experimental, which is nothing that whoever types a command could act
 * on: it is tried on every version that this project supports. Other warnings are shown.
 */
export function hideSqliteWarning(): void {
  const emit = process.emitWarning as (...given: unknown[]) => void;
  process.emitWarning = (...given: unknown[]) => {
    if (String(given[0]).startsWith("SQLite is an experimental feature")) return;
    emit.apply(process, given);
  };
}

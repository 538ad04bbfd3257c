import { quote } from "#inspect";
import { docState } from "../backend/state/doc_state.ts";
import { Doc } from "../crdt/doc.ts";
import { SETTINGS } from "../entry/constants.ts";
import type { ID } from "../entry/id.ts";
import { tryRead } from "../util/try_read.ts";
import type { TransactionHost } from "./host.ts";

/** The name of a database in quotes, if it is in memory, for consoles. */
export function peekName(host: TransactionHost, tree: ID): string | undefined {
  const name = tryRead(() => peekSettings(host, tree)?.peek("name"));
  return typeof name === "string" ? quote(name) : undefined;
}

/** The settings, or the last change of them: after a creation nobody has asked for the settings yet. */
function peekSettings({ backend }: TransactionHost, tree: ID): Doc | undefined {
  const seen = backend.tips.peekSeen(tree);
  const pin = seen && backend.tips.peekStoreAt(tree, SETTINGS, seen);
  if (pin === undefined) return undefined;
  const state = backend.states.peek(tree, SETTINGS, pin, docState);
  if (state !== undefined || pin.length !== 1) return state;
  const data = backend.entries.get(pin.tips[0]!)?.entry.findData(SETTINGS);
  return data && Doc.parseBytes(data);
}

/** A database for consoles: by its name, if that is in memory, else by its ID. */
export function databaseText(host: TransactionHost, tree: ID | undefined): string {
  return tree === undefined ? "a new database" : `database ${peekName(host, tree) ?? tree}`;
}

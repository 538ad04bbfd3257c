import { toPlain } from "../crdt/convert.ts";
import { DELETED, type Value } from "../crdt/value.ts";
import { Doc } from "../crdt/doc.ts";
import type { Database } from "../database/database.ts";
import type { Entry } from "../entry/entry.ts";
import { EntryMetadata } from "../entry/metadata.ts";
import type { ID } from "../entry/id.ts";
import type { Instance } from "../instance/instance.ts";
import { tryRead } from "../util/try_read.ts";
import { authOf, EntryReader } from "./entries.ts";
import { rfc3339, when, who } from "./entry_lines.ts";
import type { Run } from "./frame/command.ts";
import { sortedJson } from "./frame/output.ts";
import { bytes, count, cut, shown } from "./frame/text.ts";
import { shortId } from "./databases.ts";

/** One value that an entry writes. */
interface Op {
  readonly op: "set" | "delete";
  readonly path: string;
  readonly value?: unknown;
}

/** Shows an entry with all that it names and writes. */
export async function showEntry(
  { out }: Run,
  instance: Instance,
  database: Database,
  text: string,
): Promise<void> {
  const reader = await EntryReader.of(instance, database);
  const entry = await reader.find(text);
  const facts = await reader.facts(entry);
  const children = await childrenOf(reader, entry);
  const auth = await authOf(database);
  const pin = await pinOf(instance, entry);
  const now = tryRead(() => auth.getKeyByPubkey(entry.sig.key.hint.pubkey!));
  if (out.json) {
    return out.value({
      id: entry.id.toString(),
      root: database.rootId.toString(),
      height: entry.height,
      status: facts.status,
      size: entry.bytes.length,
      claimed_at: entry.time === undefined ? null : rfc3339(entry.time),
      parents: entry.parents.map(String),
      children: children.map(String),
      pin,
      signature: entry.sig.sig ?? null,
      key: {
        public: facts.key,
        name: facts.name ?? null,
        now: now === undefined ? null : `${now.permissions.display()} ${now.status}`,
      },
      stores: entry.subtrees.map((name) => storeJson(entry, name)),
    });
  }
  const time = entry.time === undefined ? "" : `, claimed ${when(entry.time, out)} (not proven)`;
  out.line(out.style("cyan", entry.id.toString()));
  out.line(`${facts.status}, height ${count(entry.height)}, ${bytes(entry.bytes.length)}${time}`);
  const ids = (all: readonly ID[]) =>
    all.map((id) => out.isTerminal ? shortId(id) : `${id}`).join(" ");
  out.line(`  parents    ${ids(entry.parents) || "none: it is the root"}`);
  out.line(`  children   ${ids(children) || "none: it is a tip"}`);
  for (const name of entry.subtrees) showStore(entry, name, out);
  for (const { id, height } of pin) {
    const shownId = out.isTerminal ? shortId(id) : id;
    out.line(
      `  pin        ${shownId}, settings at height ${height === null ? "unknown" : count(height)}`,
    );
  }
  out.line(`  key        ${who(facts, out)}, ${shown(facts.key)}`);
  const right = now === undefined ? "not listed" : `${now.permissions.display()}, ${now.status}`;
  out.line(`             now ${right}`);
}

async function childrenOf(reader: EntryReader, parent: Entry): Promise<ID[]> {
  const found: ID[] = [];
  for await (const entry of reader.newestFirst()) {
    // Whoever is not higher than an entry cannot stand on it.
    if (entry.height <= parent.height) break;
    if (entry.parents.some((id) => id.equals(parent.id))) found.push(entry.id);
  }
  return found;
}

/** The settings that an entry stands under. */
async function pinOf(
  instance: Instance,
  entry: Entry,
): Promise<{ id: string; height: number | null }[]> {
  const { metadata } = entry;
  const pin = metadata && tryRead(() => EntryMetadata.parse(metadata))?.settingsTips;
  const tips = pin?.tips ?? [];
  return await Promise.all(tips.map(async (id) => {
    const isHere = await instance.backend.hasEntry(id);
    return {
      id: id.toString(),
      height: isHere ? (await instance.backend.get(id)).height : null,
    };
  }));
}

function storeJson(entry: Entry, name: string): Record<string, unknown> {
  const data = entry.findData(name) ?? new Uint8Array();
  const parents = entry.subtreeParents(name).map(String);
  return { name, size: data.length, parents, ops: opsOf(data) };
}

/** What a change of a document does; nothing is known of other data. */
function opsOf(data: Uint8Array): Op[] {
  const ops: Op[] = [];
  const add = (value: Value, path: string) => {
    if (value === DELETED) return ops.push({ op: "delete", path });
    if (!(value instanceof Doc)) return ops.push({ op: "set", path, value: plain(value) });
    if (value.isAtomic()) return ops.push({ op: "set", path, value: value.toObject() });
    value.peekEach((key, inner) => add(inner, path === "" ? key : `${path}.${key}`));
  };
  tryRead(() => add(Doc.parseBytes(data), ""));
  return ops;
}

/** A value for JSON; a text that is JSON itself, as rows are, stays a text. */
function plain(value: Exclude<Value, typeof DELETED | Doc>): unknown {
  return toPlain(value);
}

function showStore(entry: Entry, name: string, out: Run["out"]): void {
  const data = entry.findData(name) ?? new Uint8Array();
  out.line(`  ${shown(name)}  ${bytes(data.length)}`);
  for (const { op, path, value } of opsOf(data)) {
    const text = op === "delete"
      ? "deleted"
      : typeof value === "string"
      ? value
      : sortedJson(value);
    const line = `    ${shown(path)}  ${shown(text)}`;
    out.line(out.isTerminal ? cut(line, out.width) : line);
  }
}

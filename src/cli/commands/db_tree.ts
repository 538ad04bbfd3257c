import { Database } from "../../database/database.ts";
import type { Instance } from "../../instance/instance.ts";
import type { Command, Run } from "../frame/command.ts";
import { cell, cut, shown, widthOf } from "../frame/text.ts";
import { findDatabase, shortId } from "../databases.ts";
import { type EntryFacts, EntryReader } from "../entries.ts";
import { changeOf, entryJson, when, who } from "../entry_lines.ts";
import { joinText, laneText, LETTERS, LINES, type Placed, placed } from "../graph.ts";
import { DATABASE, LIMIT, STORAGE } from "../options.ts";
import { reading } from "../session.ts";
import { writeWhole } from "../sink.ts";
import { svgOf } from "../svg.ts";

/** `eidetica db tree`. */
export const dbTree: Command = {
  about: "Draw the history of a database",
  options: [
    LIMIT,
    { name: "svg", value: "FILE", help: "Draw into a file for browsers" },
    ...STORAGE,
  ],
  positionals: [DATABASE],
  examples: ["eidetica db tree orchard", "eidetica db tree orchard -n 200 --svg orchard.svg"],
  run: (run) => reading(run, (instance) => draw(run, instance)),
};

async function draw(run: Run, instance: Instance): Promise<void> {
  const { values, out } = run;
  const { root, name } = await findDatabase(instance, values.text("DB"));
  const reader = await EntryReader.of(instance, await Database.open(instance, root));
  const facts = await newest(run, reader);
  const all = [...placed(facts)];
  const svg = values.get("svg");
  if (svg !== undefined) return await writeSvg(run, svg, svgOf(name ?? shortId(root), all));
  if (out.json) {
    for (const one of all) out.value({ ...entryJson(one.item), lane: one.lane });
    return;
  }
  print(out, all);
  const last = facts.at(-1);
  if (last !== undefined && !last.entry.isRoot) out.note(`There is more: -n ${2 * facts.length}`);
}

async function newest({ values, signal }: Run, reader: EntryReader): Promise<EntryFacts[]> {
  const facts: EntryFacts[] = [];
  for await (const entry of reader.newestFirst()) {
    if (signal.aborted) throw signal.reason;
    facts.push(await reader.facts(entry));
    if (facts.length === Number(values.text("limit"))) break;
  }
  return facts;
}

async function writeSvg({ out }: Run, path: string, svg: string): Promise<void> {
  await writeWhole(path, svg);
  out.note(`Drawn into ${shown(path)}`);
}

function print(out: Run["out"], all: readonly Placed<EntryFacts>[]): void {
  const signs = out.isPlain ? LETTERS : LINES;
  const rows = all.map((one) => ({ one, lanes: laneText(one, nodeMark(one, out), signs) }));
  const width = Math.max(0, ...rows.map(({ lanes }) => widthOf(lanes)));
  for (const { one, lanes } of rows) {
    const above = joinText(one, one.ends, true, signs);
    if (above !== undefined) out.line(above);
    printEntry(out, one.item, cell(lanes, width), " ".repeat(width));
    const below = joinText(one, one.begins, false, signs);
    if (below !== undefined) out.line(below);
  }
}

function printEntry(out: Run["out"], facts: EntryFacts, lanes: string, indent: string): void {
  const { entry } = facts;
  const id = out.style("cyan", out.isTerminal ? shortId(entry.id) : entry.id.toString());
  const rest = `${changeOf(facts)}  ${when(entry.time, out)}`.trimEnd();
  const fit = (text: string) => out.isTerminal ? cut(text, out.width) : text;
  if (out.isWide) return out.line(fit(`${lanes}  ${id}  ${who(facts, out)}  ${rest}`));
  out.line(`${lanes}  ${id}  ${who(facts, out)}`);
  out.line(fit(`${indent}  ${rest}`));
}

function nodeMark({ item }: Placed<EntryFacts>, out: Run["out"]): string {
  const { entry, status } = item;
  const [sign, plain] = status === "Failed"
    ? ["✕", "x"]
    : status === "Unverified"
    ? ["◌", "o"]
    : entry.parents.length > 1
    ? ["◆", "*"]
    : entry.isRoot || entry.subtrees.includes("_settings")
    ? ["■", "#"]
    : ["●", "*"];
  return out.isPlain ? plain! : sign!;
}

/**
 * `npm run bench:report`: the benchmarks on Deno, Bun and Node, as pictures and tables in
 * `docs/performance/`, and as the table of the README.
 *
 *   npm run bench:report -- [--draw | --sync]
 *
 * Nothing else should run on the machine meanwhile. With `--draw` the results of the last run are drawn again, with
 * `--sync` after synchronisation alone was measured, which the page tells apart.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { answerHelp } from "./help.mjs";
import { barChart } from "./bench_charts.mjs";
import { peersPicture, peersSection } from "./bench_peers_page.mjs";
import { report } from "./bench_runs.mjs";
import { installDependencies, ROOT } from "./runtimes.mjs";

answerHelp(import.meta.url);

const NAMES = ["deno", "bun", "node"];
const SUITES =
  "put-entry,history,concurrent,dispatch,ingest,state,cold-read,primitives,engines,size";
const FOLDER = join(ROOT, "docs", "performance");
const RESULTS = join(FOLDER, "results.json");
const SYNC_SUITES = "sync,sync_v0_json,live";
/** What was measured of synchronisation. */
const SYNC = join(FOLDER, "sync.json");
/** What `npm run bench:peers -- --save` wrote. */
const PEERS = join(FOLDER, "peers.json");
/** Processes that wanted a core before a run began; from here on times say little. */
const QUIET_LOAD = 0.5;
/** Commits per second of the Rust project on a SQLite file at 100 entries, on such a machine. */
const RUST_COMMITS = 90;
const README_BLOCK = /(<!-- bench:begin -->\n)[\s\S]*(<!-- bench:end -->)/;

function measure() {
  return NAMES.map((name) => {
    console.log(`Measuring on ${name} …`);
    return { name, ...report(name, ["--only", SUITES]) };
  });
}

/** Measures synchronisation, and notes how busy the machine was with other work. */
function measureSync() {
  const runs = NAMES.map((name) => {
    console.log(`Measuring synchronisation on ${name} …`);
    return { name, load: loadavg()[0], ...report(name, ["--only", SYNC_SUITES]) };
  });
  writeFileSync(SYNC, `${JSON.stringify(runs, null, 1)}\n`);
}

const find = (run, group, name) =>
  run.timings.find((one) => one.group === group && one.name === name);

const findFigure = (run, group, name) =>
  run.figures.find((one) => one.group === group && one.name === name);

function timing(run, group, name) {
  const found = find(run, group, name);
  if (found === undefined) throw new Error(`No case "${name}" in group "${group}"`);
  return found;
}

/** Microseconds of one unit: the middle sample. */
const micros = (found) => found.median / found.each;
const perSecond = (found) => 1e6 / micros(found);
const count = (
  value,
) => (value >= 1e6
  ? `${(value / 1e6).toFixed(1)} M`
  : Math.round(Number(value.toPrecision(2))).toLocaleString("en"));

function bars(runs, group, names, of) {
  return runs.map((run) => ({
    title: run.runtime,
    bars: names.map(([name, label]) => ({
      label,
      value: of(timing(run, group, name)),
      runtime: run.name,
    })),
  }));
}

function commits(runs) {
  const names = [
    ["floor, sqlite", "sign + hash + insert only"],
    ["commit, memory, history 100", "memory"],
    ["commit, sqlite, history 100", "SQLite file"],
    ["commit, sqlite, power-safe, history 100", "SQLite file, power-safe"],
    ["commit, file, history 100", "plain files"],
  ];
  const rust = { label: "SQLite file", value: RUST_COMMITS, runtime: "other" };
  const groups = [...bars(runs, "put-entry", names, perSecond), {
    title: "Rust project",
    bars: [rust],
  }];
  return barChart({ title: "Commits per second, one writer, one key each", groups, format: count });
}

function history(runs) {
  const names = ["100", "1,000", "10,000", "100,000"].map((
    size,
  ) => [`commit, sqlite, history ${size}`, `at ${size} entries`]);
  const groups = bars(runs, "history, sqlite", names, micros);
  const format = (value) => `${Math.round(value)} µs`;
  return barChart({ title: "Cost of a commit by length of history, SQLite file", groups, format });
}

function callbacks(runs) {
  const names = ["1 callback", "100 callbacks", "1,000 callbacks"].map((name) => [name, name]);
  const groups = bars(runs, "dispatch alone", names, perSecond);
  return barChart({ title: "Callback invocations per second", groups, format: count });
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function readmeTable(runs) {
  const row = (label, value) => [label, ...runs.map(value)];
  const put = (run, name) => timing(run, "put-entry", name);
  const on = (run, place) => put(run, `commit, ${place}, history 100`);
  const grown = (run) => timing(run, "history, sqlite", "commit, sqlite, history 100,000");
  const read = (run) => timing(run, "table read after commit", "100,000 rows");
  const few = (run) => timing(run, "table read after commit", "100 rows");
  const [ingest] = runs[0].timings.filter(({ group }) => group === "verified ingest");
  return table(["", ...runs.map(({ runtime }) => runtime)], [
    row("commits per second, memory", (run) => count(perSecond(on(run, "memory")))),
    row("commits per second, SQLite file", (run) => count(perSecond(on(run, "sqlite")))),
    row(
      "the same, × the time of sign + hash + insert alone",
      (run) => (micros(on(run, "sqlite")) / micros(put(run, "floor, sqlite"))).toFixed(1),
    ),
    row(
      "commits per second by 64 writers at once, SQLite file",
      (run) => count(perSecond(timing(run, "concurrent writers, sqlite", "64 writers"))),
    ),
    row(
      "cost of a commit at 100,000 entries, × the cost at 100",
      (run) => grown(run).ratio.toFixed(2),
    ),
    row(
      "reading a row right after a commit, 100 / 100,000 rows",
      (run) => `${micros(few(run)).toFixed(0)} / ${micros(read(run)).toFixed(0)} µs`,
    ),
    row(
      "callback invocations per second, 1,000 on one commit",
      (run) => count(perSecond(timing(run, "dispatch alone", "1,000 callbacks"))),
    ),
    row(
      "entries per second decoded, verified and stored, SQLite",
      (run) => count(perSecond(timing(run, ingest.group, ingest.name))),
    ),
    row(
      "the same on one core, WASM engine / native engine",
      (run) => ["wasm", "native"].map((engine) => onOneCore(run, engine)).join(" / "),
    ),
  ]);
}

function onOneCore(run, engine) {
  const group = "verified ingest on one core";
  const found = findFigure(run, group, `${engine}, by processor time`);
  return found === undefined ? "–" : count(found.value);
}

/** A row for each case, with what it took on each runtime. */
function timingRows(runs) {
  return runs[0].timings.map(({ group, name, unit }) => [
    group,
    name,
    ...runs.map((run) => {
      const found = find(run, group, name);
      if (found === undefined) return "–"; // a storage that this runtime has not
      const spread = Math.round((found.high - found.low) / 2 / found.median * 100);
      return `${Number(micros(found).toPrecision(3))} µs ± ${spread} %`;
    }),
    unit,
  ]);
}

function page(runs) {
  const timings = timingRows(runs);
  const figures = figureRows(runs);
  const names = runs.map(({ runtime }) => runtime);
  return `# Performance

Measured on ${runs[0].machine}, ${
    runs[0].date.slice(0, 10)
  }, by \`npm run bench:report\`, which wrote this page. Times are
those of one unit: the middle sample, ± half the distance between the quartiles. The cases are in \`bench/suites\`;
\`npm run bench:compare -- main HEAD\` tells whether a change made one slower.${otherMachines()}

![Commits per second](./commits.svg)

![Cost by length of history](./history.svg)

![Callback invocations](./callbacks.svg)

## Times

${table(["group", "case", ...names, "unit"], timings)}

## Figures

${table(["group", "figure", ...names, "unit"], figures)}
`;
}

/** Links to the pages of runs on other machines, which are kept by hand. */
function otherMachines() {
  const pages = readdirSync(FOLDER).filter((name) => name.endsWith(".md") && name !== "README.md");
  if (pages.length === 0) return "";
  const links = pages.map((name) => `[${name.replace(".md", "").replaceAll("-", " ")}](./${name})`);
  return `\nEarlier runs on other machines: ${links.join(", ")}.`;
}

/** The section on synchronisation, if it was measured. */
function syncSection() {
  if (!existsSync(SYNC)) return "";
  const runs = JSON.parse(readFileSync(SYNC, "utf8"));
  const { machine, date } = runs[0];
  const load = Math.max(...runs.map(({ load }) => load));
  const busy = load < QUIET_LOAD ? "" : `
The machine was busy with other work (load ${
    load.toFixed(1)
  }): compare the rows of a group, not the times.`;
  return `
## Synchronisation

Over HTTP on one machine, beside what the same entries take without a network, in turns. Measured on ${machine}, ${
    date.slice(0, 10)
  }, by \`npm run bench:report -- --sync\`.${busy}

${
    table(["group", "case", ...runs.map(({ runtime }) => runtime), "unit"], [
      ...timingRows(runs),
      ...figureRows(runs),
    ])
  }
`;
}

/** What was counted, or timed as a whole. */
function figureRows(runs) {
  return (runs[0].figures ?? []).map(({ group, name, unit }) => [
    group,
    name,
    ...runs.map((run) => {
      const found = findFigure(run, group, name);
      return found === undefined ? "–" : `${Number(found.value.toPrecision(3))}`;
    }),
    unit,
  ]);
}

/** Draws other databases, if they were measured; their section of the page. */
function drawPeers() {
  if (!existsSync(PEERS)) return "";
  const runs = JSON.parse(readFileSync(PEERS, "utf8"));
  writeFileSync(join(FOLDER, "peers.svg"), peersPicture(runs));
  return peersSection(runs, table);
}

function write(runs) {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(RESULTS, `${JSON.stringify(runs, null, 1)}\n`);
  const pictures = { commits, history, callbacks };
  for (const [name, draw] of Object.entries(pictures)) {
    writeFileSync(join(FOLDER, `${name}.svg`), draw(runs));
  }
  writeFileSync(join(FOLDER, "README.md"), page(runs) + syncSection() + drawPeers());
  const readme = join(ROOT, "README.md");
  const before = readFileSync(readme, "utf8");
  if (!README_BLOCK.test(before)) throw new Error("The README has no block for the benchmarks");
  writeFileSync(readme, before.replace(README_BLOCK, `$1${readmeTable(runs)}\n$2`));
}

installDependencies();
const isSync = process.argv.includes("--sync");
if (isSync) measureSync();
const isDrawing = (isSync || process.argv.includes("--draw")) && existsSync(RESULTS);
write(isDrawing ? JSON.parse(readFileSync(RESULTS, "utf8")) : measure());
console.log("Wrote docs/performance and the table of the README");

/** What `npm run bench:peers` has found, as a picture and a table. */

import { barChart } from "./bench_charts.mjs";

const rate = (value) => Math.round(Number(value.toPrecision(2))).toLocaleString("en");

/** Changes per second of a peer, by the middle sample; undefined where it does not run. */
function perSecond(run, name) {
  const found = run.timings.find((one) => one.name === name);
  return found === undefined ? undefined : 1e6 * found.each / found.median;
}

/** The databases that sign, each on every runtime. */
export function peersPicture(runs) {
  const signing = runs[0].peers.filter(({ signs }) => signs);
  const groups = signing.map(({ name }) => ({
    title: name,
    bars: runs.flatMap((run) => {
      const value = perSecond(run, name);
      return value === undefined
        ? []
        : [{ label: run.runtime.split(" ")[0], value, runtime: run.name }];
    }),
  }));
  return barChart({ title: "Signed changes per second, one key each", groups, format: rate });
}

function row(peer, runs) {
  const rates = runs.map((run) => {
    const value = perSecond(run, peer.name);
    return value === undefined ? "–" : rate(value);
  });
  const { name, version, keeps, signs, does } = peer;
  return [name, version, keeps, signs ? "yes" : "no", does, ...rates];
}

/** Why some peers are missing in a column. */
function absences(runs) {
  const lines = runs.flatMap(({ runtime, absent }) =>
    Object.entries(absent).map(([name, reason]) => `- ${name}: not on ${runtime}: ${reason}`)
  );
  return lines.length === 0 ? "" : `\n${lines.join("\n")}\n`;
}

/** Milliseconds of a change until the other side has it; nothing where that was not measured. */
function liveTable(runs, table) {
  const live = runs[0].live ?? [];
  if (live.length === 0) return "";
  const head = ["", "version", "signs", "each change", ...runs.map(({ runtime }) => runtime)];
  const rows = live.map(({ name, version, signs, does }) => {
    const times = runs.map((run) => {
      const perChange = perSecond(run, name);
      return perChange === undefined ? "–" : `${(1000 / perChange).toPrecision(2)} ms`;
    });
    return [name, version, signs ? "yes" : "no", does, ...times];
  });
  return `
One change of one side, until a handler of the other side has been called for it, over WebSockets of one machine and in one process:

${table(head, rows)}
`;
}

/** The section of the page; `table` lays out a head and rows. */
export function peersSection(runs, table) {
  const { machine, date, peers } = runs[0];
  const head = [
    "",
    "version",
    "kept in",
    "signs",
    "each change",
    ...runs.map(({ runtime }) => runtime),
  ];
  return `
## Other databases

One own change of one new key, in a transaction of its own: changes per second over the first thousand in an
empty database, the middle of up to seven samples taken in turns. Measured on ${machine}, ${
    date.slice(0, 10)
  }, by \`npm run bench:peers -- --save\`.
They do not do the same in a change, as the table says: compare those that sign with those that sign, and read
the rest as what a document alone costs. Files survive the end of the process, not the loss of power.

![Signed changes per second](./peers.svg)

${table(head, peers.map((peer) => row(peer, runs)))}
${liveTable(runs, table)}${absences(runs)}`;
}

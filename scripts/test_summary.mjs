/** What is said when all tests have ended. */

import { withoutGood } from "./test_lines.mjs";

/** A file is good when its tests are and nothing else is wrong with it. */
export function isGood({ failed, fault }) {
  return failed === 0 && fault === undefined;
}

/** Why a row of the table is not good; undefined when it is. */
export function complaint({ files, passed, stopped }) {
  if (stopped !== undefined) return stopped;
  const bad = files.filter((file) => !isGood(file)).length;
  if (bad > 0) return `failed in ${bad} ${bad === 1 ? "file" : "files"}`;
  return passed === 0 ? "no test ran" : undefined;
}

/** The row of the table of one runtime. */
export function rowOf(title, files, seconds, stopped) {
  const sum = (name) => files.reduce((total, file) => total + file[name], 0);
  const [passed, skipped] = [sum("passed"), sum("skipped")];
  const failed = sum("failed") + files.filter(({ fault }) => fault !== undefined).length;
  return { title, files, passed, failed, skipped, seconds, stopped };
}

function table(rows) {
  const cells = [
    ["runtime", "files", "passed", "failed", "skipped", "seconds", ""],
    ...rows.map((row) => [
      row.title,
      row.files.length,
      row.passed,
      row.failed,
      row.skipped,
      row.seconds.toFixed(1),
      complaint(row) ?? "ok",
    ]),
  ];
  const widths = cells[0].map((_, at) => Math.max(...cells.map((row) => String(row[at]).length)));
  const line = (row) => row.map((cell, at) => String(cell).padEnd(widths[at])).join("  ").trimEnd();
  return cells.map(line).join("\n");
}

/** So many tests that are skipped for one reason are named; of more the first is. */
const NAMED_SKIPS = 3;

/** The skipped tests by the runtimes that skipped them and the reason, where one is told. */
function skipList(rows) {
  const tests = new Map();
  for (const { title, files } of rows) {
    for (const { name, reason } of files.flatMap(({ skips }) => skips)) {
      const test = tests.get(name) ?? { titles: new Set(), reason: "" };
      test.titles.add(title);
      if (reason !== "" && reason !== "true") test.reason = `: ${reason}`;
      tests.set(name, test);
    }
  }
  const groups = new Map();
  for (const [name, { titles, reason }] of tests) {
    const why = `${reason} (${[...titles].join(", ")})`;
    groups.set(why, [...groups.get(why) ?? [], name]);
  }
  return [...groups].flatMap(([why, names]) =>
    names.length <= NAMED_SKIPS
      ? names.map((name) => `  ${name}${why}`)
      : [`  ${names[0]} and ${names.length - 1} more${why}`]
  );
}

/** The files that took longest, on all runtimes together, with the seconds on each. */
function slowest(rows, count) {
  const times = new Map();
  for (const { files } of rows) {
    for (const { file, seconds } of files) times.set(file, [...times.get(file) ?? [], seconds]);
  }
  const total = (list) => list.reduce((sum, time) => sum + time, 0);
  const sorted = [...times].sort(([, a], [, b]) => total(b) - total(a)).slice(0, count);
  return sorted.map(([file, list]) =>
    `  ${list.map((time) => time.toFixed(1).padStart(6)).join(" ")}  ${file.slice(2)}`
  );
}

/** A failed file: what is wrong, and all that it has said but for what was good. */
export function failure({ name, file, failed, fault, output }) {
  const reasons = [failed > 0 && `${failed} failed`, fault].filter(Boolean).join(", ");
  return `\n--- FAILED on ${name}: ${file.slice(2)} (${reasons}) ---\n${withoutGood(output, name)}`;
}

/** Prints skips, slow files, failures in full and the table, most important last. */
export function printSummary(rows, slowCount) {
  const skips = skipList(rows);
  if (skips.length > 0) console.log(`\nSkipped:\n${skips.join("\n")}`);
  const titles = rows.map(({ title }) => title).join(", ");
  if (slowCount > 0) {
    console.log(`\nSlowest files, seconds on ${titles}:\n${slowest(rows, slowCount).join("\n")}`);
  }
  for (const file of rows.flatMap(({ files }) => files)) {
    if (!isGood(file)) console.log(failure(file));
  }
  console.log(`\n${table(rows)}`);
}

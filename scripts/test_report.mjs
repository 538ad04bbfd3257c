/**
 * Reads the JUnit reports of Deno, Bun and Node into one shape.
 *
 * The three agree on `<testcase name="…">` with `<failure>`, `<error>` or `<skipped>` inside. Deno alone
 * lists suites among their tests and names a nested test `suite > test`.
 */

const TEST_CASE = /<testcase((?:\s+[\w:-]+="[^"]*")*)\s*(?:\/>|>([\s\S]*?)<\/testcase>)/g;
const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function unescape(text) {
  return text.replace(/&(\w+);/g, (whole, name) => ENTITIES[name] ?? whole);
}

function attribute(text, name) {
  return unescape(new RegExp(`\\s${name}="([^"]*)"`).exec(text)?.[1] ?? "");
}

function readCase(attributes, body = "") {
  const skipped = /<skipped\b[^>]*>/.exec(body);
  return {
    name: attribute(attributes, "name"),
    failed: /<(?:failure|error)\b/.test(body),
    skipped: skipped !== null,
    reason: skipped === null ? "" : attribute(skipped[0], "message"),
  };
}

/** Drops the suites that Deno lists, but for those that failed by themselves. */
function withoutSuites(cases) {
  const parents = new Set();
  const parentsOfFailed = new Set();
  for (const { name, failed } of cases) {
    const parts = name.split(" > ");
    for (let length = 1; length < parts.length; length++) {
      const parent = parts.slice(0, length).join(" > ");
      parents.add(parent);
      if (failed) parentsOfFailed.add(parent);
    }
  }
  return cases.filter(({ name, failed }) => {
    return !parents.has(name) || (failed && !parentsOfFailed.has(name));
  });
}

/**
 * The totals of a report, and the tests that were skipped.
 *
 * @param {string} xml The report; the empty text when the runtime wrote none.
 * @param {string} runtime `deno`, `bun` or `node`.
 */
export function readReport(xml, runtime) {
  const all = [...xml.matchAll(TEST_CASE)].map(([, attributes, body]) =>
    readCase(attributes, body)
  );
  const cases = runtime === "deno" ? withoutSuites(all) : all;
  const skips = cases.filter((test) => test.skipped && !test.failed);
  const failed = cases.filter((test) => test.failed).length;
  return {
    passed: cases.length - failed - skips.length,
    failed,
    skipped: skips.length,
    skips: skips.map(({ name, reason }) => ({
      name: runtime === "deno" ? name.split(" > ").at(-1) : name,
      reason,
    })),
  };
}

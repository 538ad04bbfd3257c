import { Database } from "../../database/database.ts";
import type { Entry } from "../../entry/entry.ts";
import type { Instance } from "../../instance/instance.ts";
import { ID } from "../../entry/id.ts";
import { tryRead } from "../../util/try_read.ts";
import type { Command, Run } from "../frame/command.ts";
import { Failure } from "../frame/failure.ts";
import { suggest } from "../frame/suggest.ts";
import { shown } from "../frame/text.ts";
import { allRoots } from "../connected.ts";
import { isPartOf, nameOf, shortId } from "../databases.ts";
import { EntryReader } from "../entries.ts";
import { type Check, checksOf } from "../explain_entry.ts";
import { CODES } from "../explanations.ts";
import { STORAGE } from "../options.ts";
import { reading } from "../session.ts";

/** `eidetica explain`. */
export const explain: Command = {
  about: "Say what an error code means, or why an entry counts or does not",
  options: STORAGE,
  positionals: [{ name: "WHAT", help: "A code such as PermissionDenied, or the ID of an entry" }],
  examples: ["eidetica explain SigningKeyMismatch", "eidetica explain n4f52xna"],
  run: async (run) => {
    const what = run.values.text("WHAT");
    if (Object.hasOwn(CODES, what)) return explainCode(run, what);
    if (!looksLikeId(what)) throw unknownCode(what);
    await reading(run, (instance) => explainEntry(run, instance, what));
  },
};

/** IDs are small letters and digits; codes begin with a capital. */
function looksLikeId(text: string): boolean {
  return /^[a-z2-7]{4,}$/.test(text);
}

function unknownCode(what: string): Failure {
  const near = suggest(what, Object.keys(CODES));
  return new Failure(`Cannot explain "${what}": it is no code that is known.`, {
    code: "UnknownCode",
    next: near === undefined ? "name a code, or the ID of an entry" : `did you mean "${near}"?`,
  });
}

function explainCode({ out }: Run, code: string): void {
  const { means, causes, next } = CODES[code]!;
  if (out.json) return out.value({ code, means, causes: causes ?? null, next: next ?? null });
  out.line(`${code}: ${means}.`);
  if (causes !== undefined) out.line(`  Causes  ${causes}`);
  if (next !== undefined) out.line(`  Next    ${next}`);
}

const STATES = { Verified: "Verified", Unverified: "waiting", Failed: "FAILED" } as const;

async function explainEntry(run: Run, instance: Instance, text: string): Promise<void> {
  const { out } = run;
  const entry = await findAnywhere(instance, text);
  const root = entry.root ?? entry.id;
  const status = await instance.backend.getVerificationStatus(entry.id);
  const checks = await checksOf(instance, entry);
  const next = nextOf(checks, shortId(root));
  if (out.json) {
    return out.value({ id: entry.id.toString(), database: root.toString(), status, checks, next });
  }
  const name = await nameOf(instance, root) ?? shortId(root);
  out.line(`${shortId(entry.id)} in ${shown(name)}: ${STATES[status]}`);
  for (const { check, ok, detail } of checks) {
    const mark = ok === true
      ? "ok"
      : ok === false
      ? "FAIL"
      : detail === "not looked at"
      ? "-"
      : "?";
    out.line(`  ${mark.padEnd(4)}  ${check.padEnd(10)}  ${shown(detail)}`);
  }
  if (status === "Failed") out.line("It changes nothing; every node comes to this verdict.");
  for (const step of next) out.line(`Next: ${step}`);
}

function nextOf(checks: readonly Check[], database: string): string[] {
  const open = checks.find(({ ok }) => ok !== true);
  if (open === undefined) return [];
  if (open.ok === null) return [`eidetica db sync ${database}`];
  return ["key found", "key active", "permission"].includes(open.check)
    ? [`eidetica db keys ${database} grant KEY write:10 --dry-run`]
    : [];
}

/** The entry of an ID, or of a part of one, in whatever database it is. */
async function findAnywhere(instance: Instance, text: string): Promise<Entry> {
  const whole = tryRead(() => ID.parse(text));
  if (whole !== undefined) return await instance.backend.get(whole);
  const found: Entry[] = [];
  for (const root of await allRoots(instance)) {
    const reader = await EntryReader.of(instance, await Database.open(instance, root));
    for await (const entry of reader.newestFirst()) if (isPartOf(text, entry.id)) found.push(entry);
  }
  if (found.length === 1) return found[0]!;
  const options = {
    code: found.length === 0 ? "EntryNotFound" : "Ambiguous",
    next: "give more of the ID",
  };
  throw new Failure(`Cannot tell which entry "${text}" means: ${found.length} fit.`, options);
}

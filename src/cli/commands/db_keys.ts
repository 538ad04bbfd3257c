import type { AuthKey } from "../../auth/auth_key.ts";
import type { AuthSettings } from "../../auth/settings.ts";
import { type Grantable, type Grantee, permissionOf } from "../../database/grants.ts";
import type { Database } from "../../database/database.ts";
import { PublicKey } from "../../keys/public_key.ts";
import { tryRead } from "../../util/try_read.ts";
import type { Command, Run } from "../frame/command.ts";
import { Failure } from "../frame/failure.ts";
import { suggest } from "../frame/suggest.ts";
import { many, shown } from "../frame/text.ts";
import { findDatabase, openNamed, shortId } from "../databases.ts";
import { authOf } from "../entries.ts";
import { permissionText } from "../permission_text.ts";
import { DATABASE, DRY_RUN, STORAGE } from "../options.ts";
import { acting, reading } from "../session.ts";

const ACTIONS = ["list", "grant", "revoke"] as const;

/** `eidetica db keys`. */
export const dbKeys: Command = {
  about: "Show, grant and revoke what keys may do",
  options: [
    { name: "name", value: "NAME", help: "Label of the key" },
    { name: "confirm", value: "NAME", help: "The database's name, to give up one's own Admin" },
    DRY_RUN,
    ...STORAGE,
  ],
  positionals: [
    DATABASE,
    { name: "ACTION", help: "list, grant or revoke", optional: true, default: "list" },
    { name: "KEY", help: "A key, its beginning, its label, or everyone", optional: true },
    { name: "PERM", help: "read, write:N or admin:N", optional: true },
  ],
  examples: [
    "eidetica db keys orchard",
    "eidetica db keys orchard grant ed25519:HkFh… write:10 --name dov --dry-run",
    "eidetica db keys orchard revoke dov",
  ],
  run: async (run) => {
    const action = actionOf(run);
    if (action !== "list") return await change(run, action);
    await reading(run, async (instance) => {
      list(run, await authOf(await openNamed(instance, run.values.text("DB"))));
    });
  },
};

function actionOf({ values }: Run): typeof ACTIONS[number] {
  const given = values.get("ACTION") ?? "list";
  const action = ACTIONS.find((name) => name === given);
  const next = `did you mean ${suggest(given, ACTIONS) ?? ACTIONS.join(", ")}?`;
  if (action === undefined) {
    throw new Failure(`Cannot do "${given}" with keys.`, { code: "UnknownAction", next, exit: 2 });
  }
  const missing = action === "list"
    ? undefined
    : values.get("KEY") === undefined
    ? "a KEY"
    : action === "grant" && values.get("PERM") === undefined
    ? "a permission: read, write:N or admin:N"
    : undefined;
  if (missing === undefined) return action;
  throw new Failure(`Cannot ${action}: it needs ${missing}.`, { code: "MissingArgument", exit: 2 });
}

/** What is listed, everybody last. */
function listed(auth: AuthSettings): [key: string, grant: AuthKey][] {
  const keys = auth.getAllKeys().map(([key, grant]): [string, AuthKey] => [key.toString(), grant]);
  const everyone = tryRead(() => auth.getGlobalKey());
  return everyone === undefined ? keys : [...keys, ["*", everyone]];
}

function list({ out }: Run, auth: AuthSettings): void {
  const rows = listed(auth);
  if (out.json) {
    return out.value(rows.map(([key, { name, permissions, status }]) => ({
      key,
      name: name ?? null,
      permission: permissionText(permissions),
      status,
      via: key === "*" ? "everyone" : "listed",
    })));
  }
  const cells = rows.map(([key, { name, permissions, status }]) => [
    shown(name ?? "-"),
    permissions.display(),
    status,
    key === "*" ? "everyone" : key,
  ]);
  out.table(["NAME", "PERMISSION", "STATUS", "KEY"], cells);
}

/** The key that a text means, among those that are listed. */
function granteeOf(given: string, auth: AuthSettings): Grantee {
  if (given === "everyone" || given === "*") return "everyone";
  const whole = tryRead(() => PublicKey.parse(given));
  if (whole !== undefined) return whole;
  const all = auth.getAllKeys();
  const fits = all.filter(([key, { name }]) =>
    name === given || key.toString().startsWith(given) ||
    key.toString().startsWith(`ed25519:${given}`)
  );
  if (fits.length === 1) return fits[0]![0];
  const near = suggest(given, all.flatMap(([, { name }]) => name ?? []));
  throw new Failure(
    fits.length === 0
      ? `Cannot find a key "${given}" here.`
      : `Cannot tell which key "${given}" means: ${fits.length} fit.`,
    {
      code: fits.length === 0 ? "KeyNotFound" : "Ambiguous",
      next: near === undefined ? "give the whole key: ed25519:…" : `did you mean "${near}"?`,
    },
  );
}

/** One change of what a key may do. */
interface Effect {
  readonly key: string;
  readonly name: string | null;
  readonly before: string | null;
  readonly after: string | null;
  readonly via: string;
}

async function change(run: Run, action: "grant" | "revoke"): Promise<void> {
  const { values, out } = run;
  await acting(run, async (user, instance) => {
    const { root, name } = await findDatabase(instance, values.text("DB"));
    const database = await user.openDatabase(root);
    const auth = await authOf(database);
    const grantee = granteeOf(values.text("KEY"), auth);
    const effect = effectOf(run, action, auth, grantee);
    const signer = (user.findKey(root) ?? user.defaultKey()).toString();
    const losesAdmin = effect.key === signer && !(effect.after ?? "").startsWith("admin");
    if (losesAdmin && !values.has("dry-run")) requireConfirmed(values, name ?? shortId(root));
    const before = await database.snapshot();
    if (!values.has("dry-run")) await apply(database, action, grantee, values);
    const [entry] = await database.idsAdded(before, await database.snapshot());
    report(out, {
      dry_run: values.has("dry-run"),
      effects: changesNothing(effect, auth) ? [] : [effect],
      entry: entry?.toString() ?? null,
      signs_with: signer,
      unchanged: listed(auth).filter(([key]) => key !== effect.key).length,
      warnings: losesAdmin ? ["the key that acts is no Admin any more"] : [],
    }, shown(name ?? shortId(root)));
  });
}

function effectOf({ values }: Run, action: string, auth: AuthSettings, grantee: Grantee): Effect {
  const key = grantee === "everyone" ? "*" : grantee.toString();
  const grant = listed(auth).find(([listedKey]) => listedKey === key)?.[1];
  const before = grant?.isActive ? permissionText(grant.permissions) : null;
  const after = action === "revoke"
    ? null
    : permissionText(permissionOf(values.text("PERM") as Grantable, "grant a permission"));
  const name = values.get("name") ?? grant?.name ?? null;
  return { key, name, before, after, via: key === "*" ? "everyone" : "listed" };
}

/** Whether a key may do afterwards what it may do now, under the label that it has. */
function changesNothing({ key, name, before, after }: Effect, auth: AuthSettings): boolean {
  const now = listed(auth).find(([listedKey]) => listedKey === key)?.[1];
  return before === after && (after === null || name === (now?.name ?? null));
}

function requireConfirmed(values: Run["values"], wanted: string): void {
  if (values.get("confirm") === wanted) return;
  throw new Failure(
    `Cannot give up Admin of ${wanted} unconfirmed: nobody may be left to give it back.`,
    { code: "NotConfirmed", next: `--confirm ${wanted}` },
  );
}

async function apply(
  database: Database,
  action: "grant" | "revoke",
  grantee: Grantee,
  values: Run["values"],
): Promise<void> {
  if (action === "revoke") return await database.revoke(grantee);
  const name = values.get("name");
  const options = name === undefined ? {} : { name };
  await database.grant(grantee, values.text("PERM") as Grantable, options);
}

interface Plan {
  readonly dry_run: boolean;
  readonly effects: readonly Effect[];
  readonly entry: string | null;
  readonly signs_with: string;
  readonly unchanged: number;
  readonly warnings: readonly string[];
}

function report(out: Run["out"], plan: Plan, database: string): void {
  if (out.json) return out.value(plan);
  const { dry_run: isDry, effects, entry, unchanged, warnings } = plan;
  if (effects.length === 0) return out.line("Nothing had to be changed.");
  out.line(`${isDry ? "Would write" : "Wrote"} one settings entry to ${database}:`);
  const cells = effects.map(({ key, name, before, after }) => [
    after === null ? "-" : before === null ? "+" : "~",
    name === null ? key : `${shown(name)} ${key}`,
    before ?? "-",
    after ?? "-",
  ]);
  out.table(["", "KEY", isDry ? "NOW" : "BEFORE", isDry ? "THEN" : "NOW"], cells);
  out.line(`${many(unchanged, "key")} as before.`);
  for (const warning of warnings) out.note(`Warning: ${warning}.`);
  out.line(isDry ? "Nothing was written." : `Entry ${entry}.`);
}

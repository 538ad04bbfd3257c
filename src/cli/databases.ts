import { Database } from "../database/database.ts";
import type { ID } from "../entry/id.ts";
import type { Instance } from "../instance/instance.ts";
import { EideticaError } from "../util/errors.ts";
import { allRoots } from "./connected.ts";
import { Failure } from "./frame/failure.ts";
import { suggest } from "./frame/suggest.ts";

/** What the text of every ID of a database or entry begins with. */
const HEAD = "bafyr4i";
/** Fewest characters of an ID that somebody may write for it. */
const MIN_PART = 4;
/** How many characters of an ID people see. */
const SHORT = 8;
/** How many that fit are named when one was meant. */
const MAX_NAMED = 6;

/** Roots of the databases that belong to users: without those that the instance keeps for itself; in a stable order. */
export async function databaseRoots(instance: Instance): Promise<ID[]> {
  const metadata = await instance.backend.getInstanceMetadata();
  const own = [metadata?.users_db, metadata?.databases_db, metadata?.sync_db];
  const roots = await allRoots(instance);
  return roots.filter((root) => !own.includes(root.toString()))
    .sort((a, b) => a.toString() < b.toString() ? -1 : 1);
}

/** The part of an ID that people see. */
export function shortId(id: ID | string): string {
  const text = id.toString();
  return text.startsWith(HEAD)
    ? text.slice(HEAD.length, HEAD.length + SHORT)
    : text.slice(0, SHORT);
}

/** Whether a text is a part of an ID. */
export function isPartOf(part: string, id: ID): boolean {
  const text = id.toString();
  return part.length >= MIN_PART &&
    (text.startsWith(part) || text.slice(HEAD.length).startsWith(part));
}

/** The name of a database; undefined when it has none, or none that can be read. */
export async function nameOf(instance: Instance, root: ID): Promise<string | undefined> {
  try {
    return await (await Database.open(instance, root)).getName();
  } catch (error) {
    if (error instanceof EideticaError) return undefined;
    throw error;
  }
}

/** A database that somebody has named. */
export interface Found {
  readonly root: ID;
  readonly name: string | undefined;
}

/** The database that a text means: by its name, its ID, or a part of the ID. */
export async function findDatabase(instance: Instance, text: string): Promise<Found> {
  const all = await allRoots(instance);
  const exact = all.find((root) => root.toString() === text);
  if (exact !== undefined) return { root: exact, name: await nameOf(instance, exact) };
  const named = await Promise.all(
    all.map(async (root) => ({ root, name: await nameOf(instance, root) })),
  );
  const fits = named.filter(({ name }) => name === text);
  const found = fits.length > 0 ? fits : named.filter(({ root }) => isPartOf(text, root));
  if (found.length === 1) return found[0]!;
  throw found.length === 0 ? noDatabase(text, named) : several(text, found);
}

function noDatabase(text: string, all: readonly Found[]): Failure {
  const near = suggest(text, all.flatMap(({ name }) => name ?? []));
  return new Failure(`Cannot find a database "${text}" here.`, {
    code: "DatabaseNotFound",
    next: near === undefined ? "eidetica db list --long" : `did you mean "${near}"?`,
  });
}

function several(text: string, found: readonly Found[]): Failure {
  const names = found.slice(0, MAX_NAMED).map(({ root, name }) =>
    `${shortId(root)} ${name ?? ""}`.trim()
  );
  return new Failure(`Cannot tell which database "${text}" means: ${found.length} fit.`, {
    code: "Ambiguous",
    now: names.join(", "),
    next: "name one by more of its ID",
  });
}

/** Opens the database that a text means, to look at it. */
export async function openNamed(instance: Instance, text: string): Promise<Database> {
  const { root } = await findDatabase(instance, text);
  return await Database.open(instance, root);
}

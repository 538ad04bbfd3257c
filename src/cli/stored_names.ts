import { Database } from "../database/database.ts";
import type { Instance } from "../instance/instance.ts";
import type { Candidate } from "./candidates.ts";
import { databaseRoots, findDatabase, nameOf, shortId } from "./databases.ts";
import { type Completes, Values } from "./frame/command.ts";
import type { Environment } from "./frame/parse.ts";
import { BACKEND } from "./options.ts";
import { openToRead, placeOf } from "./place.ts";
import { listUsers } from "./users.ts";

/** Names that a storage knows. */
export async function storedNames(
  what: Completes,
  given: ReadonlyMap<string, string>,
  env: Environment,
): Promise<Candidate[]> {
  const found = new Map<string, string[]>();
  for (const { name, env: variable, default: value } of BACKEND) {
    const text = given.get(name) ?? env[variable!] ?? value;
    if (text !== undefined) found.set(name, [text]);
  }
  const instance = await openToRead(placeOf(new Values(found)));
  try {
    const all = await namesOf(what, instance, given.get("DB") ?? "");
    // One that begins with a dash would be taken for an option.
    return all.filter(({ value }) => !value.startsWith("-"));
  } finally {
    await instance.close();
  }
}

async function namesOf(
  what: Completes,
  instance: Instance,
  database: string,
): Promise<Candidate[]> {
  if (what === "database") return await databases(instance);
  if (what === "store") return await stores(instance, database);
  const users = await listUsers(instance);
  return users.map(({ info, uuid }) => ({ value: info.username, about: uuid }));
}

async function databases(instance: Instance): Promise<Candidate[]> {
  const roots = await databaseRoots(instance);
  return await Promise.all(roots.map(async (root) => ({
    value: await nameOf(instance, root) ?? shortId(root),
    about: shortId(root),
  })));
}

async function stores(instance: Instance, database: string): Promise<Candidate[]> {
  const { root } = await findDatabase(instance, database);
  const registry = (await (await Database.open(instance, root)).newTransaction()).getIndex();
  const names = await registry.list();
  return await Promise.all(
    names.map(async (value) => ({ value, about: (await registry.getEntry(value)).typeId })),
  );
}

import { readFile } from "node:fs/promises";
import process from "node:process";
import { Database } from "../database/database.ts";
import { ID } from "../entry/id.ts";
import type { Instance } from "../instance/instance.ts";
import type { UserInfo } from "../user/records.ts";
import { LastLoginTable, UsersTable } from "../user/system_databases.ts";
import type { User } from "../user/user.ts";
import type { Run } from "./frame/command.ts";
import { Failure } from "./frame/failure.ts";
import { suggest } from "./frame/suggest.ts";
import { shown } from "./frame/text.ts";
import { askLine, askSecret, mayAsk, requireTerminal } from "./prompt.ts";

/** A user of an instance, as its directory has it. */
export interface ListedUser {
  readonly uuid: string;
  readonly info: UserInfo;
  /** Last login, in Unix seconds. */
  readonly lastLogin: number | undefined;
}

/** The directory of users. */
export async function usersDatabase(instance: Instance): Promise<Database> {
  const metadata = await instance.backend.getInstanceMetadata();
  return await Database.open(instance, ID.parse(metadata!.users_db));
}

/** All users, by name. */
export async function listUsers(instance: Instance): Promise<ListedUser[]> {
  const directory = await usersDatabase(instance);
  const users = await directory.getStoreViewer(UsersTable, "users");
  const logins = await directory.getStoreViewer(LastLoginTable, "last_login");
  const found: ListedUser[] = [];
  for await (const [uuid, info] of users.entries()) {
    found.push({ uuid, info, lastLogin: await logins.getOption(uuid) });
  }
  return found.sort((a, b) => a.info.username < b.info.username ? -1 : 1);
}

/** Whether a user logs in without a password. */
export function isPasswordless({ info }: ListedUser): boolean {
  return info.credentials.passwordSalt === undefined;
}

/** Logs in who acts: the one that is named, or the only one. */
export async function actingUser(run: Run, instance: Instance): Promise<User> {
  const users = await listUsers(instance);
  const user = run.values.get("user") === undefined
    ? await onlyUser(run, users)
    : named(run.values.text("user"), users);
  const { username } = user.info;
  if (isPasswordless(user)) return await instance.loginUser(username);
  return await instance.loginUser(
    username,
    await password(run, `Password of ${shown(username)}: `),
  );
}

/** The user of a name; fails with the name that may have been meant. */
export function named(name: string, users: readonly ListedUser[]): ListedUser {
  const found = users.find(({ info }) => info.username === name);
  if (found !== undefined) return found;
  const near = suggest(name, users.map(({ info }) => info.username));
  throw new Failure(`Cannot find a user "${name}" here.`, {
    code: "UserNotFound",
    next: near === undefined ? "eidetica user list" : `did you mean "${near}"?`,
  });
}

async function onlyUser(
  { values, signal }: Run,
  users: readonly ListedUser[],
): Promise<ListedUser> {
  const [first, ...others] = users;
  if (first !== undefined && others.length === 0) return first;
  const names = users.map(({ info }) => shown(info.username)).join(", ");
  if (mayAsk(values)) return named(await askLine(`Who acts (${names})? `, signal), users);
  throw new Failure(`Cannot tell who acts: there are ${users.length} users.`, {
    code: "UserNotNamed",
    now: names,
    next: "name one with --user or EIDETICA_USER",
  });
}

/** A password from where the options say, or from the terminal. */
export async function password(run: Run, question: string): Promise<string> {
  return await givenPassword(run.values.get("password-file")) ?? await asked(run, question);
}

/** A password out of a file or the environment. */
export async function givenPassword(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return process.env.EIDETICA_PASSWORD || undefined;
  return await givenText(file);
}

/** The text of a file, or of standard input, without the line's end. */
export async function givenText(file: string): Promise<string> {
  const text = file === "-" ? await readInput() : await readText(file);
  return text.replace(/\r?\n$/, "");
}

async function asked({ values, signal }: Run, question: string): Promise<string> {
  requireTerminal(values, "a password", "--password-file, or EIDETICA_PASSWORD in the environment");
  return await askSecret(question, signal);
}

/** The text of a file that somebody has named. */
export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const { code = "unknown" } = cause as { code?: string };
    const why = code === "ENOENT" ? "there is none" : `the system says ${code}`;
    throw new Failure(`Cannot read the file "${path}": ${why}.`, { code, cause });
  }
}

/** All of standard input. */
export async function readInput(): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of process.stdin) {
    parts.push(typeof part === "string" ? new TextEncoder().encode(part) : part);
  }
  return new TextDecoder().decode(await new Blob(parts as BlobPart[]).arrayBuffer());
}

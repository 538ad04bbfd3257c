/**
 * A list of things to do on the command line, in a SQLite file: rows of a table, a profile and preferences in Yjs documents. It
 * reads and writes what the Rust project's example of this name does.
 *
 * ```sh
 * node examples/todo/main.ts add "Buy milk"
 * node examples/todo/main.ts list
 * node examples/todo/main.ts complete ID
 * node examples/todo/main.ts set-user -n Ada -e ada@example.org
 * ```
 */

import process from "node:process";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { type Database, EideticaError, Instance, NewUser, type User } from "../../mod.ts";
import { addTodo, completeTodo, listTodos } from "./todos.ts";
import { setPreference, setProfile, showPreferences, showProfile } from "./profile.ts";

const USER = "todo-user";
const USAGE = `usage: todo [-d FILE] COMMAND

  add TITLE                               note something to do
  complete ID                             it is done
  list                                    everything, the oldest first
  set-user [-n NAME] [-e EMAIL] [-b BIO]  change the profile
  show-user
  set-pref KEY VALUE
  show-prefs`;

const { values, positionals: [command = "", ...words] } = parseArgs({
  allowPositionals: true,
  options: {
    "database-path": { type: "string", short: "d", default: "todo.db" },
    name: { type: "string", short: "n" },
    email: { type: "string", short: "e" },
    bio: { type: "string", short: "b" },
    help: { type: "boolean", short: "h" },
  },
});

/** The commands: how many words each takes, and what it does. */
const COMMANDS: Readonly<Record<string, readonly [number, (db: Database) => Promise<void>]>> = {
  add: [1, (db) => addTodo(db, words[0]!)],
  complete: [1, (db) => completeTodo(db, words[0]!)],
  list: [0, listTodos],
  "set-user": [
    0,
    (db) => setProfile(db, { name: values.name, email: values.email, bio: values.bio }),
  ],
  "show-user": [0, showProfile],
  "set-pref": [2, (db) => setPreference(db, words[0]!, words[1]!)],
  "show-prefs": [0, showPreferences],
};

async function logIn(instance: Instance, created: User | undefined): Promise<User> {
  if (created === undefined) console.log(`✓ Logged in as passwordless user: ${USER}`);
  else console.log(`✓ Initialised new instance and bootstrapped ${USER} as admin`);
  return created ?? await instance.loginUser(USER);
}

async function openList(user: User): Promise<Database> {
  const [found] = await user.findDatabase("todo");
  if (found !== undefined) return found;
  console.log("No todo database was found: a new one is made");
  return await user.openOrCreateDatabase({ name: "todo" });
}

async function main(act: (db: Database) => Promise<void>): Promise<void> {
  const path = encodeURI(resolve(values["database-path"])).replaceAll("?", "%3F");
  const url = `sqlite://${path}?mode=rwc`;
  const { instance, user } = await Instance.connectOrCreate(url, NewUser.passwordless(USER));
  try {
    await act(await openList(await logIn(instance, user)));
  } finally {
    await instance.close();
  }
}

const known = Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined;
if (values.help) console.log(USAGE);
else if (known === undefined || words.length !== known[0]) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  await main(known[1]).catch((error) => {
    const code = error instanceof EideticaError ? ` (${error.module} ${error.code})` : "";
    console.error(`Error: ${(error as Error).message}${code}`);
    process.exitCode = 1;
  });
}

import type { ID } from "../entry/id.ts";
import { Instance } from "../instance/instance.ts";
import type { User } from "../user/user.ts";
import { EideticaError } from "../util/errors.ts";
import type { Run } from "./frame/command.ts";
import { Failure } from "./frame/failure.ts";
import { shown } from "./frame/text.ts";
import { askLine, mayAsk } from "./prompt.ts";
import { givenPassword, password } from "./users.ts";

/** Who works through a daemon: it tells of the databases of this user, and lists no others. */
const users = new WeakMap<Instance, User>();

/** Roots of all databases that are known here, those that the instance keeps for itself included. */
export async function allRoots(instance: Instance): Promise<ID[]> {
  const user = users.get(instance);
  if (user === undefined) return await instance.backend.allRoots();
  return (await user.databases()).map(({ databaseId }) => databaseId);
}

/** Whether an instance is that of a daemon. */
export function isConnected(instance: Instance): boolean {
  return users.has(instance);
}

/** How long a daemon may take to say who it is, in milliseconds. */
const PATIENCE_MS = 30_000;

/** Connects to a daemon, and logs in who acts. */
export async function connectTo(
  run: Run,
  path: string,
  patience: number = PATIENCE_MS,
): Promise<{ readonly instance: Instance; readonly user: User }> {
  const instance = await answering(run, path, patience);
  try {
    const user = await logIn(run, instance);
    users.set(instance, user);
    return { instance, user };
  } catch (error) {
    await instance.close();
    throw error;
  }
}

/** The instance of a daemon; what listens at the socket may never answer. */
async function answering({ signal }: Run, path: string, patience: number): Promise<Instance> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), patience);
  try {
    return await Instance.connect(`unix://${path}`, {
      signal: AbortSignal.any([signal, late.signal]),
    });
  } catch (cause) {
    if (signal.aborted || !late.signal.aborted) throw cause;
    throw new Failure(`Cannot reach the daemon at "${path}": it has not answered.`, {
      code: "NoAnswer",
      next: "look what listens there, or work on the storage itself: --connect off",
      cause,
    });
  } finally {
    clearTimeout(timer);
  }
}

/** A daemon tells of no users before one is logged in, so nobody can be guessed. */
async function logIn(run: Run, instance: Instance): Promise<User> {
  const name = run.values.get("user") ?? await askedName(run);
  const given = await givenPassword(run.values.get("password-file"));
  try {
    return await instance.loginUser(name, given);
  } catch (error) {
    const codes = ["PasswordRequired", "InvalidPassword"];
    const isMissing = given === undefined && error instanceof EideticaError &&
      codes.includes(error.code);
    if (!isMissing) throw error;
    return await instance.loginUser(name, await password(run, `Password of ${shown(name)}: `));
  }
}

async function askedName({ values, signal }: Run): Promise<string> {
  if (mayAsk(values)) return await askLine("Who acts? ", signal);
  throw new Failure(
    "Cannot tell who acts: a daemon tells of its users nobody who is not logged in.",
    {
      code: "UserNotNamed",
      next: "name one with --user or EIDETICA_USER",
    },
  );
}

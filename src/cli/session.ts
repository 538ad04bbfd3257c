import type { Instance } from "../instance/instance.ts";
import type { User } from "../user/user.ts";
import { connectTo } from "./connected.ts";
import type { Run } from "./frame/command.ts";
import { openPlace, openToRead, type Place } from "./place.ts";
import { actingUser } from "./users.ts";
import { whereTo } from "./where.ts";

/** Opens the storage of a command that only looks, and closes it whatever comes of `act`. */
export async function reading<T>(run: Run, act: (instance: Instance) => Promise<T>): Promise<T> {
  return await opened(run, openToRead, act);
}

/** Opens the storage of a command that writes, and closes it whatever comes of `act`. */
export async function writing<T>(run: Run, act: (instance: Instance) => Promise<T>): Promise<T> {
  return await opened(run, openPlace, act);
}

/** Opens the storage, and logs in who acts. */
export async function acting<T>(
  run: Run,
  act: (user: User, instance: Instance) => Promise<T>,
): Promise<T> {
  return await opened(run, openPlace, async (instance, connected) => {
    const user = connected ?? await actingUser(run, instance);
    try {
      return await act(user, instance);
    } finally {
      user.logout();
    }
  });
}

type Open = (place: Place, options: { signal: AbortSignal }) => Promise<Instance>;

async function opened<T>(
  run: Run,
  open: Open,
  act: (instance: Instance, connected: User | undefined) => Promise<T>,
): Promise<T> {
  const { place, socket } = await whereTo(run);
  if (run.out.isTerminal && socket !== undefined) run.out.note(`via unix:${socket}`);
  const { instance, user } = socket === undefined
    ? { instance: await open(place, run), user: undefined }
    : await connectTo(run, socket);
  try {
    return await act(instance, user);
  } finally {
    await instance.close();
  }
}

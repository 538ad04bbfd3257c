import type { Instance } from "../instance/instance.ts";
import type { User } from "../user/user.ts";
import type { Run } from "./frame/command.ts";
import { openPlace, openToRead, placeOf } from "./place.ts";
import { actingUser } from "./users.ts";

/** Opens the storage of a command that only looks, and closes it whatever comes of `act`. */
export async function reading<T>(run: Run, act: (instance: Instance) => Promise<T>): Promise<T> {
  const instance = await openToRead(placeOf(run.values), { signal: run.signal });
  return await closing(instance, act);
}

/** Opens the storage of a command that writes, and closes it whatever comes of `act`. */
export async function writing<T>(run: Run, act: (instance: Instance) => Promise<T>): Promise<T> {
  const instance = await openPlace(placeOf(run.values), { signal: run.signal });
  return await closing(instance, act);
}

/** Opens the storage, and logs in who acts. */
export async function acting<T>(
  run: Run,
  act: (user: User, instance: Instance) => Promise<T>,
): Promise<T> {
  return await writing(run, async (instance) => {
    const user = await actingUser(run, instance);
    try {
      return await act(user, instance);
    } finally {
      user.logout();
    }
  });
}

async function closing<T>(instance: Instance, act: (instance: Instance) => Promise<T>): Promise<T> {
  try {
    return await act(instance);
  } finally {
    await instance.close();
  }
}

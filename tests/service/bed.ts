/**
 * Clients of a daemon in another process, for the tests of this folder.
 *
 * @module
 */

import {
  type Database,
  DocStore,
  Instance,
  NewUser,
  type User,
  type WriteEvent,
} from "../../mod.ts";
import { newDaemon } from "../helpers/daemons.ts";
import { Tap, type TapOptions } from "./tap.ts";

/** A client that is logged in. */
export interface Client {
  readonly instance: Instance;
  readonly user: User;
}

/** A daemon with a tap in front of it, and whatever is connected to it. */
export interface Bed {
  /** Address of the daemon. */
  readonly url: string;
  /** In front of the daemon. */
  readonly tap: Tap;
  /** Connects another client, through the tap unless an address is given. */
  connect(name?: string, password?: string, url?: string): Promise<Client>;
}

/** Runs `test` with a new daemon whose first user is `ada`, without a password. */
export async function withDaemon(
  test: (bed: Bed) => Promise<void>,
  options?: TapOptions,
): Promise<void> {
  const url = await newDaemon(NewUser.passwordless("ada"));
  const tap = await Tap.open(url, options);
  const instances: Instance[] = [];
  const connect = async (name = "ada", password?: string, at = tap.url) => {
    const instance = await Instance.connect(at);
    instances.push(instance);
    return { instance, user: await instance.loginUser(name, password) };
  };
  try {
    await test({ url, tap, connect });
  } finally {
    for (const instance of instances) await instance.close();
    tap.close();
  }
}

/** Sets a value in the store `s`. */
export async function put(db: Database, key: string, value: string): Promise<void> {
  await db.withTransaction(async (tx) => {
    await (await tx.getStore(DocStore, "s")).set(key, value);
  });
}

/** A value out of the store `s`. */
export async function look(db: Database, key: string): Promise<unknown> {
  return await (await db.getStoreViewer(DocStore, "s")).getOption(key);
}

/** Records events, and waits until there are as many as are wanted. */
export class Recorder {
  readonly events: WriteEvent[] = [];
  readonly #waiting: { readonly count: number; readonly done: () => void }[] = [];

  /** A handler to register. */
  readonly note = (event: WriteEvent): void => {
    this.events.push(event);
    for (const { count, done } of this.#waiting) if (this.entries >= count) done();
  };

  /** How many entries were told. */
  get entries(): number {
    return this.events.reduce((sum, { entries }) => sum + entries.length, 0);
  }

  /** Waits until so many entries were told. */
  async until(count: number): Promise<readonly WriteEvent[]> {
    if (this.entries < count) {
      await new Promise<void>((done) => this.#waiting.push({ count, done }));
    }
    return this.events;
  }
}

/**
 * Instances for the suites that also run against a daemon in another process: `npm test -- --storage unix`.
 *
 * @module
 */

import { after } from "node:test";
import {
  EideticaError,
  Instance,
  InstanceError,
  type InstanceOptions,
  type NewUser,
  type User,
} from "../../mod.ts";
import type { InstanceSecrets, WriteSource } from "../../src/backend/backend.ts";
import { Tap } from "../service/tap.ts";
import { newDaemon } from "./daemons.ts";
import { newStorage, STORAGE } from "./storages.ts";

/** Whether the suites run against a daemon. */
export const IS_CONNECTED: boolean = STORAGE.startsWith("unix");

/** Where an instance's own writes come from: a daemon tells its clients that all do from elsewhere (11 §8.1). */
export const OWN_SOURCE: WriteSource = IS_CONNECTED ? "remote" : "local";

/** Codes of what only the process that owns the storage can do (11 §7.5). */
const UNAVAILABLE = ["OperationNotSupported", "DeviceKeyNotFound", "SnapshotNotSupported"];

/** Runs a test; against a daemon it ends, and is good, where it asks for what is not available there. */
export async function asFarAsAvailable(test: () => Promise<void>): Promise<void> {
  try {
    await test();
  } catch (error) {
    const isUnavailable = error instanceof EideticaError && UNAVAILABLE.includes(error.code);
    if (!IS_CONNECTED || !isUnavailable) throw error;
  }
}

/** The secrets of the device, which daemons keep to themselves. */
export async function secretsOf({ backend }: Instance): Promise<InstanceSecrets> {
  const secrets = await backend.getInstanceSecrets();
  if (secrets !== undefined) return secrets;
  throw new InstanceError("DeviceKeyNotFound", "Cannot act as the device: there is no key");
}

/** The address of a new daemon, or of somebody in front of it who keeps both from going beyond the reference. */
async function addressOf(initial: NewUser): Promise<string> {
  const url = await newDaemon(initial);
  if (STORAGE === "unix") return url;
  const tap = await Tap.open(url, { isPlain: true });
  taps.push(tap);
  return tap.url;
}

const taps: Tap[] = [];
after(() => taps.forEach((tap) => tap.close()));

/** A new instance with its first user, logged in; through a daemon where the suites run against one. */
export async function newInstance(
  initial: NewUser,
  options?: InstanceOptions,
): Promise<{ instance: Instance; user: User }> {
  if (!IS_CONNECTED) return await Instance.createBackend(await newStorage(), initial, options);
  const instance = await Instance.connect(await addressOf(initial), options);
  return { instance, user: await instance.loginUser(initial.username, initial.password) };
}

import type { LocalBackend } from "../backend/local.ts";
import type { InstanceMetadata } from "../backend/backend.ts";
import { ID } from "../entry/id.ts";
import { PrivateKey } from "../keys/private_key.ts";
import { PublicKey } from "../keys/public_key.ts";
import type { Sync } from "../sync/port.ts";
import { type CreatedUser, createUser } from "../user/create_user.ts";
import type { UserHost } from "../user/host.ts";
import type { NewUser } from "../user/new_user.ts";
import { createDatabasesDb, createUsersDb } from "../user/system_databases.ts";
import { InstanceError } from "../util/errors.ts";
import type { InstanceHost } from "./instance_host.ts";

/** What an instance knows of itself once it is open. */
export interface InstanceIdentity {
  /** Public records. */
  readonly metadata: InstanceMetadata;
  /** The device's own key; undefined where the storage does not hold it. */
  readonly deviceKey: PrivateKey | undefined;
}

/** The view of an instance that its users work with. */
export function userHost(host: InstanceHost, identity: InstanceIdentity): UserHost {
  return {
    host,
    deviceId: PublicKey.parse(identity.metadata.id),
    deviceKey: () => requireDeviceKey(identity.deviceKey),
    usersDbId: ID.parse(identity.metadata.users_db),
    databasesDbId: ID.parse(identity.metadata.databases_db),
    sync: () => (host.instance as { readonly sync?: Sync } | undefined)?.sync,
  };
}

/** The device key, or `DeviceKeyNotFound`. */
export function requireDeviceKey(key: PrivateKey | undefined): PrivateKey {
  if (key !== undefined) return key;
  const why = "the storage holds the instance's public identity and not its key";
  throw new InstanceError("DeviceKeyNotFound", `Cannot act as the device: ${why}`);
}

/** Reads the identity of an initialised backend; undefined when it is not initialised. */
export async function loadIdentity(backend: LocalBackend): Promise<InstanceIdentity | undefined> {
  const [metadata, secrets] = await Promise.all([
    backend.getInstanceMetadata(),
    backend.getInstanceSecrets(),
  ]);
  if (metadata === undefined) return undefined;
  const deviceKey = secrets === undefined ? undefined : PrivateKey.parse(secrets.signing_key);
  if (deviceKey !== undefined && deviceKey.publicKey.toString() !== metadata.id) {
    throw new InstanceError(
      "DeviceKeyMismatch",
      `Cannot open the instance: its stored key is that of "${deviceKey.publicKey}", its identity is "${metadata.id}"`,
    );
  }
  return { metadata, deviceKey };
}

/**
 * Makes an empty backend an instance: device key, system databases, first user.
 *
 * The metadata, which alone says "initialised", are written last and only if nobody else has written
 * them, so a crash at any point leaves a backend that can be bootstrapped again, with the same device
 * key, and of two processes that race one wins.
 *
 * @returns undefined when another process was faster.
 */
export async function bootstrap(
  host: InstanceHost,
  initial: NewUser,
): Promise<{ identity: InstanceIdentity; created: CreatedUser } | undefined> {
  const deviceKey = await ownDeviceKey(host);
  const users = await createUsersDb({ host }, deviceKey);
  const databases = await createDatabasesDb({ host }, deviceKey);
  const metadata: InstanceMetadata = {
    id: deviceKey.publicKey.toString(),
    users_db: users.rootId.toString(),
    databases_db: databases.rootId.toString(),
    sync_db: null,
  };
  const identity = { metadata, deviceKey };
  const created = await createUser(userHost(host, identity), users, initial);
  const first = await host.backend.records.insertMetadata(metadata);
  if (first) return { identity, created };
  created.rootKey.wipe();
  created.derived?.fill(0);
  return undefined;
}

/** The device key that storage holds, or a new one that it holds from now on. */
async function ownDeviceKey(host: InstanceHost): Promise<PrivateKey> {
  const fresh = PrivateKey.generate(host.random);
  const secrets = await host.backend.records.insertSecrets({ signing_key: fresh.reveal() });
  return PrivateKey.parse(secrets.signing_key);
}

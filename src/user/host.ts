/**
 * What users ask of the instance that they belong to. The port cuts the circle between the two.
 *
 * @module
 */

import type { HasHost } from "../database/database.ts";
import type { ID } from "../entry/id.ts";
import type { PrivateKey } from "../keys/private_key.ts";
import type { PublicKey } from "../keys/public_key.ts";
import type { Sync } from "../sync/port.ts";

/** The instance, as seen by its users. */
export interface UserHost extends HasHost {
  /** Public key of the device. */
  readonly deviceId: PublicKey;
  /** The device's own key; `DeviceKeyNotFound` where the storage does not hold it. */
  deviceKey(): PrivateKey;
  /** Root of `_users`. */
  readonly usersDbId: ID;
  /** Root of `_databases`. */
  readonly databasesDbId: ID;
  /** Synchronisation, once it is enabled. */
  sync(): Sync | undefined;
}

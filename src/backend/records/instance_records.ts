import type { StorageDriver } from "../../storage/driver.ts";
import { fromUtf8, utf8 } from "../../util/bytes.ts";
import { BackendError } from "../../util/errors.ts";
import type { InstanceMetadata, InstanceSecrets } from "../backend.ts";
import { METADATA, SECRETS } from "./keys.ts";
import { MAX_ATTEMPTS, outrun } from "./attempts.ts";

/** The two records that make a storage an instance: public metadata and device secrets. */
export class InstanceRecords {
  readonly #driver: StorageDriver;

  /** The records in the storage behind `driver`. */
  constructor(driver: StorageDriver) {
    this.#driver = driver;
  }

  /** See {@link Backend.getInstanceMetadata}. */
  async getMetadata(): Promise<InstanceMetadata | undefined> {
    return await this.#read<InstanceMetadata>(METADATA);
  }

  /** See {@link Backend.setInstanceMetadata}. */
  async setMetadata(metadata: InstanceMetadata): Promise<void> {
    await this.#driver.commit({ set: [[METADATA, metadataBytes(metadata)]] });
  }

  /** Stores the metadata unless some are there already; says whether it did. */
  async insertMetadata(metadata: InstanceMetadata): Promise<boolean> {
    const checks = [{ key: METADATA, version: undefined }];
    return (await this.#driver.commit({ checks, set: [[METADATA, metadataBytes(metadata)]] })).ok;
  }

  /**
   * Notes the root of the database of synchronisation unless one is noted already, by whatever process;
   * the root that counts from now on. The metadata must be there.
   */
  async adoptSyncDb(root: string): Promise<string> {
    for (let attempt = 0;; attempt++) {
      if (attempt >= MAX_ATTEMPTS) throw outrun("note the database of synchronisation");
      const stored = await this.#driver.get(METADATA);
      const metadata = parseRecord(stored!.value) as InstanceMetadata;
      if (metadata.sync_db !== null) return metadata.sync_db;
      const checks = [{ key: METADATA, version: stored!.version }];
      const set: [Uint8Array, Uint8Array][] = [
        [METADATA, metadataBytes({ ...metadata, sync_db: root })],
      ];
      if ((await this.#driver.commit({ checks, set })).ok) return root;
    }
  }

  /** See {@link Backend.getInstanceSecrets}. */
  async getSecrets(): Promise<InstanceSecrets | undefined> {
    return await this.#read<InstanceSecrets>(SECRETS);
  }

  /** See {@link Backend.setInstanceSecrets}. */
  async setSecrets(secrets: InstanceSecrets): Promise<void> {
    await this.#driver.commit({ set: [[SECRETS, secretsBytes(secrets)]] });
  }

  /** Stores the secrets unless some are there already; returns those that are there now. */
  async insertSecrets(secrets: InstanceSecrets): Promise<InstanceSecrets> {
    const checks = [{ key: SECRETS, version: undefined }];
    await this.#driver.commit({ checks, set: [[SECRETS, secretsBytes(secrets)]] });
    return (await this.getSecrets())!;
  }

  async #read<T>(key: Uint8Array): Promise<T | undefined> {
    const stored = await this.#driver.get(key);
    if (stored === undefined) return undefined;
    return parseRecord(stored.value) as T;
  }
}

/** The value of a stored record; `DeserializationFailed` when it is damaged. */
export function parseRecord(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(bytes));
  } catch {
    // The text may hold the device key, so the parser's message must not be passed on.
    throw new BackendError(
      "DeserializationFailed",
      "Cannot read the instance records: the stored JSON is damaged",
    );
  }
}

/** Compact JSON with the members in the order of the specification. */
function metadataBytes({ id, users_db, databases_db, sync_db }: InstanceMetadata): Uint8Array {
  return utf8(JSON.stringify({ id, users_db, databases_db, sync_db }));
}

function secretsBytes({ signing_key }: InstanceSecrets): Uint8Array {
  return utf8(JSON.stringify({ signing_key }));
}

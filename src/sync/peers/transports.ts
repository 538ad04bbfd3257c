/**
 * What transports keep in `_sync`:
 *
 * ```text
 * transports        name → type: type id, config: { data: JSON text }
 * transport_state   name → document owned by the transport
 * ```
 *
 * @module
 */

import { Doc } from "../../crdt/doc.ts";
import type { DocStore } from "../../store/doc_store.ts";
import { SyncError } from "../../util/errors.ts";

/** A kind of configuration: its type ID, its default, and its JSON form. */
export interface TransportConfigType<Config> {
  /** Name and version, for example `"http:v0"`. */
  readonly typeId: string;
  /** What counts when nothing is stored. */
  readonly fallback: Config;
  /** The JSON form of a configuration; absent members are left out. */
  toJSON(config: Config): Record<string, unknown>;
  /** Reads the JSON form; throws for anything else. */
  fromJSON(json: Record<string, unknown>): Config;
}

/** Configuration of the HTTP transport. */
export interface HttpConfig {
  /** Where a server listens, `ip:port`; undefined for one that only connects. */
  readonly bindAddress?: string;
}

/** Relays that the Iroh transport uses. */
export type RelayMode = "Default" | "Staging" | "Disabled";

/** Configuration of the Iroh transport. */
export interface IrohConfig {
  /** Secret key of the endpoint, as hex text. */
  readonly secretKeyHex?: string;
  /** Relays that are used. */
  readonly relayMode: RelayMode;
}

function optionalText(value: unknown, name: string): string | undefined {
  if (value === undefined || value === null || typeof value === "string") return value ?? undefined;
  throw new Error(`"${name}" is not a text`);
}

/** Configurations of the HTTP transport. */
export const httpConfig: TransportConfigType<HttpConfig> = {
  typeId: "http:v0",
  fallback: {},
  toJSON: ({ bindAddress }) => bindAddress === undefined ? {} : { bind_address: bindAddress },
  fromJSON: (json) => {
    const bindAddress = optionalText(json["bind_address"], "bind_address");
    return bindAddress === undefined ? {} : { bindAddress };
  },
};

const RELAY_MODES: readonly unknown[] = ["Default", "Staging", "Disabled"];

/** Configurations of the Iroh transport. */
export const irohConfig: TransportConfigType<IrohConfig> = {
  typeId: "iroh:v0",
  fallback: { relayMode: "Default" },
  toJSON: ({ secretKeyHex, relayMode }) => ({
    ...secretKeyHex === undefined ? {} : { secret_key_hex: secretKeyHex },
    relay_mode: relayMode,
  }),
  fromJSON: (json) => {
    const secretKeyHex = optionalText(json["secret_key_hex"], "secret_key_hex");
    const relayMode = json["relay_mode"] ?? "Default";
    if (!RELAY_MODES.includes(relayMode)) throw new Error('"relay_mode" is not known');
    const rest = { relayMode: relayMode as RelayMode };
    return secretKeyHex === undefined ? rest : { secretKeyHex, ...rest };
  },
};

/**
 * The configuration stored under a name, or the type's default. `TransportTypeMismatch` when it is of
 * another type, `SerializationError` when it cannot be read.
 */
export async function loadConfig<Config>(
  store: DocStore,
  name: string,
  type: TransportConfigType<Config>,
): Promise<Config> {
  const record = await store.getOption([name]);
  if (!(record instanceof Doc)) return type.fallback;
  const found = record.get(["type"]);
  if (found !== type.typeId) throw mismatch(name, type.typeId, String(found));
  try {
    return type.fromJSON(JSON.parse(String(record.get(["config", "data"]))));
  } catch (cause) {
    const message = `Cannot read the configuration of transport "${name}": it is not valid`;
    throw new SyncError("SerializationError", message, { cause, fields: { name } });
  }
}

/** Stores a configuration under a name. */
export async function saveConfig<Config>(
  store: DocStore,
  name: string,
  type: TransportConfigType<Config>,
  config: Config,
): Promise<void> {
  const data = JSON.stringify(type.toJSON(config));
  await store.set([name], { type: type.typeId, config: { data } });
}

function mismatch(name: string, expected: string, found: string): SyncError {
  const message =
    `Transport type mismatch: "${name}" is stored as "${found}" and cannot be read as "${expected}"`;
  return new SyncError("TransportTypeMismatch", message, { fields: { name, expected, found } });
}

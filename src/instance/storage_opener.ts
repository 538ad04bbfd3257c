import type { StorageDriver } from "../storage/driver.ts";
import type { Clock } from "../util/clock.ts";
import type { RandomSource } from "../util/random.ts";
import type { WorkOptions } from "../util/work.ts";
import type { ConnectionTarget } from "./connection_url.ts";
import type { OpenedStorage } from "./opened_storage.ts";

/** How a storage is opened. */
export interface OpenOptions {
  /** Whether a storage that does not exist is created. */
  readonly create: boolean;
  /** Refuses every write. */
  readonly readOnly?: boolean;
  /** Gives up when it is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Told how far the reading of a snapshot has come. */
  readonly onProgress?: WorkOptions["onProgress"];
  /** See `InstanceOptions.durability`. */
  readonly durability?: "full" | "normal";
  /** See `InstanceOptions.clock`. */
  readonly clock?: Clock;
  /** See `InstanceOptions.reconnect`. */
  readonly reconnect?: boolean;
  /** See `InstanceOptions.random`. */
  readonly random?: RandomSource;
}

/** The scheme of a connection URL. */
export type Scheme = ConnectionTarget["scheme"];

/** Where a URL of this scheme leads. */
export type Target<S extends Scheme> = Extract<ConnectionTarget, { scheme: S }>;

/** A driver, and whether it is to be written to. */
export interface OpenedDriver {
  /** The driver. */
  readonly driver: StorageDriver;
  /** Refuses every write. */
  readonly readOnly?: boolean | undefined;
}

/** Opens what a URL of this scheme leads to. */
export type Opener<S extends Scheme> = (
  target: Target<S>,
  options: OpenOptions,
) => Promise<OpenedDriver>;

/** Connects to the daemon that a URL leads to. */
export type Connector = (target: Target<"unix">, options: OpenOptions) => Promise<OpenedStorage>;

/** Whole text files, in which snapshots of the memory are kept. */
export type TextFiles = typeof import("../storage/shared/text_file.ts");

/** What a place has: an opener for each scheme that it knows, and files. */
export type Storages =
  & { readonly [S in Exclude<Scheme, "memory" | "unix">]?: Opener<S> }
  & { readonly unix?: Connector }
  & { readonly textFiles?: () => Promise<TextFiles> };

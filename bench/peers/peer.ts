/**
 * What a peer is: another database, at the work "one own change of one key, in a transaction of its own".
 *
 * @module
 */

import { readFileSync } from "node:fs";

/** A peer that is ready, with nothing in it. */
export interface Steps {
  /** Makes change `number`: sets a key that is not there yet, or appends it. */
  step(number: number): unknown;
  /** Releases everything. */
  end?(): Promise<unknown> | void;
}

/** A database, or a way of using it. */
export interface Peer {
  /** The database and how it is used; unique. */
  readonly name: string;
  /** Its exact version. */
  readonly version: string;
  /** Whether each change carries a signature that others can check. */
  readonly signs: boolean;
  /** Where changes are when a step has ended: `"memory"` or a kind of file. */
  readonly keeps: string;
  /** What else a step does. */
  readonly does: string;
  /** An empty database. Rejects on a runtime where the library does not work. */
  prepare(): Promise<Steps>;
}

interface Manifest {
  readonly version?: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

function manifest(path: string): Manifest {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
}

/** The version of this repository. */
export function ownVersion(): string {
  return manifest("../../package.json").version!;
}

/** The version of a library that the manifest of this folder pins. */
export function pinned(library: string): string {
  return manifest("package.json").dependencies[library]!;
}

/**
 * Imports a library of this folder. Its name is no literal, because type checks run where these libraries
 * are not installed; `Library` says what is used of it.
 */
export async function load<Library>(name: string): Promise<Library> {
  return await import(name);
}

/** The change that every peer makes. */
export function change(number: number): { readonly key: string; readonly value: string } {
  return { key: `key_${number}`, value: `value_${number}` };
}

import type { ID } from "../../entry/id.ts";
import { MAX_CACHED_BYTES } from "./limits.ts";

/** Whose a cached state is: a user's, by row key, or everybody's. */
export type Scope = { readonly user: string } | "shared";

/** Where a cached state belongs. */
export interface Place {
  /** Root of the database. */
  readonly tree: ID;
  /** The store. */
  readonly store: string;
  /** What the state is called: mostly the ID of an entry. */
  readonly key: ID;
}

/** What an item costs beside its bytes, about. */
const ITEM_BYTES = 200;

/**
 * States of stores that clients have put aside, and those that the server has made itself: opaque bytes, of which
 * those that were not used for long are forgotten.
 */
export class BlobCache {
  readonly #maxBytes: number;
  /** In the order of their last use. */
  readonly #blobs = new Map<string, Uint8Array>();
  #bytes = 0;

  /** Keeps at most so many bytes. */
  constructor(maxBytes: number = MAX_CACHED_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** The bytes of a user, else those of everybody. */
  get(user: string, place: Place): Uint8Array | undefined {
    return this.#use(nameOf({ user }, place)) ?? this.#use(nameOf("shared", place));
  }

  /** Whether there is anything. */
  has(scope: Scope, place: Place): boolean {
    return this.#blobs.has(nameOf(scope, place));
  }

  /** Keeps bytes in place of older ones. */
  set(scope: Scope, place: Place, blob: Uint8Array): void {
    const name = nameOf(scope, place);
    this.#delete(name);
    this.#blobs.set(name, blob);
    this.#bytes += sizeOf(name, blob);
    for (const oldest of this.#blobs.keys()) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#delete(oldest);
    }
  }

  #use(name: string): Uint8Array | undefined {
    const blob = this.#blobs.get(name);
    if (blob === undefined) return undefined;
    this.#blobs.delete(name);
    this.#blobs.set(name, blob);
    return blob;
  }

  #delete(name: string): void {
    const blob = this.#blobs.get(name);
    if (blob === undefined) return;
    this.#blobs.delete(name);
    this.#bytes -= sizeOf(name, blob);
  }
}

function nameOf(scope: Scope, { tree, store, key }: Place): string {
  return JSON.stringify([scope === "shared" ? null : scope.user, `${tree}`, store, `${key}`]);
}

function sizeOf(name: string, blob: Uint8Array): number {
  return ITEM_BYTES + name.length + blob.length;
}

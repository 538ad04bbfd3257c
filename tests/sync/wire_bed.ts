/**
 * What the tests of this folder share.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { EideticaError, type ID, type Instance, Snapshot } from "../../mod.ts";
import type { AccessPort, SyncRequest, SyncTreeRequest } from "./parts.ts";
import { NodeAccess } from "./parts.ts";
import { fromHex } from "../../src/util/hex.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { parsePlainJson } from "../../src/util/json64.ts";

/** A golden vector file; integers beyond 2^53 − 1 are bigints. */
export function vector<T>(name: string): T {
  return parsePlainJson(readFileSync(new URL(`../vectors/${name}`, import.meta.url), "utf8")) as T;
}

/** Bytes as they are written in a vector: as text, or as hex of what is no text. */
export function bytesOf({ text, hex }: { text?: string; hex?: string }): Uint8Array {
  return hex === undefined ? utf8(text!) : fromHex(hex);
}

/** Whether an error is one of ours, with this code. */
export function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof EideticaError && error.code === code;
}

/** The error that `action` ends with; it must be one of ours. */
export async function errorOf(action: () => unknown): Promise<EideticaError> {
  try {
    await action();
  } catch (error) {
    assert.ok(error instanceof EideticaError, String(error));
    return error;
  }
  return assert.fail("nothing was refused");
}

/** What an instance answers about access, with the databases `shared` open to others. */
export function accessTo(instance: Instance, ...shared: ID[]): AccessPort {
  const isShared = (tree: ID) => Promise.resolve(shared.some((id) => id.equals(tree)));
  return new NodeAccess(instance, { isShared });
}

/** A request for a tree, of somebody who has nothing and says nothing of itself, with members to be changed. */
export function treeRequest(
  treeId: ID,
  changes: Partial<SyncTreeRequest> = {},
): Extract<SyncRequest, { type: "SyncTree" }> {
  return {
    type: "SyncTree",
    body: {
      treeId,
      ourTips: Snapshot.EMPTY,
      peerPubkey: undefined,
      requestingKey: undefined,
      requestingKeyName: undefined,
      requestedPermission: undefined,
      metadata: undefined,
      auth: undefined,
      ...changes,
    },
  };
}

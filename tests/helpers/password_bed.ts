/**
 * Encrypted stores for the tests of `tests/store`.
 *
 * @module
 */

import { type Database, PasswordStore, StoreError } from "../../mod.ts";

/** Matches the error of a step that is not possible now. */
export function refused(code: string, operation: string): (error: unknown) => boolean {
  return (error) =>
    error instanceof StoreError && error.code === code && error.fields.operation === operation;
}

/** Creates an encrypted document store with some content. */
export async function writeSecret(
  db: Database,
  name: string,
  password: string,
  content: Record<string, unknown>,
): Promise<void> {
  await db.withTransaction(async (tx) => {
    const store = await tx.getStore(PasswordStore, name);
    await store.initialize(password);
    const inner = await store.inner();
    for (const [key, value] of Object.entries(content)) await inner.set([key], value as string);
  });
}

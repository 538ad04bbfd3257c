import type { SyncSettings } from "./records.ts";

/** Not synchronised. */
export const SYNC_DISABLED: SyncSettings = Object.freeze({
  syncEnabled: false,
  syncOnCommit: false,
  intervalSeconds: undefined,
  properties: new Map(),
});

/** Synchronised when asked to. */
export const SYNC_ENABLED: SyncSettings = Object.freeze({ ...SYNC_DISABLED, syncEnabled: true });

/** Synchronised on every commit. */
export const SYNC_ON_COMMIT: SyncSettings = Object.freeze({ ...SYNC_ENABLED, syncOnCommit: true });

/**
 * What several users want of one database together (07 §12): enabled if anybody wants it, the
 * shortest interval, all properties, later users overriding earlier ones. No users: disabled.
 */
export function mergeSyncSettings(all: readonly SyncSettings[]): SyncSettings {
  return all.reduce<SyncSettings>((merged, next) => ({
    syncEnabled: merged.syncEnabled || next.syncEnabled,
    syncOnCommit: merged.syncOnCommit || next.syncOnCommit,
    intervalSeconds: shorter(merged.intervalSeconds, next.intervalSeconds),
    properties: new Map([...merged.properties, ...next.properties]),
  }), SYNC_DISABLED);
}

function shorter(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}

import { requireIterable, wrongArgument, wrongNumber } from "../util/arguments.ts";
import { parsePlainJson, stringifyJson64 } from "../util/json64.ts";
import { readSync, type SyncSettings as Settings, writeSync } from "./records.ts";

/** What a user wants of the synchronisation of one database. */
export type SyncSettings = Settings;

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

/** The usual settings of synchronisation, by name. */
export const SyncSettings: {
  /** Not synchronised. */
  disabled(): Settings;
  /** Synchronised when asked to. */
  enabled(): Settings;
  /** Synchronised on every commit. */
  onCommit(): Settings;
  /** The same settings with a round every so many seconds. */
  withInterval(settings: Settings, seconds: number): Settings;
} = Object.freeze({
  disabled: () => SYNC_DISABLED,
  enabled: () => SYNC_ENABLED,
  onCommit: () => SYNC_ON_COMMIT,
  withInterval: (settings: Settings, seconds: number) => {
    requireSyncSettings(settings, SET_INTERVAL);
    return { ...settings, intervalSeconds: wholeSeconds(seconds) };
  },
});

const SET_INTERVAL = "set an interval of synchronisation";

function wholeSeconds(seconds: number): number {
  if (Number.isSafeInteger(seconds) && seconds >= 0) return seconds;
  throw wrongNumber(SET_INTERVAL, "it", "whole seconds of at least 0", seconds);
}

function canBeRead(settings: Settings): boolean {
  try {
    readSync(writeSync(settings));
    return true;
  } catch {
    return false;
  }
}

/** Fails unless `settings` have all their members, of the right types. */
export function requireSyncSettings(settings: Settings, action: string): void {
  if (settings?.properties instanceof Map && canBeRead(settings)) return;
  throw wrongArgument(action, "the settings of synchronisation", "SyncSettings", settings);
}

type Interval = Settings["intervalSeconds"];

/** Settings as JSON text. */
export function syncSettingsText(settings: Settings): string {
  return stringifyJson64(writeSync(settings));
}

/** Settings out of JSON text; throws for what are none. */
export function parseSyncSettings(text: string): Settings {
  return readSync(parsePlainJson(text));
}

/**
 * What several users want of one database together: enabled if anybody wants it, the
 * shortest interval, all properties, later users overriding earlier ones. No users: disabled.
 */
export function mergeSyncSettings(all: readonly SyncSettings[]): SyncSettings {
  const action = "merge settings of synchronisation";
  requireIterable(all, action, "all of them");
  for (const settings of all) requireSyncSettings(settings, action);
  return [...all].reduce<SyncSettings>((merged, next) => ({
    syncEnabled: merged.syncEnabled || next.syncEnabled,
    syncOnCommit: merged.syncOnCommit || next.syncOnCommit,
    intervalSeconds: shorter(merged.intervalSeconds, next.intervalSeconds),
    properties: new Map([...merged.properties, ...next.properties]),
  }), SYNC_DISABLED);
}

function shorter(a: Interval, b: Interval): Interval {
  if (a === undefined || b === undefined) return a ?? b;
  return b < a ? b : a;
}

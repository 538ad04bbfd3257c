import { optionsOf, wrongArgument, wrongNumber } from "../../util/arguments.ts";
import { requireSignal } from "../../util/work.ts";

/** What the drivers are told by their callers; each takes some of it. */
export interface DriverOptions {
  /** Whether what does not exist is created. */
  readonly create?: boolean;
  /** Refuses every write. */
  readonly readOnly?: boolean;
  /** Whether others are listened to. */
  readonly listen?: boolean;
  /** Whether it is on another machine. */
  readonly isFar?: boolean;
  /** What a commit survives. */
  readonly durability?: "full" | "normal";
  /** How long to wait for another process, in milliseconds. */
  readonly busyTimeoutMs?: number;
  /** Gives up opening. */
  readonly signal?: AbortSignal | undefined;
}

const FLAGS = ["create", "readOnly", "listen", "isFar"] as const;

/**
 * Options as they were given, or none. One that is of another type is refused: a `readOnly` or `durability` that is
 * not understood would be none, and a wait without a number would have no end.
 */
export function driverOptions<T extends DriverOptions>(
  given: T | undefined,
  action: string,
): Partial<T> {
  const options: Partial<T> = optionsOf(given, action);
  for (const name of FLAGS) {
    const value: unknown = options[name];
    if (value === undefined || typeof value === "boolean") continue;
    throw wrongArgument(action, `\`${name}\``, "true or false", value);
  }
  requireDurability(options.durability, action);
  requireTimeout(options.busyTimeoutMs, action);
  requireSignal(options.signal, action);
  return options;
}

function requireDurability(durability: unknown, action: string): void {
  if (durability === undefined || durability === "full" || durability === "normal") return;
  throw wrongArgument(action, "`durability`", '"full" or "normal"', durability);
}

function requireTimeout(timeoutMs: number | undefined, action: string): void {
  if (timeoutMs === undefined || (typeof timeoutMs === "number" && timeoutMs >= 0)) return;
  throw wrongNumber(action, "`busyTimeoutMs`", "milliseconds of at least 0", timeoutMs);
}

/** Fails unless what is to be opened is a path, or has the methods of what is open already. */
export function requirePlace(
  place: unknown,
  methods: readonly string[],
  action: string,
  expected: string,
): void {
  if (typeof place === "string") return;
  const open = place as Record<string, unknown> | null | undefined;
  if (methods.length > 0 && methods.every((name) => typeof open?.[name] === "function")) return;
  throw wrongArgument(action, "what is opened", expected, place);
}

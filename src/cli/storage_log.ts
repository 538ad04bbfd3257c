import type { Log } from "./log.ts";
import type { Place } from "./place.ts";

/** Says in the log which storage is used. */
export function announce(log: Log, { kind, file, label }: Place): void {
  if (kind === "sqlite") log.info("backend", `Using SQLite backend at ${file}`);
  else if (kind === "inmemory") {
    log.info("backend", `Using in-memory backend with persistence at ${file}`);
  } else log.info("backend", `Using ${label}`);
}

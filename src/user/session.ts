import type { Database } from "../database/database.ts";
import type { UserKeyManager } from "./key_manager.ts";
import type { UserInfo } from "./records.ts";

/** What a login yields, before it becomes a `User`. */
export interface Session {
  /** UUID of the user. */
  readonly uuid: string;
  /** The user's row in `_users`, as this session knows it. */
  info: UserInfo;
  /** The user's private database, acting as the root key. */
  readonly database: Database;
  /** The user's keys. */
  readonly keys: UserKeyManager;
}

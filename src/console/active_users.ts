import { setInspection } from "#inspect";
import { Database } from "../database/database.ts";
import { ID } from "../entry/id.ts";
import type { Instance } from "../instance/instance.ts";
import { UsersTable } from "../user/system_databases.ts";
import type { Sessions, WebSession } from "./sessions.ts";

/** Tells whether users are still users: one who was disabled is logged in no longer. */
export class ActiveUsers {
  readonly #instance: Instance;
  #users: Database | undefined;

  /** The users of an instance. */
  constructor(instance: Instance) {
    this.#instance = instance;
  }

  /** Whether the user with this UUID may be logged in now. */
  async has(uuid: string): Promise<boolean> {
    const users = this.#users ??= await this.#open();
    const row = await (await users.getStoreViewer(UsersTable, "users")).getOption(uuid);
    return row?.status === "Active";
  }

  async #open(): Promise<Database> {
    const metadata = await this.#instance.host.backend.getInstanceMetadata();
    return await Database.open(this.#instance, ID.parse(metadata!.users_db));
  }

  static {
    setInspection(this, "ActiveUsers");
  }
}

/** Whether a session goes on. That of a user who was disabled meanwhile ends, and so does one whose time is over. */
export async function goesOn(
  { sessions, users }: { readonly sessions: Sessions; readonly users: ActiveUsers },
  session: WebSession,
): Promise<boolean> {
  if (!await users.has(session.user.uuid)) sessions.end(session);
  return sessions.peek(session.token) !== undefined;
}

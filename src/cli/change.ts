import type { Database } from "../database/database.ts";
import type { Instance } from "../instance/instance.ts";
import type { Transaction } from "../transaction/transaction.ts";
import type { User } from "../user/user.ts";
import { shortId } from "./databases.ts";
import { findDatabase } from "./databases.ts";
import type { Run } from "./frame/command.ts";
import { shown } from "./frame/text.ts";
import { acting } from "./session.ts";

/** Commits one change of the database that a command names, and says which entry it became. */
export async function change(
  run: Run,
  what: string,
  make: (transaction: Transaction, database: Database) => Promise<void>,
): Promise<void> {
  await acting(run, async (user: User, instance: Instance) => {
    const { root } = await findDatabase(instance, run.values.text("DB"));
    const database = await user.openDatabase(root);
    const before = await database.snapshot();
    await database.withTransaction((transaction) => make(transaction, database));
    const [id] = await database.idsAdded(before, await database.snapshot());
    if (id === undefined) return run.out.result({ id: null }, "Nothing had to be changed.");
    const { height } = await instance.backend.get(id);
    const status = await instance.backend.getVerificationStatus(id);
    const entry = run.out.isTerminal ? shortId(id) : id.toString();
    run.out.result(
      { id: id.toString(), height, status },
      `${what} as ${shown(user.username)}, entry ${entry} (${status}).`,
    );
  });
}

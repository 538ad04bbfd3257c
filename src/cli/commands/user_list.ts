import { when } from "../entry_lines.ts";
import { tryRead } from "../../util/try_read.ts";
import type { Command } from "../frame/command.ts";
import { shown } from "../frame/text.ts";
import { STORAGE } from "../options.ts";
import { reading } from "../session.ts";
import { isPasswordless, type ListedUser, listUsers, usersDatabase } from "../users.ts";

/** `eidetica user list`. */
export const userList: Command = {
  about: "List the users",
  options: STORAGE,
  examples: ["eidetica user list", "eidetica user list --json"],
  run: (run) =>
    reading(run, async (instance) => {
      const settings = await (await usersDatabase(instance)).getSettings();
      const auth = await settings.authSnapshot();
      const isAdmin = ({ info }: ListedUser) => {
        const key = tryRead(() => auth.getKeyByPubkey(info.credentials.rootKeyId));
        return key !== undefined && key.isActive && key.permissions.canAdmin();
      };
      const users = await listUsers(instance);
      if (run.out.json) {
        return run.out.value(users.map((user) => ({
          name: user.info.username,
          uuid: user.uuid,
          admin: isAdmin(user),
          disabled: user.info.status !== "Active",
          passwordless: isPasswordless(user),
        })));
      }
      const rows = users.map((user) => [
        shown(user.info.username),
        user.uuid,
        isAdmin(user) ? "yes" : "no",
        isPasswordless(user) ? `${user.info.status}, no password` : user.info.status,
        user.lastLogin === undefined ? "never" : when(user.lastLogin * 1000, run.out),
      ]);
      run.out.table(["NAME", "UUID", "ADMIN", "STATE", "LAST LOGIN"], rows);
    }),
};

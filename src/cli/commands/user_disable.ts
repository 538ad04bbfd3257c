import type { Command } from "../frame/command.ts";
import { shown } from "../frame/text.ts";
import { STORAGE } from "../options.ts";
import { acting } from "../session.ts";
import { listUsers, named } from "../users.ts";

/** `eidetica user disable`. */
export const userDisable: Command = {
  about: "Keep a user from logging in; for administrators",
  options: [
    { name: "enable", help: "Let the user log in again" },
    ...STORAGE,
  ],
  positionals: [{ name: "NAME", help: "Login name", completes: "user" }],
  examples: ["eidetica user disable ben", "eidetica user disable ben --enable"],
  run: (run) =>
    acting(run, async (user, instance) => {
      const { username: name } = named(run.values.text("NAME"), await listUsers(instance)).info;
      const admin = await user.admin();
      const disabled = !run.values.has("enable");
      if (disabled) await admin.disableUser(name);
      else await admin.enableUser(name);
      run.out.result(
        { name, disabled },
        disabled
          ? `${shown(name)} can no longer log in here. Entries stay valid.`
          : `${shown(name)} can log in again.`,
      );
    }),
};

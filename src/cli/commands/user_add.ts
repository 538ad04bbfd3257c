import { NewUser } from "../../user/new_user.ts";
import type { Command, Run } from "../frame/command.ts";
import { Failure } from "../frame/failure.ts";
import { shown } from "../frame/text.ts";
import { STORAGE } from "../options.ts";
import { newPassword } from "../new_password.ts";
import { acting } from "../session.ts";

/** `eidetica user add`. */
export const userAdd: Command = {
  about: "Make a user; for administrators",
  options: [
    { name: "passwordless", help: "No password: whoever can read the storage can act as the user" },
    {
      name: "new-password-file",
      value: "FILE",
      help: "File with the user's password, - for standard input",
    },
    ...STORAGE,
  ],
  positionals: [{ name: "NAME", help: "Login name" }],
  examples: ["eidetica user add ben", "eidetica user add ben --passwordless --user ada"],
  run: async (run) => {
    const made = await newUser(run);
    await acting(run, async (user) => {
      const uuid = await (await user.admin()).createUser(made);
      const passwordless = made.password === undefined;
      run.out.result(
        { name: made.username, uuid, passwordless },
        `Added ${shown(made.username)} (uuid ${uuid}).`,
      );
    });
  },
};

async function newUser(run: Run): Promise<NewUser> {
  const name = run.values.text("NAME");
  if (run.values.has("passwordless")) return NewUser.passwordless(name);
  const password = await newPassword(
    run,
    `Password for ${shown(name)}: `,
    "--passwordless, or --new-password-file",
  );
  if (password !== "") return NewUser.withPassword(name, password);
  throw new Failure("Empty password rejected.", { code: "EmptyPassword", next: "--passwordless" });
}

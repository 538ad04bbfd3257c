import type { Command } from "../frame/command.ts";
import { Failure } from "../frame/failure.ts";
import { BACKEND } from "../options.ts";
import { newPassword } from "../new_password.ts";
import { writing } from "../session.ts";
import { isPasswordless, listUsers, named, password } from "../users.ts";

/** `eidetica user passwd`. */
export const userPasswd: Command = {
  about: "Change a password",
  options: [
    {
      name: "password-file",
      value: "FILE",
      help: "File with the password so far, - for standard input; or set EIDETICA_PASSWORD",
    },
    { name: "new-password-file", value: "FILE", help: "File with the new password" },
    ...BACKEND,
  ],
  positionals: [{ name: "NAME", help: "Login name", completes: "user" }],
  examples: ["eidetica user passwd ben"],
  run: (run) =>
    writing(run, async (instance) => {
      const found = named(run.values.text("NAME"), await listUsers(instance));
      const old = isPasswordless(found) ? undefined : await password(run, "Password so far: ");
      // Whether the old one is right is known before a new one is asked for.
      const user = await instance.loginUser(found.info.username, old);
      const next = await newPassword(run, "New password: ", "--new-password-file");
      if (next === "") throw new Failure("Empty password rejected.", { code: "EmptyPassword" });
      await user.changePassword(old, next);
      const { length: keys } = user.listKeys();
      user.logout();
      const { username: name } = found.info;
      run.out.result({ name, keys }, "Password changed; keys wrapped anew.");
    }),
};

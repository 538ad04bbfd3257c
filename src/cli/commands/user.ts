import type { Command } from "../frame/command.ts";

/** `eidetica user`. */
export const user: Command = {
  about: "Manage the users of an instance",
  commands: {
    list: {
      about: "List the users",
      load: async () => (await import("./user_list.ts")).userList,
    },
    add: {
      about: "Make a user; for administrators",
      load: async () => (await import("./user_add.ts")).userAdd,
    },
    passwd: {
      about: "Change a password",
      load: async () => (await import("./user_passwd.ts")).userPasswd,
    },
    disable: {
      about: "Keep a user from logging in; for administrators",
      load: async () => (await import("./user_disable.ts")).userDisable,
    },
  },
};

import type { Command } from "../frame/command.ts";
import { BACKEND } from "../options.ts";
import { socketPath } from "../place.ts";

/** `eidetica daemon`. */
export const daemon: Command = {
  about: "Share a storage among programs of this machine, over a socket",
  options: [
    {
      name: "socket",
      short: "s",
      value: "SOCKET",
      env: "EIDETICA_SOCKET",
      default: socketPath(),
      help: "Path of the socket",
      global: true,
    },
    ...BACKEND,
  ],
  commands: {
    init: {
      about: "Create an instance with its first user, who administers it",
      load: async () => (await import("./daemon_init.ts")).daemonInit,
    },
  },
};

import type { Command } from "./frame/command.ts";
import { EVERYWHERE } from "./options.ts";

/** The program: all commands, loaded when they are named. */
export const ROOT: Command = {
  about: "Eidetica: a decentralized, local-first database",
  options: EVERYWHERE,
  standard: "serve",
  commands: {
    serve: {
      about: "Run a node: pages for browsers, synchronisation for other nodes",
      load: async () => (await import("./commands/serve.ts")).serve,
    },
    daemon: {
      about: "Share a storage among programs of this machine, over a socket",
      load: async () => (await import("./commands/daemon.ts")).daemon,
    },
    health: {
      about: "Ask a node whether it is well",
      load: async () => (await import("./commands/health.ts")).health,
    },
    info: {
      about: "Show device, storage and number of databases",
      load: async () => (await import("./commands/info.ts")).info,
    },
    db: {
      about: "Database management commands",
      load: async () => (await import("./commands/db.ts")).db,
    },
    user: {
      about: "Manage the users of an instance",
      load: async () => (await import("./commands/user.ts")).user,
    },
    requests: {
      about: "Decide who gets access to databases",
      load: async () => (await import("./commands/requests.ts")).requests,
    },
    peers: {
      about: "Show with whom databases are kept in step",
      load: async () => (await import("./commands/peers.ts")).peers,
    },
    explain: {
      about: "Say what an error code means, or why an entry counts or does not",
      load: async () => (await import("./commands/explain.ts")).explain,
    },
    doctor: {
      about: "Look for what may go wrong",
      load: async () => (await import("./commands/doctor.ts")).doctor,
    },
    completion: {
      about: "Print the script by which a shell completes commands and names",
      load: async () => (await import("./commands/completion.ts")).completion,
    },
    complete: {
      about: "Answer the completion script of a shell",
      load: async () => (await import("./commands/complete.ts")).complete,
      isHidden: true,
    },
  },
};

import type { Command } from "../frame/command.ts";

/** `eidetica requests`. */
export const requests: Command = {
  about: "Decide who gets access to databases",
  commands: {
    list: {
      about: "List the requests that nobody has decided",
      load: async () => (await import("./requests_list.ts")).requestsList,
    },
    approve: {
      about: "Grant what a request asks for",
      load: async () => (await import("./requests_decide.ts")).requestsApprove,
    },
    reject: {
      about: "Refuse a request",
      load: async () => (await import("./requests_decide.ts")).requestsReject,
    },
  },
};

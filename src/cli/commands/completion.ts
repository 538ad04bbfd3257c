import process from "node:process";
import type { Command } from "../frame/command.ts";
import { SCRIPTS } from "../completion_scripts.ts";

const SHELLS = Object.keys(SCRIPTS);

/** `eidetica completion`. */
export const completion: Command = {
  about: "Print the script by which a shell completes commands and names",
  positionals: [{ name: "SHELL", help: SHELLS.join(", "), choices: SHELLS }],
  examples: [
    'bash:  eval "$(eidetica completion bash)"',
    'zsh:   eval "$(eidetica completion zsh)"',
    "fish:  eidetica completion fish | source",
  ],
  run: ({ values }) => {
    process.stdout.write(SCRIPTS[values.text("SHELL")]!);
    return Promise.resolve();
  },
};

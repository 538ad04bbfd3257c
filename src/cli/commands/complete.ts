import process from "node:process";
import type { Command } from "../frame/command.ts";
import { candidates, linesOf } from "../candidates.ts";
import { ROOT } from "../root.ts";

/** `eidetica complete`: what the scripts of shells ask. */
export const complete: Command = {
  about: "Answer the completion script of a shell",
  positionals: [{ name: "WORDS", help: "The words so far", rest: true, optional: true }],
  run: async ({ values }) => {
    const found = await candidates(ROOT, values.all("WORDS"), process.env);
    process.stdout.write(linesOf(found));
  },
};

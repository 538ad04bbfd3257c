import type { Run } from "./frame/command.ts";
import { Failure } from "./frame/failure.ts";
import { askSecret, requireTerminal } from "./prompt.ts";
import { givenText } from "./users.ts";

/** A new password: out of the file that is named, or typed twice on the terminal. */
export async function newPassword(run: Run, question: string, instead: string): Promise<string> {
  const file = run.values.get("new-password-file");
  if (file !== undefined) return await givenText(file);
  requireTerminal(run.values, "a password", instead);
  const first = await askSecret(question, run.signal);
  const second = await askSecret("Re-enter password: ", run.signal);
  if (first === second) return first;
  throw new Failure("Passwords did not match.", { code: "PasswordsDiffer" });
}

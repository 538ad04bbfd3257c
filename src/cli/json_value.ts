import { parsePlainJson } from "../util/json64.ts";
import { Failure } from "./frame/failure.ts";

/** A value out of its JSON text. */
export function jsonOf(text: string): unknown {
  try {
    return parsePlainJson(text);
  } catch (cause) {
    const { message } = cause as Error;
    const quoted = `'${JSON.stringify(text)}'`;
    throw new Failure(`Cannot read the value as JSON: ${message.replace(/^Cannot [^:]*: /, "")}`, {
      code: "InvalidJson",
      next: `texts stand in quotation marks: ${quoted}`,
      cause,
    });
  }
}

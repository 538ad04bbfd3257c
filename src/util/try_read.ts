import { EideticaError } from "./errors.ts";

/** What `read` gives; undefined when it fails with an error of ours, as for data that cannot be read. */
export function tryRead<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof EideticaError) return undefined;
    throw error;
  }
}

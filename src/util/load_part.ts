import { InstanceError } from "./errors.ts";

/**
 * Loads a part of the package that a page does not need at once: `load` imports it by a literal name, which bundlers
 * find. The promise is the caller's own; only what came of it may be kept, since in isolates no request may wait
 * for another's promise.
 */
export async function loadPart<Part>(action: string, load: () => Promise<Part>): Promise<Part> {
  try {
    return await load();
  } catch (cause) {
    const why = "the part of the package that does it cannot be loaded";
    const next = "serve every file of the bundle, and try again";
    throw new InstanceError("PartNotLoaded", `Cannot ${action}: ${why}; ${next}`, { cause });
  }
}

import { loadPart } from "../util/load_part.ts";

/** What an instance, and whatever is below it, can do and a page does not need at once. */
export type Rest = typeof import("../instance/rest.ts");

/** Loads it, for an action that is named as it follows "Cannot". */
export function loadRest(action: string): Promise<Rest> {
  return loadPart(action, () => import("../instance/rest.ts"));
}

import { loadPart } from "../util/load_part.ts";

/** What an instance can do and a page does not need at once; see `rest.ts`. */
export type Rest = typeof import("./rest.ts");

/** Loads it, for an action that is named as it follows "Cannot". */
export function loadRest(action: string): Promise<Rest> {
  return loadPart(action, () => import("./rest.ts"));
}

/** What can be said of tips that were told, of which there are not all when there are many. */

import type { ID } from "../../entry/id.ts";
import { MAX_TIPS } from "./messages.ts";

/** Whether tips are the same, unless there are so many that not all were told. */
export function areSameTips(a: readonly ID[], b: readonly ID[]): boolean {
  if (a.length !== b.length || a.length >= MAX_TIPS) return false;
  const others = new Set(b.map((id) => id.toString()));
  return a.every((id) => others.has(id.toString()));
}

/** Whether all tips are held, unless there are so many that not all were told: who has those may lack others. */
export function areAllHeld(tips: readonly ID[], held: readonly boolean[]): boolean {
  return tips.length < MAX_TIPS && tips.every((_, at) => held[at]);
}

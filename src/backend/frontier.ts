import { ID } from "../entry/id.ts";
import type { Frontiers } from "./records.ts";

/** One frontier after an entry: its parents leave, and it enters unless a child is known. */
export function moved(
  tips: Frontiers,
  which: "verified" | "raw",
  id: ID | undefined,
  parents: readonly ID[],
): Frontiers {
  const next = tips[which].filter((tip) => !parents.some((parent) => parent.equals(tip)));
  if (id !== undefined) next.push(id);
  next.sort(ID.compare);
  return { ...tips, [which]: next };
}

/** The same frontiers with one list for both when they are equal, which is the usual case. */
export function shared<T extends Frontiers>(tips: T): T {
  const { verified, raw } = tips;
  const equal = verified.length === raw.length && verified.every((id, at) => id.equals(raw[at]!));
  return equal ? { ...tips, raw: verified } : tips;
}

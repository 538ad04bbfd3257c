/**
 * The whole history of a database as lines of JSON.
 *
 * ```text
 * file  = head *( entry )                                                  ; one a line
 * head  = {"entries":n,"root":id,"type":"eidetica-history","version":1}
 * entry = the JSON form of a signed entry, parents before children
 * ```
 *
 * @module
 */

/** What the first line says that it is. */
export const HISTORY = "eidetica-history";

/** The first line. */
export interface HistoryHead {
  readonly type: typeof HISTORY;
  readonly version: number;
  readonly root: string;
  readonly entries: number;
}

/** Whether a line is the first of such a file, in a version that is known. */
export function isHistoryHead(value: unknown): value is HistoryHead {
  const { type, version, root, entries } = (value ?? {}) as Partial<HistoryHead>;
  return type === HISTORY && version === 1 && typeof root === "string" &&
    Number.isSafeInteger(entries);
}

import { turns } from "../../util/turns.ts";
import type { Pair, Range } from "../driver.ts";

/** Least and most pairs of one page, and of the first where each page is a round trip. */
const MIN_PAGE = 16;
const FAR_PAGE = 256;
const MAX_PAGE = 1024;
/** About how many bytes of values one page holds. */
const PAGE_BYTES = 1 << 20;

/** Reads the first pairs of a range, at most `limit`, in the order that the range wants. */
export type ReadPage = (range: Range, limit: number) => Pair[] | Promise<Pair[]>;

/**
 * Lists a range page by page, each read by itself. Pages are small at first, unless the storage is far away, and as large as the
 * size of their values allows later, so that a listing of megabyte values stays in bounds.
 */
export async function* listByPage(
  range: Range,
  read: ReadPage,
  isFar = false,
): AsyncGenerator<readonly Pair[]> {
  let rest = range;
  let size = isFar ? FAR_PAGE : MIN_PAGE;
  for (let left = range.limit ?? Infinity; left > 0;) {
    if (turns.isOver) await turns.next();
    const wanted = Math.min(left, size);
    const page = await read(rest, wanted);
    if (page.length > 0) yield page;
    if (page.length < wanted) return;
    left -= page.length;
    rest = after(rest, page[page.length - 1]!.key);
    size = nextSize(page);
  }
}

function after(range: Range, last: Uint8Array): Range {
  return range.reverse ? { ...range, end: last } : { ...range, start: successor(last) };
}

function nextSize(page: readonly Pair[]): number {
  let bytes = 1;
  for (const { value } of page) bytes += value.length;
  const fitting = Math.floor(PAGE_BYTES * page.length / bytes);
  return Math.max(1, Math.min(fitting, page.length * 8, MAX_PAGE));
}

/** The first key after `key`. */
function successor(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}

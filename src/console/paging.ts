import { plain } from "./replies.ts";
import type { PageOf } from "./pages/layout.ts";

/** The page that a query asks for, the first unless told and the last when there are fewer; else why it cannot be. */
export function pageOf(
  text: string | undefined,
  { items, size }: { readonly items: number; readonly size: number },
): PageOf | Response {
  const pages = Math.max(1, Math.ceil(items / size));
  if (text === undefined) return { page: 1, pages };
  if (!/^[1-9]\d{0,14}$/.test(text)) return plain(400, "Invalid page: it is a number from 1 on");
  return { page: Math.min(Number(text), pages), pages };
}

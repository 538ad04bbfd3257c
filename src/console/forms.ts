import { piecesOf } from "../transport/silence.ts";
import { concat } from "../util/bytes.ts";
import { plain } from "./replies.ts";

/** Most bytes of a form: the longest ticket fits, however it is encoded. */
export const MAX_FORM_BYTES = 262_144;

const FORM_TYPE = /^application\/x-www-form-urlencoded\s*(?:;|$)/i;

/** The fields of a form. */
export type Fields = Readonly<Record<string, string | undefined>>;

/** What fields a form has. */
export interface Shape {
  /** Those that must be there. */
  readonly required: readonly string[];
  /** Those that may be. */
  readonly optional?: readonly string[];
}

/** The fields of a form that was sent, others than those of `shape` left out; else the answer that refuses it. */
export async function readForm(request: Request, shape: Shape): Promise<Fields | Response> {
  if (!FORM_TYPE.test(request.headers.get("content-type")?.trim() ?? "")) {
    await request.body?.cancel().catch(() => {});
    return plain(415, "Form requests must have `Content-Type: application/x-www-form-urlencoded`");
  }
  const body = await readBody(request, MAX_FORM_BYTES);
  if (body === undefined) {
    return plain(413, "Failed to buffer the request body: length limit exceeded");
  }
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(body);
  return pick(new URLSearchParams(text), shape, (why) => {
    return plain(422, `Failed to deserialize form body: ${why}`);
  });
}

/** The fields of a query; else the answer that refuses it. */
export function readQuery(url: URL, shape: Shape): Fields | Response {
  return pick(url.searchParams, shape, (why) => {
    return plain(400, `Failed to deserialize query string: ${why}`);
  });
}

function pick(
  given: URLSearchParams,
  { required, optional = [] }: Shape,
  refuse: (why: string) => Response,
): Fields | Response {
  const all = [...required, ...optional];
  const twice = all.find((name) => given.getAll(name).length > 1);
  if (twice !== undefined) return refuse(`duplicate field \`${twice}\``);
  const missing = required.find((name) => !given.has(name));
  if (missing !== undefined) return refuse(`missing field \`${missing}\``);
  return Object.fromEntries(all.map((name) => [name, given.get(name) ?? undefined]));
}

/** The body of a request; undefined when it has more than `most` bytes, of which no more are read than that. */
export async function readBody(request: Request, most: number): Promise<Uint8Array | undefined> {
  if (Number(request.headers.get("content-length") ?? 0) > most) {
    await request.body?.cancel().catch(() => {});
    return undefined;
  }
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of piecesOf(request.body)) {
    length += piece.length;
    if (length > most) return undefined;
    pieces.push(piece);
  }
  return concat(...pieces);
}

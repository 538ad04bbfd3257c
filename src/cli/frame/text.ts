/** What stands out on a terminal. */
export type Style = "cyan" | "green" | "yellow" | "red" | "dim" | "bold";

const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: "grapheme" });
/** Characters that take two columns. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
/** Sequences that colour a text, which this program has written itself. */
// deno-lint-ignore no-control-regex
const COLOUR = /\x1b\[\d+m/g;
// deno-lint-ignore no-control-regex
const HOSTILE = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** A stored text as it may be shown: nothing in it moves the cursor or turns the direction. */
export function shown(text: string): string {
  return text.replaceAll(HOSTILE, (char) => `\\u{${char.charCodeAt(0).toString(16)}}`);
}

/** Lines as they may be shown; only what ends them is left. */
export function shownLines(text: string): string {
  return text.split("\n").map(shown).join("\n");
}

/** Columns that a text takes. */
export function widthOf(text: string): number {
  let width = 0;
  for (const { segment } of GRAPHEMES.segment(text.replaceAll(COLOUR, ""))) {
    width += WIDE.test(segment) ? 2 : 1;
  }
  return width;
}

/** A text that takes so many columns at least. */
export function cell(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - widthOf(text)));
}

/** A text that takes so many columns at most; what was cut shows as `…`. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  const plain = text.replaceAll(COLOUR, "");
  let kept = "";
  let taken = 0;
  for (const { segment } of GRAPHEMES.segment(plain)) {
    taken += WIDE.test(segment) ? 2 : 1;
    if (taken > width - 1) break;
    kept += segment;
  }
  return `${kept.trimEnd()}…`;
}

/** A number with separators. */
export function count(number: number | bigint): string {
  return number.toLocaleString("en-US");
}

/** So many of something. */
export function many(number: number | bigint, one: string, more = `${one}s`): string {
  return `${count(number)} ${Number(number) === 1 ? one : more}`;
}

/** Bytes as people read them. */
export function bytes(size: number): string {
  const units = ["bytes", "KB", "MB", "GB", "TB"];
  let at = 0;
  while (size >= 1000 && at < units.length - 1) {
    size /= 1000;
    at++;
  }
  return at === 0 ? `${size} ${size === 1 ? "byte" : "bytes"}` : `${size.toFixed(1)} ${units[at]}`;
}

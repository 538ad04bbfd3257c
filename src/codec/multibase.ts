/**
 * Multibase: a character that names a base, then the bytes as text in it.
 *
 * ```text
 * a power of two   each letter holds as many bits, the first the highest; what is left over is zero
 * others           one number; each leading zero byte is a zero letter
 * ```
 *
 * Letters of either case are read in the bases that use one case alone.
 *
 * @module
 */

import { utf8 } from "../util/bytes.ts";

const DIGITS = "0123456789";
const LOWER = "abcdefghijklmnopqrstuvwxyz";
const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const BASE58_UPPER = "ABCDEFGHJKLMNPQRSTUVWXYZ";
const BASE58_LOWER = "abcdefghijkmnopqrstuvwxyz";
const BASE58 = "123456789" + BASE58_UPPER + BASE58_LOWER;
const EMOJI =
  "🚀🪐☄🛰🌌🌑🌒🌓🌔🌕🌖🌗🌘🌍🌏🌎🐉☀💻🖥💾💿😂❤😍🤣😊🙏💕😭😘👍😅👏😁🔥🥰💔💖💙😢🤔😆🙄💪😉☺👌🤗💜😔😎😇🌹🤦🎉💞✌✨🤷😱😌🌸🙌😋💗💚😏💛🙂💓🤩😄😀🖤😃💯🙈👇🎶😒🤭❣😜💋👀😪😑💥🙋😞😩😡🤪👊🥳😥🤤👉💃😳✋😚😝😴🌟😬🙃🍀🌷😻😓⭐✅🥺🌈😈🤘💦✔😣🏃💐☹🎊💘😠☝😕🌺🎂🌻😐🖕💝🙊😹🗣💫💀👑🎵🤞😛🔴😤🌼😫⚽🤙☕🏆🤫👈😮🙆🍻🍃🐶💁😲🌿🧡🎁⚡🌞🎈❌✊👋😰🤨😶🤝🚶💰🍓💢🤟🙁🚨💨🤬✈🎀🍺🤓😙💟🌱😖👶🥴▶➡❓💎💸⬇😨🌚🦋😷🕺⚠🙅😟😵👎🤲🤠🤧📌🔵💅🧐🐾🍒😗🤑🌊🤯🐷☎💧😯💆👆🎤🙇🍑❄🌴💣🐸💌📍🥀🤢👅💡💩👐📸👻🤐🤮🎼🥵🚩🍎🍊👼💍📣🥂";

/** The prefixes and the letters of each base that the reference reads, but for the identity. */
const BASES: readonly (readonly [prefixes: string, letters: string])[] = [
  ["0", "01"],
  ["7", "01234567"],
  ["9", DIGITS],
  ["fF", DIGITS + "abcdef"],
  ["bBcC", LOWER + "234567"],
  ["vVtT", DIGITS + "abcdefghijklmnopqrstuv"],
  ["h", "ybndrfg8ejkmcpqxot1uwisza345h769"],
  ["kK", DIGITS + LOWER],
  ["z", BASE58],
  ["Z", "123456789" + BASE58_LOWER + BASE58_UPPER],
  ["mM", UPPER + LOWER + DIGITS + "+/"],
  ["uU", UPPER + LOWER + DIGITS + "-_"],
  ["🚀", EMOJI],
];

/** The bases that are read in either case. */
const EITHER_CASE = "fFbBcCvVtTkK";

/** The bases that pad their texts, and to a multiple of how many letters. */
const PADDED: Readonly<Record<string, number>> = { c: 8, C: 8, t: 8, T: 8, M: 4, U: 4 };

/** The bytes of a multibase text; undefined when it begins with no known prefix. Throws for other faults. */
export function decodeMultibase(text: string): Uint8Array | undefined {
  const prefix = String.fromCodePoint(text.codePointAt(0) ?? 0);
  const rest = text.slice(prefix.length);
  if (prefix === "\0" && text !== "") return utf8(rest);
  const letters = BASES.find(([prefixes]) => [...prefixes].includes(prefix))?.[1];
  if (letters === undefined) return undefined;
  const size = [...letters].length;
  const bits = Math.log2(size);
  const digits = digitsOf(withoutPadding(rest, PADDED[prefix] ?? 1), prefix, letters);
  return Number.isInteger(bits) ? fromBits(digits, bits) : fromNumber(digits, size);
}

/** The text without the padding up to a multiple of `width`, which must be there. */
function withoutPadding(text: string, width: number): string {
  if (width === 1) return text;
  const letters = text.replace(/=+$/, "");
  if (text.length - letters.length === (width - letters.length % width) % width) return letters;
  throw new SyntaxError("the padding is not that of the base");
}

/** The base58btc text of bytes, without a prefix. */
export function encodeBase58(bytes: Uint8Array): string {
  let number = bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  let text = "";
  for (; number > 0n; number /= 58n) text = BASE58[Number(number % 58n)] + text;
  return BASE58[0]!.repeat(leadingZeros(bytes)) + text;
}

function digitsOf(text: string, prefix: string, letters: string): number[] {
  const values = new Map<string, number>();
  [...letters].forEach((letter, value) => {
    values.set(letter, value);
    if (EITHER_CASE.includes(prefix)) values.set(letter.toUpperCase(), value);
  });
  return Array.from(text, (letter) => {
    const value = values.get(letter);
    if (value !== undefined) return value;
    throw new SyntaxError(`"${letter}" is no letter of the base "${prefix}"`);
  });
}

function fromBits(digits: readonly number[], bits: number): Uint8Array {
  const out = new Uint8Array((digits.length * bits) >> 3);
  let pending = 0;
  let have = 0;
  let at = 0;
  for (const digit of digits) {
    pending = ((pending << bits) | digit) & 0xffff;
    have += bits;
    if (have >= 8) out[at++] = pending >> (have -= 8);
  }
  const isWhole = have < bits && (pending & ((1 << have) - 1)) === 0;
  if (!isWhole) throw new SyntaxError("the text ends within a byte");
  return out;
}

function fromNumber(digits: readonly number[], size: number): Uint8Array {
  let number = digits.reduce((sum, digit) => sum * BigInt(size) + BigInt(digit), 0n);
  const bytes: number[] = [];
  for (; number > 0n; number >>= 8n) bytes.push(Number(number & 255n));
  const zeros = leadingZeros(digits);
  const out = new Uint8Array(zeros + bytes.length);
  out.set(bytes.reverse(), zeros);
  return out;
}

function leadingZeros(values: ArrayLike<number>): number {
  let count = 0;
  while (count < values.length && values[count] === 0) count++;
  return count;
}

import { encode } from "uqr";

/** Black on white, whatever the colours of the terminal: cameras want dark signs on light ground. */
const [BEGIN, END] = ["\x1b[30;107m", "\x1b[0m"];
/** Modules of light around the code. */
const BORDER = 4;

/** A code that cameras read, with two modules in each character. */
export function qrText(text: string): string {
  const { data } = encode(text, { ecc: "L", border: BORDER });
  const lines: string[] = [];
  for (let row = 0; row < data.length; row += 2) {
    const upper = data[row]!;
    const lower = data[row + 1] ?? upper.map(() => false);
    lines.push(BEGIN + upper.map((isDark, at) => half(isDark, lower[at]!)).join("") + END);
  }
  return `${lines.join("\n")}\n`;
}

function half(upper: boolean, lower: boolean): string {
  if (upper) return lower ? "█" : "▀";
  return lower ? "▄" : " ";
}

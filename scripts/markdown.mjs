/**
 * The fenced blocks of a Markdown text, and what the notes before them ask for.
 *
 * ```
 * <!-- snippet: skip REASON -->   left out, visibly
 * <!-- snippet: continue -->      goes on where the block before it ends: both run as one
 * <!-- snippet: run -->           a shell block that is not only checked but run
 * ```
 */

const BLOCK = /(?:<!-- snippet: (\w+) *([^>]*?) *-->\s*)?^```(\w+)[^\n]*\n([\s\S]*?)^```[ \t]*$/gm;

/** Languages that would not run under that name, and the name that would. */
const OTHER_NAMES = { typescript: "ts", js: "ts", javascript: "ts", bash: "sh", shell: "sh" };

function check({ note, reason, language }, line) {
  if (language in OTHER_NAMES) {
    throw new Error(`Line ${line}: call the block "${OTHER_NAMES[language]}", not "${language}"`);
  }
  if (note !== undefined && !["skip", "continue", "run"].includes(note)) {
    throw new Error(`Line ${line}: the note "${note}" is unknown; use skip, continue or run`);
  }
  if (note === "skip" && reason === "") throw new Error(`Line ${line}: a skip tells its reason`);
  if (note === "run" && language !== "sh") throw new Error(`Line ${line}: only sh blocks are run`);
}

/** Puts a block behind the one that it continues. */
function append(found, block) {
  const last = found.at(-1);
  if (last?.language !== block.language) {
    throw new Error(`Line ${block.line}: no "${block.language}" block to continue`);
  }
  found[found.length - 1] = { ...last, code: `${last.code}\n${block.code}` };
}

/**
 * The `ts` and `sh` blocks of a text, with the line of their fence (or of the note before it).
 *
 * @param {string} text Markdown.
 */
export function blocks(text) {
  const found = [];
  for (const match of text.matchAll(BLOCK)) {
    const [, note, reason = "", language, code] = match;
    const line = text.slice(0, match.index).split("\n").length;
    const block = { note, reason, language, code, line };
    check(block, line);
    if (language !== "ts" && language !== "sh") continue;
    if (note === "continue") append(found, block);
    else found.push(block);
  }
  return found;
}

/** The Markdown of doc comments: the same text without their stars, line for line. */
export function withoutStars(text) {
  const lines = text.split("\n");
  return lines.map((line) => line.replace(/^\s*\*(?: |$)/, "")).join("\n");
}

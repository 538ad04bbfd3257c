/** Bar charts as SVG, readable on light and dark pages. */

const WIDTH = 720;
const LABEL = 210;
const BAR = 16;
const GAP = 6;
const COLORS = { deno: "#3b7dd8", bun: "#d9822b", node: "#3f9c5a", other: "#8a8f98" };

const escape = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
const text = (x, y, value, more = "") =>
  `<text x="${x}" y="${y}" fill="#7a7f87" ${more}>${escape(value)}</text>`;

function bar({ label, value, runtime }, y, scale, format) {
  const width = Math.max(1, Math.round(value * scale));
  const middle = y + BAR - 4;
  return text(LABEL - 8, middle, label, 'text-anchor="end"') +
    `<rect x="${LABEL}" y="${y}" width="${width}" height="${BAR}" rx="2" fill="${
      COLORS[runtime]
    }"/>` +
    text(LABEL + width + 6, middle, format(value));
}

/**
 * Draws groups of bars: `{ title, groups: [{ title, bars: [{ label, value, runtime }] }], format }`.
 */
export function barChart({ title, groups, format }) {
  const most = Math.max(...groups.flatMap(({ bars }) => bars.map(({ value }) => value)));
  const scale = (WIDTH - LABEL - 90) / most;
  const parts = [text(0, 16, title, 'font-size="15" font-weight="600"')];
  let y = 34;
  for (const group of groups) {
    parts.push(text(0, y + BAR - 4, group.title, 'font-weight="600"'));
    y += BAR + GAP;
    for (const one of group.bars) {
      parts.push(bar(one, y, scale, format));
      y += BAR + GAP;
    }
    y += GAP;
  }
  const font = 'font-family="system-ui, sans-serif" font-size="12"';
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" ${font} role="img">` +
    `<title>${escape(title)}</title>${parts.join("\n")}</svg>\n`;
}

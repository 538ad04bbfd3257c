import { shortId } from "./databases.ts";
import type { EntryFacts } from "./entries.ts";
import { changeOf, rfc3339 } from "./entry_lines.ts";
import type { Placed } from "./graph.ts";

const ROW = 28;
const LANE = 18;
const MARGIN = 20;
const RADIUS = 5;
const TEXT_WIDTH = 640;

const COLOURS = { Verified: "#2a7d4f", Unverified: "#b7791f", Failed: "#c53030" } as const;

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    // What XML has no place for.
    // deno-lint-ignore no-control-regex
    .replaceAll(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "\ufffd");
}

/** A picture of a history: entries as dots, the highest at the top, with lines to what they stand on. */
export function svgOf(title: string, all: readonly Placed<EntryFacts>[]): string {
  const rows = new Map(all.map(({ item }, row) => [item.entry.id.toString(), row]));
  const lanes = Math.max(1, ...all.map((one) => one.lanes.length));
  const left = MARGIN + lanes * LANE;
  const height = 2 * MARGIN + all.length * ROW;
  const width = left + TEXT_WIDTH;
  const x = (lane: number) => MARGIN + lane * LANE;
  const y = (row: number) => MARGIN + row * ROW + ROW / 2;
  const lines = all.flatMap(({ lane, parents }, row) =>
    parents.map(({ id, lane: wanted }) => {
      const below = rows.get(id);
      const end = below === undefined ? all.length : below;
      const to = below === undefined ? wanted : all[below]!.lane;
      const middle = y(row) + ROW / 2;
      return `<path d="M${x(lane)} ${y(row)}C${x(lane)} ${middle} ${x(to)} ${middle} ${x(to)} ${
        Math.min(y(row) + ROW, y(end))
      }V${y(end)}"/>`;
    })
  );
  const dots = all.map((one, row) => dot(one, x(one.lane), y(row), left));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<title>${escaped(`History of ${title}`)}</title>`,
    "<style>text{font:13px system-ui,sans-serif;fill:#1a202c}path{fill:none;stroke:#a0aec0;stroke-width:1.5}" +
    "@media(prefers-color-scheme:dark){text{fill:#e2e8f0}}</style>",
    ...lines,
    ...dots,
    "</svg>\n",
  ].join("\n");
}

function dot({ item }: Placed<EntryFacts>, x: number, y: number, left: number): string {
  const { entry, status, name, key } = item;
  const time = entry.time === undefined ? "" : ` ${rfc3339(entry.time)}`;
  const text = `${shortId(entry.id)}  ${name ?? key.slice(8, 16)}  ${changeOf(item)}${time}`;
  return `<circle cx="${x}" cy="${y}" r="${RADIUS}" fill="${COLOURS[status]}"><title>${
    escaped(entry.id.toString())
  } ${status}</title></circle><text x="${left}" y="${y + RADIUS}">${escaped(text)}</text>`;
}

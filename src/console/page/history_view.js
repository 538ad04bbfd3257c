/** The history of a database: how did it come about? */

import {
  count,
  dbPath,
  html,
  Link,
  nameText,
  plural,
  query,
  shortId,
  timeText,
  useAnswer,
  usePages,
  visible,
} from "./lib.js";
import { lanesOf, MAX_LANES } from "./lanes.ts";
import { Loading, More, Problem, Status, Who } from "./parts.js";
import { entryPath, useNames, Verdict } from "./value_panel.js";

const pageOf = (path, before) => `${path}${query({ before })}`;

/** Entries newest first, and the one that is open. */
export function HistoryView({ id, search, version }) {
  const { items, page, error, more } = usePages(`db/${id}/entries`, pageOf, version);
  const pending = useAnswer(`db/${id}/pending`, version);
  const names = useNames(id);
  if (error) return html`<${Problem} error=${error} isAll />`;
  if (page === undefined) return html`<${Loading} />`;
  const open = search.get("entry") ?? undefined;
  return html`
    <h1>History</h1>
    <p class="quiet">${sentence(page.total, pending.data)}</p>
    <div class="split ${open === undefined ? "" : "open"}"><div>
          ${pending.data?.items.length > 0 &&
            html`<${Pending} id=${id} items=${pending.data.items} names=${names} open=${open} />`}
          <${Rows} id=${id} items=${items} names=${names} open=${open} />
          <${More} more=${more} what="entries" />
        </div>
        ${open !== undefined && html`
          <${EntryPanel} key=${open} id=${id} entry=${open} names=${names}
            version=${version} />
        `}</div>
  `;
}

function sentence(total, pending) {
  const { unverified = 0, failed = 0 } = pending?.total ?? {};
  const all = `${plural(total, "valid entry", "valid entries")}, newest first`;
  const rest = [
    ...unverified > 0 ? [`${count(unverified)} wait for a verdict`] : [],
    ...failed > 0 ? [`${count(failed)} were refused`] : [],
  ];
  return rest.length === 0
    ? `${all}. Nothing waits, and nothing was refused.`
    : `${all}; ${rest.join(", ")}.`;
}

function Rows({ id, items, names, open }) {
  const lanes = lanesOf(items);
  const width = Math.min(
    MAX_LANES,
    Math.max(1, ...lanes.map(({ above, below }) => Math.max(above.length, below.length))),
  );
  return html`<ol class="entries" aria-label="Entries">${
    items.map((item, at) =>
      html`
        <li key=${item.id} data-row class=${item.id === open ? "selected" : ""}>
          <${Lanes} place=${lanes[at]} lanes=${width} isMerge=${item.parents.length >
            1} isSettings=${item.stores
            .includes("_settings")} />
          <div>
            <${Summary} id=${id} item=${item} names=${names} open=${open} />
          </div>
        </li>
      `
    )
  }</ol>`;
}

function Pending({ id, items, names, open }) {
  return html`
    <h2>Not valid, or not yet</h2>
    <ol class="entries pending" aria-label="Entries that wait or were refused">${items.map((item) =>
      html`
        <li key=${item.id} data-row class=${item.id === open ? "selected" : ""}>
          <div>
            <${Summary} id=${id} item=${item} names=${names} open=${open} />
          </div>
        </li>
      `
    )}</ol>
    <h2>Valid</h2>
  `;
}

function Summary({ id, item, names, open }) {
  const stores = item.stores.map(nameText).join(", ") || "nothing";
  return html`
    <span
      class="line"><${Link} to=${entryPath(id, item.id)} aria-current=${item.id === open
        ? "true"
        : undefined}><code>${shortId(item.id)}</code><//> <${Who} id=${item
        .key} names=${names} /> in ${stores}
        ${item.is_tip && html`
          <span class="tag tip">tip</span>
        `}
        ${item.parents.length > 1 && html`
          <span class="tag">merge of ${item.parents.length}</span>
        `}</span>
        <span class="line quiet"><${Status} status=${item.status} /> height ${count(
          item.height,
        )}, ${timeText(item.time)}</span>
  `;
}

const STEP = 12;
const HEIGHT = 48;

/** The lanes beside a row. What they show stands in the entry as well: parents by name. */
function Lanes({ place: { lane, into, from, above, below }, lanes, isMerge, isSettings }) {
  const x = (at) => Math.min(at, MAX_LANES - 1) * STEP + 8;
  const width = lanes * STEP + 4;
  const middle = HEIGHT / 2;
  const line = (a, b, top, bottom) =>
    `M${x(a)} ${top}C${x(a)} ${(top + bottom) / 2} ${x(b)} ${(top + bottom) / 2} ${x(b)} ${bottom}`;
  const passing = above.flatMap((wanted, at) =>
    wanted !== undefined && !into.includes(at) && below[at] === wanted
      ? [`M${x(at)} 0V${HEIGHT}`]
      : []
  );
  const paths = [
    ...passing,
    ...into.map((at) => line(at, lane, 0, middle)),
    ...from.map((at) => line(lane, at, middle, HEIGHT)),
  ];
  return html`<svg class="lanes" width=${width} height=${HEIGHT} viewBox=${`0 0 ${width} ${HEIGHT}`} aria-hidden="true">
    ${paths.map((d) => html`<path d=${d} />`)}
    ${
    isSettings
      ? html`<rect x=${x(lane) - 5} y=${middle - 5} width="10" height="10" />`
      : isMerge
      ? html`<rect x=${x(lane) - 4.5} y=${
        middle - 4.5
      } width="9" height="9" transform=${`rotate(45 ${x(lane)} ${middle})`} />`
      : html`<circle cx=${x(lane)} cy=${middle} r="5" />`
  }</svg>`;
}

/** One entry in parts. */
function EntryPanel({ id, entry, names, version }) {
  const { data, error } = useAnswer(`db/${id}/entries/${entry}`, version);
  return html`
    <aside class="panel" aria-labelledby="panel-title" data-panel>
      <p class="crumb">Entry <${Link} to=${dbPath(
        id,
        "history",
      )} class="close" data-close>Close<//></p>
        <h2 id="panel-title"><code>${shortId(entry)}</code></h2>
        ${error && html`<${Problem} error=${error} />`}
        ${data === undefined
          ? !error && html`<${Loading} />`
          : html`<${Anatomy} id=${id} data=${data} names=${names} />`}
      </aside>
  `;
}

function Anatomy({ id, data, names }) {
  const link = (it) =>
    html`
      <${Link} to=${entryPath(id, it)}><code>${shortId(it)}</code><//>
    `;
  return html`
    <p><${Who} id=${data.key} names=${names} /> wrote to ${data.stores.map(nameText).join(", ") ||
      "nothing"}.</p>
        <${Verdict} data=${data} />
        ${data.missing_parents.length > 0 &&
          html`<p class="status wait">Parents that are not here: ${
            data.missing_parents.map(shortId).join(", ")
          }</p>`}
        <dl class="facts">
      <div>
        <dt>ID</dt>
        <dd><code class="long">${data.id}</code></dd>
      </div>
      <div>
        <dt>Height</dt>
        <dd>${count(data.height)}, ${count(data.bytes)} bytes</dd>
      </div>
      <div>
        <dt>Claimed time</dt>
        <dd>${timeText(data.time)} <span class="quiet">(not proven)</span></dd>
      </div>
      <div>
        <dt>Parents</dt>
        <dd>${data.parents.length === 0 ? "none: it is the root" : data.parents.map(link)}</dd>
      </div>
      <div>
        <dt>Rules it names</dt>
        <dd>${data.pin === null
          ? "none that could be read"
          : data.pin.length === 0
          ? "its own"
          : data.pin.map(link)}</dd>
      </div>
      <div>
        <dt>Signed as</dt>
        <dd><code class="long">${visible(data.signed_as)}</code></dd>
      </div>
    </dl>
        ${data.changes.map((change) =>
          html`<${Change} id=${id} entry=${data.id} change=${change} isVerified=${
            data.status === "Verified"
          } />`
        )}
        <p><a href=${`/api/console/db/${id}/entries/${data.id}/raw`}>Download its bytes</a></p>
  `;
}

function Change({ id, entry, change: { store, text, bytes }, isVerified }) {
  const isSystem = store.startsWith("_");
  return html`<h3>${nameText(store)} ${
    bytes !== undefined && html`<span class="tag">${count(bytes)} bytes</span>`
  }</h3>
    ${
    text === null || text === undefined
      ? html`<p class="quiet">${
        text === null
          ? "Not text: encrypted, or of a kind that is not known here."
          : "Nothing was changed."
      }</p>`
      : html`<pre tabindex="0" aria-label=${`What it changed in ${nameText(store)}`}>${
        visible(typeof text === "string" ? text : `${text.$cut.head}…`)
      }</pre>`
  }
    ${
    !isSystem && isVerified && html`
      <p>
        <${Link} to=${dbPath(id, "s", store) + query({ at: entry })}>${nameText(
          store,
        )} as it was then<//></p>
    `
  }`;
}

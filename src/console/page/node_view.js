/** All databases of the user: what is here, and is all well? */

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
  usePages,
} from "./lib.js";
import { Requests } from "./requests.js";
import { Loading, More, Problem, Verdicts } from "./parts.js";

const pageOf = (path, cursor) => `${path}${query({ cursor })}`;

/** The first view. */
export function NodeView({ version }) {
  const { items, page, error, more } = usePages("db", pageOf, version);
  if (error) return html`<${Problem} error=${error} isAll />`;
  if (page === undefined) return html`<${Loading} />`;
  return html`<h1>Databases</h1>
    <p class="quiet">${summary(items, page.total.value)}</p>
    <${Requests} version=${version} />
    ${items.length > 0 && html`<${Databases} items=${items} />`}
    <${More} more=${more} what="databases" />`;
}

function summary(items, total) {
  if (total === 0) {
    return "No databases yet. Create one, or ask for access to one on the dashboard.";
  }
  const unwell = items.filter(({ statuses }) => statuses?.failed > 0 || statuses?.unverified > 0);
  const all = plural(total, "database");
  return unwell.length === 0
    ? `${all}. Nothing waits for a verdict, and nothing was refused.`
    : `${all}; in ${unwell.length} of them something waits for a verdict or was refused.`;
}

function Databases({ items }) {
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label="Databases">
      <table>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col" class="number">Entries</th>
            <th scope="col">Verdicts</th>
            <th scope="col">Last change</th>
            <th scope="col">You may</th>
            <th scope="col">Synchronised</th>
          </tr>
        </thead>
        <tbody>${items.map((item) => html`<${Database} key=${item.id} item=${item} />`)}</tbody>
      </table>
    </div>
  `;
}

function Database({ item }) {
  const { id, name, access, entries, statuses, last, is_synced } = item;
  if (access === null) {
    return html`
      <tr class="dim">
        <th scope="row"><code>${shortId(id)}</code></th>
        <td colspan="5">You may not read this one any more.</td>
      </tr>
    `;
  }
  return html`
    <tr data-row>
      <th scope="row">
        <${Link} to=${dbPath(id)}>${nameText(name)}<//>
          <code class="quiet">${shortId(id)}</code></th>
        <td class="number">${count(entries.value)}</td><td><${Verdicts} statuses=${statuses} /></td>
        <td>${timeText(last)}</td><td><code>${access}</code></td><td>${is_synced
          ? "✓ yes"
          : "no"}</td></tr>
  `;
}

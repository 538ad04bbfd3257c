/** One database: what is this, and who may do what? */

import { count, dbPath, html, Link, nameText, shortId, timeText, useAnswer } from "./lib.js";
import { Requests } from "./requests.js";
import { Loading, Problem, Verdicts, Who } from "./parts.js";

const SHOWN = new Set(["docstore", "table", "counter"]);

/** The view of a database. */
export function Overview({ id, version }) {
  const { data, error } = useAnswer(`db/${id}`, version);
  const people = useAnswer(`db/${id}/people`, version);
  if (error) return html`<${Problem} error=${error} isAll />`;
  if (data === undefined) return html`<${Loading} />`;
  return html`
    <p class="crumb"><code>${shortId(id)}</code></p>
        <h1>${nameText(data.name)}</h1>
        <p>
      <${Verdicts} statuses=${data.statuses} />
    </p>
        <dl class="facts">
      <div>
        <dt>Entries</dt>
        <dd>${count(data.entries.value)}, height ${count(data.height)}, ${data.tips === 1
          ? "one tip"
          : `${count(data.tips)} tips`}</dd>
      </div>
      <div>
        <dt>Last change</dt>
        <dd>${timeText(data.last)} <span class="quiet">(claimed)</span></dd>
      </div>
      <div>
        <dt>You may</dt>
        <dd><code>${data.access}</code> as <${Who} id=${data.key} /></dd>
      </div>
      <div>
        <dt>ID</dt>
        <dd><code class="long">${id}</code></dd>
      </div>
    </dl>
        <h2>Stores</h2>
        <${Stores} id=${id} stores=${data.stores} />
        <${Requests} id=${id} version=${version} />
    <h2 id="people">Who may do what</h2>
        ${people.error && html`<${Problem} error=${people.error} />`}
        ${people.data && html`<${People} people=${people.data} />`}
  `;
}

function Stores({ id, stores }) {
  if (stores.length === 0) return html`<p class="quiet">Nothing was written yet.</p>`;
  return html`<ul class="stores">${
    stores.map(({ name, kind }) =>
      html`<li data-row>${
        SHOWN.has(kind)
          ? html`<${Link} to=${dbPath(id, "s", name)}>${nameText(name)}<//>`
          : html`<span>${nameText(name)}</span>`
      } <span class="tag">${kind}</span></li>`
    )
  }</ul>`;
}

function People({ people }) {
  const { keys, everyone, mine, delegations, is_restricted } = people;
  if (!is_restricted) return html`<p>Nobody is listed: whoever has this database may write.</p>`;
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label="Keys">
      <table>
        <thead>
          <tr>
            <th scope="col">Key</th>
            <th scope="col">May</th>
            <th scope="col">State</th>
          </tr>
        </thead>
        <tbody>
          ${everyone !== null && html`
            <tr>
              <th scope="row">everyone</th>
              <td><code>${everyone}</code></td>
              <td></td>
            </tr>
          `}
          ${keys.map(({ key, name, permission, is_active }) =>
            html`
              <tr class=${is_active ? "" : "dim"}>
                <th scope="row">
                  <${Who} id=${key} names=${namesOf(key, name, mine)} />
                </th>
                <td><code>${permission}</code></td>
                <td>${is_active ? "active" : "revoked"}</td>
              </tr>
            `
          )}
        </tbody>
      </table>
    </div>
        ${delegations.length > 0 &&
          html`<p>Keys of ${
            delegations.map(({ database, at_most }) =>
              html`
                <code>${shortId(database)}</code> (at most <code>${at_most}</code>)
              `
            )
          } count as well.</p>`}
  `;
}

function namesOf(key, name, mine) {
  const names = new Map(name === null ? [] : [[key, nameText(name)]]);
  return Object.assign(names, { mine: mine.key });
}

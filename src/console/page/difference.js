/** What has changed in a store since a point in time. */

import { html, Link, nameText, plural, query, usePages } from "./lib.js";
import { Loading, More, Problem, Shown } from "./parts.js";

const pageOf = (path, cursor) => `${path}${cursor === undefined ? "" : `&cursor=${cursor}`}`;

const MARKS = { added: "+", removed: "−", changed: "~" };

/** Rows or members that were added, removed or changed; `open` makes the address of one. */
export function Difference({ id, name, at, open, version }) {
  const path = `db/${id}/stores/${encodeURIComponent(name)}/diff${query({ at })}`;
  const { items, page, error, more } = usePages(path, pageOf, version);
  if (error) return html`<${Problem} error=${error} />`;
  if (page === undefined) return html`<${Loading} />`;
  return html`<h2>What has changed since</h2>
    <p class="quiet">${sums(items)}${more === undefined ? "" : " so far"}.</p>
    ${
    items.length > 0 && html`
      <div class="scroll" tabindex="0" role="region" aria-label="Changes">
        <table>
          <thead>
            <tr>
              <th scope="col">Key</th>
              <th scope="col">What</th>
              <th scope="col">Then</th>
              <th scope="col">Now</th>
            </tr>
          </thead>
          <tbody>${items.map(({ op, key, before, after }) =>
            html`
              <tr key=${key} data-row>
                <th scope="row">
                  <${Link} to=${open(key)}><code>${nameText(key)}</code><//></th>
                      <td><span aria-hidden="true">${MARKS[op]}</span> ${op}</td>
                      <td>${before && html`<${Side} value=${before} />`}</td><td>${after &&
                        html`<${Side} value=${after} />`}</td></tr>
            `
          )}</tbody>
        </table>
      </div>
    `
  }
    <${More} more=${more} what="changes" />`;
}

function Side({ value: { kind, value, size } }) {
  return size === undefined
    ? html`<${Shown} value=${value} />`
    : html`<span class="tag">${kind}</span> <span class="quiet">${plural(size, "member")}</span>`;
}

function sums(items) {
  const of = (op) => items.filter((item) => item.op === op).length;
  if (items.length === 0) return "Nothing has changed";
  return `${of("added")} added, ${of("removed")} removed, ${of("changed")} changed`;
}

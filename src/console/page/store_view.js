/** A store: what does it hold, and who wrote it? */

import { useEffect, useState } from "preact/hooks";
import {
  dbPath,
  go,
  html,
  Link,
  nameText,
  plural,
  query,
  useAnswer,
  usePages,
  valueText,
} from "./lib.js";
import { Loading, More, Problem, Shown } from "./parts.js";
import { Difference } from "./difference.js";
import { TimeBar } from "./time_bar.js";
import { ValuePanel } from "./value_panel.js";

const pageOf = (path, cursor) =>
  `${path}${path.includes("?") ? "&" : "?"}${query({ cursor }).slice(1)}`;

/** The view of a store; which row or member is open, and at which time, is in the address. */
export function StoreView({ id, name, search, version }) {
  const { data, error } = useAnswer(`db/${id}`);
  if (error) return html`<${Problem} error=${error} isAll />`;
  if (data === undefined) return html`<${Loading} />`;
  const at = search.get("at") ?? undefined;
  const kind = data.stores.find((store) => store.name === name)?.kind ?? "docstore";
  const here = (parts) => dbPath(id, "s", name) + query(parts);
  const open = (key) => here(kind === "table" ? { row: key } : { path: [key] });
  const isDifference = at !== undefined && search.get("diff") === "1";
  const View = kind === "table" ? TableOf : TreeOf;
  return html`
    <p class="crumb">
      <${Link} to=${dbPath(id)}>${nameText(data.name)}<//> / Stores</p>
        <h1>${nameText(name)} <span class="tag">${kind}</span></h1>
        <nav class="tabs" aria-label="Stores">${data.stores.map((store) =>
          html`
            <${Link} to=${dbPath(id, "s", store.name) + query({ at })}
              aria-current=${store.name === name ? "page" : undefined}>${nameText(store.name)}<//>
          `
        )}</nav>
        <${TimeBar} key=${name} id=${id} at=${at} isDifference=${isDifference} here=${here} version=${version} />
        ${isDifference
          ? html`<${Difference} id=${id} name=${name} at=${at} open=${open} version=${version} />`
          : html`
            <${View} key=${name} id=${id} name=${name} search=${search} at=${at}
              version=${version} />
          `}
  `;
}

/** What is wrong; at an early point of history the store may not have been there. */
function NotShown({ error, at }) {
  return error.status === 404 && at !== undefined
    ? html`<p class="quiet">It did not exist yet at this point of history.</p>`
    : html`<${Problem} error=${error} />`;
}

function TableOf({ id, name, search, at, version }) {
  const [typed, setTyped] = useState(search.get("q") ?? "");
  const q = search.get("q") ?? undefined;
  const path = `db/${id}/stores/${encodeURIComponent(name)}/rows${query({ q, at })}`;
  const { items, page, error, isLoading, more } = usePages(path, pageOf, version);
  const here = (parts) => dbPath(id, "s", name) + query({ q, at, ...parts });
  useEffect(() => {
    if (typed === (q ?? "")) return;
    const soon = setTimeout(() => go(here({ q: typed }), { replace: true }), 250);
    return () => clearTimeout(soon);
  }, [typed]);
  if (error) return html`<${NotShown} error=${error} at=${at} />`;
  const open = search.get("row") ?? undefined;
  const columns = [...new Set(items.flatMap(({ cells }) => Object.keys(cells)))].slice(0, 64);
  return html`<div class="split ${open === undefined ? "" : "open"}"><div>
    <p><label class="find">Find in rows <input type="search" value=${typed}
      onInput=${(event) => setTyped(event.target.value)} data-find /></label></p>
    ${
    page === undefined ? html`<${Loading} />` : html`
      <div class="scroll ${isLoading ? "dim" : ""}" tabindex="0" role="region" aria-label="Rows">
        <table>
          <thead>
            <tr><th scope="col">Key</th>${columns.map((column) =>
              html`<th scope="col">${valueText(column) || "value"}</th>`
            )}</tr>
          </thead>
          <tbody>${items.map((row) =>
            html`
              <tr key=${row.key} data-row class=${row.key === open ? "selected" : ""}>
                <th scope="row">
                  <${Link} to=${here({ row: row.key })} aria-current=${row.key === open
                    ? "true"
                    : undefined}><code>${nameText(row.key)}</code><//></th>
                      ${columns.map((column) =>
                        html`<td>${
                          Object.hasOwn(row.cells, column)
                            ? html`<${Shown} value=${row.cells[column]} />`
                            : html`<span class="quiet">–</span>`
                        }</td>`
                      )}</tr>
            `
          )}</tbody>
        </table>
      </div>
          ${items.length === 0 &&
            html`<p class="quiet">${
              q === undefined ? "No rows at this point of history." : "No row was found."
            }</p>`}
          <p class="quiet">${plural(items.length, "row")}${more === undefined ? "" : " so far"}</p>
          <${More} more=${more} what=${q === undefined ? "rows" : "of the search"} />
    `
  }
  </div>
  ${
    open !== undefined && html`
      <${ValuePanel} key=${open} id=${id} store=${name} path=${[open]} at=${at}
        version=${version} close=${here({})} />
    `
  }</div>`;
}

function TreeOf({ id, name, search, at, version }) {
  const open = search.getAll("path");
  const here = (path) => dbPath(id, "s", name) + query({ at, path });
  return html`<div class="split ${open.length === 0 ? "" : "open"}">
    <div class="tree"><${Members} id=${id} name=${name} at=${at} path=${[]} open=${open} here=${here} version=${version} /></div>
    ${
    open.length > 0 && html`
      <${ValuePanel} key=${open.join("\0")} id=${id} store=${name} path=${open} at=${at}
        version=${version} close=${here([])} />
    `
  }
  </div>`;
}

/** Members of a document or list, level by level. */
function Members({ id, name, at, path, open, here, version }) {
  const asked = `db/${id}/stores/${encodeURIComponent(name)}/doc${query({ at, path })}`;
  const { items, page, error, more } = usePages(asked, pageOf, version);
  if (error) return html`<${NotShown} error=${error} at=${at} />`;
  if (page === undefined) return html`<${Loading} />`;
  if (items.length === 0) return html`<p class="quiet">Nothing at this point of history.</p>`;
  return html`
    <ul>${items.map((item) =>
      html`<${Member} key=${item.key} item=${item} ...${{
        id,
        name,
        at,
        open,
        here,
        version,
      }} path=${[...path, item.key]} />`
    )}</ul>
    <${More} more=${more} what="members" />
  `;
}

function Member({ item: { key, kind, value, size }, path, open, here, ...rest }) {
  const isBranch = kind === "doc" || kind === "list";
  const [isUnfolded, setUnfolded] = useState(
    isBranch && path.every((part, at) => open[at] === part),
  );
  const isOpen = open.length === path.length && path.every((part, at) => open[at] === part);
  return html`<li data-row class=${isOpen ? "selected" : ""}>
    ${
    isBranch && html`
      <button type="button" class="fold" aria-expanded=${isUnfolded}
        onClick=${() => setUnfolded(!isUnfolded)} aria-label=${`Members of ${
          nameText(key)
        }`}>${isUnfolded ? "▾" : "▸"}</button>
    `
  }
    <${Link} to=${here(path)} aria-current=${isOpen ? "true" : undefined}><code>${
    nameText(key)
  }</code><//>
    <span class="tag">${kind}</span> ${
    isBranch
      ? html`<span class="quiet">${plural(size, "member")}</span>`
      : html`<${Shown} value=${value} />`
  }
    ${isUnfolded && html`<${Members} ...${rest} path=${path} open=${open} here=${here} />`}
  </li>`;
}

import { type Html, html } from "../html.ts";
import { syncMark } from "./dashboard_page.ts";
import { infoRow, layout, pageLinks, type PageOf } from "./layout.ts";

/** What is on the page. */
export interface DatabaseContent extends PageOf {
  /** ID of the root. */
  readonly id: string;
  /** Name of the database. */
  readonly name: string;
  /** How many entries are held, whatever their verdict. */
  readonly entries: number;
  /** How many of these are listed on all pages: those that are Verified. */
  readonly listed: number;
  /** How many of the listed ones stand before this page. */
  readonly before: number;
  /** IDs of the entries of this page. */
  readonly ids: readonly string[];
  /** How many wait for a verdict. */
  readonly unverified: number;
  /** How many are refused. */
  readonly failed: number;
  /** Whether the user asks for it to be synchronised. */
  readonly isSynced: boolean;
  /** The key by which the user has access. */
  readonly key: string;
}

/** One database: what is held of it. */
export function databasePage(content: DatabaseContent): Html {
  const { id, name, entries, isSynced, key, unverified, failed } = content;
  return layout(
    "Eidetica - Database Detail",
    html`
      <header>
        <nav
          aria-label="Node"><a href="/dashboard">← Dashboard</a> <a href="${linkTo(
            content,
          )}">🔄 Refresh</a></nav>
      </header>
      <main>
      <h1>Database: ${name}</h1>
      <dl>${infoRow("Database ID", html`<span class="id">${id}</span>`)}
      ${infoRow("Entry Count", entries)}
      ${unverified > 0 && infoRow("Waiting for a verdict", unverified)}
      ${failed > 0 && infoRow("Refused", failed)}
      ${infoRow("Sync Status", syncMark(isSynced))}
      ${infoRow("Key ID", html`<span class="id">${key}</span>`)}</dl>
      <h2>Entries</h2>
      ${entryList(content)}
      </main>
    `,
  );
}

function entryList(content: DatabaseContent): Html {
  return html`
    ${notice(content)}
    <div class="scroll" tabindex="0" role="region" aria-label="Entries">
      <table>
        <thead>
          <tr>
            <th scope="col">Entry ID</th>
          </tr>
        </thead>
        <tbody>${content.ids.map((id) =>
          html`
            <tr>
              <td class="id">${id}</td>
            </tr>
          `
        )}</tbody>
      </table>
    </div>
    ${pageLinks(content, (page) => linkTo({ ...content, page }))}
  `;
}

function notice({ pages, page, listed, before, ids }: DatabaseContent): Html | false {
  if (pages === 1) return false;
  const which = page === 1 ? `first ${ids.length}` : `${before + 1} to ${before + ids.length}`;
  return html`<p class="notice">Showing ${which} of ${listed} entries</p>`;
}

function linkTo({ id, page }: { readonly id: string; readonly page: number }): string {
  return `/dashboard/database?id=${id}${page === 1 ? "" : `&page=${page}`}`;
}

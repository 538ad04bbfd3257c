import { type Html, html } from "../html.ts";
import type { WebSession } from "../sessions.ts";
import { csrfField, errorLine, infoRow, layout, pageLinks, type PageOf } from "./layout.ts";

/** A database in the list. */
export interface DatabaseLine {
  /** ID of its root. */
  readonly id: string;
  /** Its name. */
  readonly name: string;
  /** How many entries of it are held. */
  readonly entries: number;
  /** Whether the user asks for it to be synchronised. */
  readonly isSynced: boolean;
}

/** What came of asking for access. */
export interface Outcome {
  /** Why it was not granted. */
  readonly error?: string;
  /** What is to be waited for. */
  readonly notice?: string;
  /** What was asked for: it is shown again. */
  readonly ticket?: string;
}

/** What is on the page. */
export interface DashboardContent extends PageOf {
  /** Databases of this page of the list. */
  readonly databases: readonly DatabaseLine[];
  /** What came of asking for access. */
  readonly outcome?: Outcome;
}

/** Databases of a user, and a form that asks for access to others. */
export function dashboardPage(session: WebSession, content: DashboardContent): Html {
  return layout(
    "Eidetica - Dashboard",
    html`
      <header>
        <h1>Eidetica Dashboard</h1>
        <a href="/console">Console</a>
        <form method="post" action="/logout">${csrfField(
          session.csrf,
        )}<button type="submit">Logout</button></form>
      </header>
      <main>
            <h2>User Information</h2>
            <dl>${infoRow("Username", session.user.username)}
            ${infoRow("User UUID", session.user.uuid)}</dl>
            <h2>Tracked Databases</h2>
            ${databaseList(content)}
            <h2>Request Database Access</h2>
            ${requestForm(session, content.outcome)}
            </main>
    `,
  );
}

function databaseList(content: DashboardContent): Html {
  const { databases } = content;
  if (databases.length === 0) return html`<p class="empty">No databases tracked yet.</p>`;
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label="Tracked databases">
      <table>
        <thead>
          <tr>${HEADINGS.map((name) => html`<th scope="col">${name}</th>`)}</tr>
        </thead>
        <tbody>${databases.map(row)}</tbody>
      </table>
    </div>
    ${pageLinks(content, (page) => `/dashboard?page=${page}`)}
  `;
}

const HEADINGS = ["Database ID", "Name", "Entries", "Sync Status", "Actions"];

function row({ id, name, entries, isSynced }: DatabaseLine): Html {
  return html`
    <tr>
      <td class="id">${id}</td>
      <td>${name}</td>
      <td class="number">${entries}</td>
      <td>${syncMark(isSynced)}</td>
      <td><a href="/dashboard/database?id=${id}" aria-label="View ${name}">View</a></td>
    </tr>
  `;
}

/** Whether a database is synchronised, as a mark and in words. */
export function syncMark(isSynced: boolean): string {
  return isSynced ? "✓ Enabled" : "✗ Disabled";
}

function requestForm({ csrf }: WebSession, outcome: Outcome = {}): Html {
  const { error, notice, ticket = "" } = outcome;
  return html`${errorLine(error)}${
    notice !== undefined && html`<p class="notice" role="status">${notice}</p>`
  }
<form method="post" action="/dashboard/track">${csrfField(csrf)}
<label>Ticket <input type="text" name="ticket" value="${ticket}" required autocomplete="off"></label>
<label>Permission <select name="permission" required>
<option value="read" selected>Read</option>
<option value="write">Write</option>
<option value="admin">Admin</option>
</select></label>
<button type="submit">Request Access</button>
</form>`;
}

/** The console: its frame, its addresses and its keys. */

import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { dbPath, html, Link, nameText, readRoute, useAnswer } from "./lib.js";
import { listenToKeys } from "./keys.js";
import { HistoryView } from "./history_view.js";
import { NodeView } from "./node_view.js";
import { Overview } from "./overview.js";
import { SyncView } from "./sync_view.js";
import { StoreView } from "./store_view.js";
import { useChanges } from "./changes.js";

function useRoute() {
  const [route, setRoute] = useState(readRoute);
  useEffect(() => {
    const update = () => setRoute(readRoute());
    addEventListener("popstate", update);
    addEventListener("console-route", update);
    return () => {
      removeEventListener("popstate", update);
      removeEventListener("console-route", update);
    };
  }, []);
  return route;
}

function useEnded() {
  const [isEnded, setEnded] = useState(false);
  useEffect(() => {
    const end = () => setEnded(true);
    addEventListener("console-ended", end);
    return () => removeEventListener("console-ended", end);
  }, []);
  return isEnded;
}

function App() {
  const { parts, search } = useRoute();
  const isEnded = useEnded();
  const [kind, id, view, name] = parts;
  const database = kind === "db" ? id : undefined;
  const { version, sentence } = useChanges(database, isEnded);
  const me = useAnswer("me");
  useEffect(() => listenToKeys(() => readRoute().parts[1]), []);
  const title = [name ?? view, database && "database", "console"].filter(Boolean).join(" · ");
  useEffect(() => {
    document.title = `${title} · eidetica`;
  }, [title]);
  return html`
    <a class="skip" href="#main">To the content</a>
    <${Rail} me=${me.data} id=${database} view=${view} version=${version} />
    <main id="main" tabindex="-1">
          ${isEnded && html`<${Ended} />`}
          <${View} ...${{
            database,
            view,
            name,
            search,
            version,
            isKnown: kind === undefined || kind === "db" || kind === "",
          }} />
        </main>
    <p class="vh" role="status">${sentence}</p>
    <${Help} />
  `;
}

function View({ database, view, name, search, version, isKnown }) {
  if (!isKnown) {
    return html`
      <h1>Nothing here</h1>
      <p>
        <${Link} to="/console">To the databases<//></p>
    `;
  }
  if (database === undefined) return html`<${NodeView} version=${version} />`;
  if (view === "s" && name !== undefined) {
    return html`
      <${StoreView} key=${database} id=${database} name=${name} search=${search}
        version=${version} />
    `;
  }
  if (view === "sync") {
    return html`<${SyncView} key=${database} id=${database} version=${version} />`;
  }
  if (view === "history") {
    return html`<${HistoryView} key=${database} id=${database} search=${search} version=${version} />`;
  }
  return html`<${Overview} key=${database} id=${database} version=${version} />`;
}

function Ended() {
  return html`
    <div class="problem" role="alert">
      <p>Your session has ended. What you see is what was last known.
        <a href="/login">Log in again</a></p>
    </div>
  `;
}

function Rail({ me, id, view, version }) {
  const { data } = useAnswer("db?limit=7", version);
  const items = data?.items.filter(({ access }) => access !== null) ?? [];
  const current = (is) => is ? "page" : undefined;
  return html`
    <header class="rail">
      <p class="brand">
        <${Link} to="/console" aria-current=${current(id === undefined)}>eidetica<//></p>
        <nav aria-label="Databases"><ul>${items.map((item) =>
          html`
            <li>
              <${Link} to=${dbPath(item.id)} aria-current=${current(
                item.id === id && view === undefined,
              )}>${nameText(item.name)}<//></li>
          `
        )}</ul></nav>
        ${id !== undefined && html`
          <nav aria-label="Views">
            <ul>
              <li>
                <${Link} to=${dbPath(id)} aria-current=${current(
                  view === undefined,
                )}>Overview<//></li>
                <li><${Link} to=${dbPath(id, "history")} aria-current=${current(
                  view === "history",
                )}>History<//></li>
            <li><${Link} to=${dbPath(id, "sync")} aria-current=${current(
              view === "sync",
            )}>Sync<//></li>
              </ul></nav>
        `}
        <p class="me">${me && html`<span>${nameText(me.user)}</span>${
          me.is_admin && html`
            <span class="quiet">admin of this node</span>
          `
        }`}
          <a href="/dashboard">Dashboard</a>
          <button type="button" data-help>Keys</button></p>
      </header>
  `;
}

const KEYS = [
  ["g then n", "all databases"],
  ["g then o", "overview of the database"],
  ["g then h", "history of the database"],
  ["g then y", "who is in step with the database"],
  ["j, k", "next row, previous row"],
  ["Enter", "open the row"],
  ["Esc", "close the panel, back to the row"],
  ["/", "find"],
  ["n", "back to now"],
  ["d", "what has changed since"],
  ["?", "these keys"],
];

function Help() {
  return html`
    <dialog id="help" aria-labelledby="help-title">
      <h2 id="help-title">Keys</h2>
      <dl>${KEYS.map(([key, does]) =>
        html`
          <div>
            <dt><kbd>${key}</kbd></dt>
            <dd>${does}</dd>
          </div>
        `
      )}</dl>
      <form method="dialog"><button>Close</button></form>
    </dialog>
  `;
}

render(html`<${App} />`, document.getElementById("app"));

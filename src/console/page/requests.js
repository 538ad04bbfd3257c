/** Who asks for access, and the answer: said before it is given. */

import { useRef, useState } from "preact/hooks";
import { act, dbPath, html, Link, nameText, query, timeText, useAnswer, valueText } from "./lib.js";
import { Problem, Who } from "./parts.js";

/** Requests that wait for this user: of one database, or of all. */
export function Requests({ id, version }) {
  const [decided, setDecided] = useState(0);
  const { data } = useAnswer(`requests${query({ db: id })}`, version + decided);
  if (data === undefined || data.items.length === 0) return null;
  return html`
    <section aria-labelledby="requests">
      <h2 id="requests">Waiting for you</h2>
      <ul class="requests">${data.items.map((request) =>
        html`
          <${Request} key=${request.id} request=${request} isAlone=${id !== undefined}
            decided=${() => setDecided(decided + 1)} />
        `
      )}</ul>
    </section>
  `;
}

function Request({ request, isAlone, decided }) {
  const { id, database, database_name, key, claimed_name, permission, note, since, from } = request;
  const [error, setError] = useState();
  const dialog = useRef();
  const decide = async (verb) => {
    dialog.current.close();
    await act(`requests/${encodeURIComponent(id)}/${verb}`).then(decided, setError);
  };
  return html`<li>
    <p><${Who} id=${key} /> asks for <code>${permission}</code>${
    isAlone ? "" : html`
      on <${Link} to=${dbPath(database)}>${nameText(database_name)}<//>
    `
  }.</p>
    <p class="quiet">It calls itself ${valueText(claimed_name)}. Since ${timeText(since)}, from ${
    from === null ? "an unknown address" : valueText(from)
  }.</p>
    ${note !== null && html`<blockquote>${valueText(note)}</blockquote>`}
    ${error && html`<${Problem} error=${error} />`}
    <p class="buttons"><button type="button" onClick=${() =>
    dialog.current.showModal()}>Approve…</button>
      <button type="button" onClick=${() => decide("reject")}>Reject</button></p>
    <dialog ref=${dialog} aria-label="Approve a request"><p>${request.effect}</p>
      <p>It is signed by <${Who} id=${request.signs_with.key} />, which may <code>${request.signs_with.permission}</code>.</p>
      <p class="buttons"><button type="button" class="main" onClick=${() =>
    decide("approve")}>Approve</button>
        <button type="button" onClick=${() => dialog.current.close()}>Leave it</button></p></dialog>
  </li>`;
}

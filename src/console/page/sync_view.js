/** With whom a database is kept in step. */

import { useState } from "preact/hooks";
import { act, count, html, nameText, plural, timeText, useAnswer, valueText } from "./lib.js";
import { Loading, Problem, Who } from "./parts.js";

/** The view of synchronisation. */
export function SyncView({ id, version }) {
  const [asked, setAsked] = useState(0);
  const { data, error } = useAnswer(`db/${id}/sync`, version + asked);
  if (error) return html`<${Problem} error=${error} isAll />`;
  if (data === undefined) return html`<${Loading} />`;
  return html`<h1>Synchronisation</h1>
    <p>${sentence(data)}</p>
    ${
    data.peers.length > 0 && html`
      <${Now} id=${id} done=${() => setAsked(asked + 1)} />
      <${Peers} peers=${data.peers} />
    `
  }`;
}

function sentence({ synchronises, is_synced, on_commit, interval_s, peers }) {
  if (!synchronises) return "This node does not synchronise.";
  if (!is_synced) return "You do not have this database synchronised: nobody gets it from here.";
  const when = on_commit
    ? "With every commit"
    : interval_s === null
    ? "Now and then"
    : `Every ${plural(interval_s, "second")}`;
  return peers.length === 0
    ? `${when}, with whoever asks. Nobody has yet.`
    : `${when}, with ${plural(peers.length, "peer")}.`;
}

function Now({ id, done }) {
  const [state, setState] = useState({});
  const run = async () => {
    setState({ isBusy: true });
    setState(await act(`db/${id}/sync`).then((report) => ({ report }), (error) => ({ error })));
    done();
  };
  const { isBusy, report, error } = state;
  return html`
    <p
      class="buttons"><button type="button" onClick=${run} disabled=${isBusy}>${isBusy
        ? "Asking…"
        : "Synchronise now"}</button> <span role="status">${report &&
        `${plural(report.received, "entry", "entries")} came, ${
          plural(report.sent, "entry", "entries")
        } went. ${
          report.complete ? "All are in step." : "Not everybody could be reached."
        }`}</span></p>${error && html`<${Problem} error=${error} />`}
  `;
}

function Peers({ peers }) {
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label="Peers">
      <table>
        <thead>
          <tr>
            <th scope="col">Peer</th>
            <th scope="col">Last in step</th>
            <th scope="col" class="number">Came</th>
            <th scope="col" class="number">Went</th>
            <th scope="col" class="number">Bytes</th>
            <th scope="col">What failed</th>
          </tr>
        </thead>
        <tbody>${peers.map((peer) =>
          html`
            <tr key=${peer.key}>
              <th scope="row"><${Who} id=${peer.key} />
                    ${peer.name !== null && html`<br />calls itself ${nameText(peer.name)}`}
                    ${peer.addresses?.map((address) =>
                      html`<br /><code class="quiet">${valueText(address)}</code>`
                    )}</th>
              <td>${peer.last_in_step === null
                ? "not since the start"
                : timeText(peer.last_in_step)}</td>
              <td class="number">${count(peer.received)}</td>
              <td class="number">${count(peer.sent)}</td>
              <td class="number">${count(peer.bytes)}</td>
              <td>${peer.last_error === null
                ? html`<span class="quiet">nothing</span>`
                : html`<span class="bad">${valueText(peer.last_error)}</span>`}</td>
            </tr>
          `
        )}</tbody>
      </table>
    </div>
  `;
}

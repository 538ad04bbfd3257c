/** Small pieces of views. */

import { ask, count, html, Link, shortKey, valueText } from "./lib.js";
import { useState } from "preact/hooks";

/** What went wrong, in words, with what to do; under a heading where it is all that there is. */
export function Problem({ error, isAll = false }) {
  return html`${isAll && html`<h1>Not to be seen</h1>`}<div class="problem" role="alert">
    <p>${error.message}</p>
    ${
    error.status === 403 && html`
      <p>
        <${Link} to="/console">Back to the databases<//></p>
    `
  }
  </div>`;
}

/** What is shown while the first answer is awaited. */
export function Loading() {
  return html`<p class="quiet" role="status">Loading…</p>`;
}

const STATUS = {
  Verified: { mark: "●", word: "verified", tone: "ok" },
  Unverified: { mark: "◌", word: "waiting", tone: "wait" },
  Failed: { mark: "✕", word: "failed", tone: "bad" },
};

/** A verdict as a mark and in words. */
export function Status({ status }) {
  const { mark, word, tone } = STATUS[status] ?? STATUS.Unverified;
  return html`<span class="status ${tone}"><span aria-hidden="true">${mark}</span> ${word}</span>`;
}

/** The picture of a key: one sees that two are the same, and it proves nothing. */
export function KeyMark({ of }) {
  const bits = digest(of);
  const cells = [];
  for (let at = 0; at < 15; at++) {
    if ((bits >>> at & 1) === 0) continue;
    const [x, y] = [at % 3, Math.floor(at / 3)];
    for (const column of x === 2 ? [2] : [x, 4 - x]) {
      cells.push(html`<rect x=${column} y=${y} width="1" height="1" />`);
    }
  }
  return html`<svg class="keymark" viewBox="0 0 5 5" aria-hidden="true">${cells}</svg>`;
}

function digest(text) {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return hash ^ hash >>> 15;
}

/** Who signed something. A name is what the rules call the key; only one's own key is marked as such. */
export function Who({ id, names }) {
  if (id === null || id === undefined) return html`<span class="quiet">unsigned</span>`;
  const name = names?.get(id);
  return html`<span class="who"><${KeyMark} of=${id} />${name && html`<b>${name}</b>`}
    <code title=${id}>${shortKey(id)}</code>${
    names?.mine === id && html`<span class="tag">you</span>`
  }</span>`;
}

/** Verdicts of a database: how many of each. */
export function Verdicts({ statuses: { verified, unverified, failed } }) {
  return html`
    <span
      class="verdicts"><span class="status ok"><span aria-hidden="true">●</span> ${count(
        verified,
      )} verified</span>
      ${unverified > 0 && html`
        <span class="status wait"><span aria-hidden="true">◌</span> ${count(
          unverified,
        )} waiting</span>
      `}
      ${failed > 0 && html`
        <span class="status bad"><span aria-hidden="true">✕</span> ${count(failed)} failed</span>
      `}</span>
  `;
}

/** Goes on with a list. */
export function More({ more, what }) {
  const [isBusy, setBusy] = useState(false);
  if (more === undefined) return null;
  const load = async () => {
    setBusy(true);
    await more();
    setBusy(false);
  };
  return html`<p class="more"><button type="button" onClick=${load} disabled=${isBusy}>
    ${isBusy ? "Loading…" : `More ${what}`}</button></p>`;
}

/** A value as a person reads it, and how much of it is left out. */
export function Shown({ value }) {
  const cut = typeof value === "object" && value !== null && value.$cut;
  return html`<span class=${value === null ? "quiet" : ""}>${valueText(value)}</span>
    ${
    cut && html`
      <span class="tag">${count(cut.bytes)} bytes</span>
    `
  }`;
}

/** The names of keys that a database lists, and which is one's own. */
export async function keyNames(id) {
  const { keys, mine } = await ask(`db/${id}/people`);
  const named = keys.filter(({ name }) => name !== null).map((
    { key, name },
  ) => [key, valueText(name)]);
  return Object.assign(new Map(named), { mine: mine.key });
}

/** A value, who wrote it, and whether they might: the question that nobody else answers. */

import { useEffect, useState } from "preact/hooks";
import {
  count,
  dbPath,
  html,
  Link,
  nameText,
  put,
  query,
  shortId,
  timeText,
  useAnswer,
  usePages,
  visible,
} from "./lib.js";
import { keyNames, Loading, More, Problem, Shown, Status, Who } from "./parts.js";

const pageOf = (path, cursor) => `${path}${cursor === undefined ? "" : `&cursor=${cursor}`}`;

/** Names of the keys of a database, as its rules have them. */
export function useNames(id) {
  const [names, setNames] = useState(new Map());
  useEffect(() => {
    keyNames(id).then(setNames, () => {});
  }, [id]);
  return names;
}

/** The panel of a row or member. */
export function ValuePanel({ id, store, path, at, close, version }) {
  const names = useNames(id);
  const asked = `db/${id}/stores/${encodeURIComponent(store)}/value${query({ path, at })}`;
  const [saved, setSaved] = useState(0);
  const { data, error } = useAnswer(asked, version + saved);
  return html`
    <aside class="panel" aria-labelledby="panel-title" data-panel>
      <p class="crumb">${path.map(nameText).join(
        " · ",
      )} <${Link} to=${close} class="close" data-close>Close<//></p>
        <h2 id="panel-title">Who wrote this, and may they?</h2>
        ${error && html`<${Problem} error=${error} />`}
        ${data && html`<${Value} data=${data} />`}
      ${data && at === undefined && html`
        <${Editor} id=${id} store=${store} path=${path} data=${data}
          saved=${() => setSaved(saved + 1)} />
      `}
        <${Authors} id=${id} store=${store} member=${path[
          0
        ]} at=${at} names=${names} version=${version + saved} isPart=${path.length > 1} />
      </aside>
  `;
}

function Value({ data: { kind, value, size } }) {
  if (kind === "doc" || kind === "list") {
    return html`<p><span class="tag">${kind}</span> of ${count(size)} members</p>`;
  }
  return kind === "row"
    ? html`<pre tabindex="0" aria-label="The row">${pretty(value)}</pre>`
    : html`
      <p class="value">
        <${Shown} value=${value} />
      </p>
    `;
}

/** Writes a row, or a value that is no document or list, over what was seen when the change was begun. */
function Editor({ id, store, path, data: { at, kind, value }, saved }) {
  const [draft, setDraft] = useState();
  const [error, setError] = useState();
  const isCut = typeof value === "object" && value !== null && "$cut" in value;
  const end = () => [setDraft(undefined), setError(undefined)];
  if (draft === undefined) {
    if (kind === "doc" || kind === "list" || isCut) return null;
    const begin = () => setDraft({ text: editable(kind, value), at });
    return html`<p><button type="button" onClick=${begin}>Change…</button></p>`;
  }
  const save = async (event) => {
    event.preventDefault();
    const place = `db/${id}/stores/${encodeURIComponent(store)}/value`;
    await put(place + query({ path, at: draft.at }), draft.text).then(
      () => [end(), saved()],
      setError,
    );
  };
  return html`<form onSubmit=${save}><label>New value, as JSON <textarea rows="6" value=${draft.text}
      onInput=${(event) =>
    setDraft({ ...draft, text: event.target.value })} spellcheck=${false}></textarea></label>
    <p class="quiet">This makes one entry, signed by your key. What was there before stays in the history.</p>
    ${error && html`<${Problem} error=${error} />`}
    <p class="buttons"><button class="main">Save</button>
      <button type="button" onClick=${end}>Leave it</button></p></form>`;
}

/** A value as JSON that can be changed and read back. */
function editable(kind, value) {
  if (kind === "row") return pretty(value, (it) => it);
  return value?.$int ?? JSON.stringify(value);
}

/** The text of a row, a member on a line. */
function pretty(text, show = visible) {
  if (typeof text !== "string") return show(text.$cut.head);
  try {
    // Numbers that JSON.parse does not hold would change: such rows stay as they are.
    return show(/\d{16}/.test(text) ? text : JSON.stringify(JSON.parse(text), null, 2));
  } catch {
    return show(text);
  }
}

function Authors({ id, store, member, at, names, isPart, version }) {
  const asked = `db/${id}/blame${query({ store, key: member, at })}`;
  const { items, page, error, more } = usePages(asked, pageOf, version);
  if (error) return html`<${Problem} error=${error} />`;
  if (page === undefined) return html`<${Loading} />`;
  const [last, ...earlier] = items;
  return html`
    ${isPart && html`<p class="quiet">Written below <code>${nameText(member)}</code>:</p>`}
    ${last
      ? html`<${Answer} id=${id} version=${last} names=${names} />`
      : html`<p class="quiet">${
        page.done ? "No entry here wrote it." : "Not found yet among the newest entries."
      }</p>`}
    ${earlier.length > 0 && html`
      <h3>Earlier values</h3>
      <ol class="versions">${earlier.map((version) =>
        html`
          <li>
            <${Version} id=${id} version=${version} names=${names} />
          </li>
        `
      )}</ol>
    `}
    <${More} more=${page.done ? undefined : more} what="of its history" />
  `;
}

/** Who, might they then, may they today. */
function Answer({ id, version, names }) {
  const { data, error } = useAnswer(`db/${id}/entries/${version.id}`);
  return html`
    <div class="answer">
      <p>
        <${Who} id=${version.key} names=${names} />
      </p>
      <p>in entry <${Link} to=${entryPath(id, version.id)}><code>${shortId(
        version.id,
      )}</code><//>, height ${count(version.height)}.<br />Claimed time: ${timeText(
        version.time,
      )}.</p>
        ${error && html`<${Problem} error=${error} />`}
        ${data && html`<${Verdict} data=${data} />`}
      </div>
  `;
}

/** The verdict of an entry in words: then, and today. */
export function Verdict({ data: { status, is_root, is_signed, verdict } }) {
  const { then, today } = verdict;
  return html`
    <div class="verdict">
      <p><${Status} status=${status} /> ${sentenceThen(status, is_root, is_signed, then)}</p>
      <p>${sentenceToday(is_root, is_signed, today)}</p>
    </div>
  `;
}

function sentenceThen(status, isRoot, isSigned, then) {
  if (isRoot) return "The root of the database made its first rules itself.";
  if (status === "Unverified") {
    return "It waits: what it rests on is not all here, or not judged yet.";
  }
  if (then === null) return "The rules that it names cannot be read, or are not all here.";
  if (then.outcome === "undecided") {
    return "The rules that it names rest on databases that are not here.";
  }
  if (then.outcome === "invalid") return `No, when it was written: ${visible(then.message)}.`;
  if (!isSigned) return "Yes: the rules that it names list nobody, so nobody has to sign.";
  return html`Yes, when it was written: the rules that it names gave the key <b>${then.permission}</b>.`;
}

function sentenceToday(isRoot, isSigned, today) {
  if (isRoot) return "";
  if (today.outcome === "valid") {
    return isSigned && today.permission
      ? html`Today the key may do <b>${today.permission}</b>.`
      : "Today anybody may, too.";
  }
  if (today.outcome === "undecided") {
    return "Whether it may today rests on databases that are not here.";
  }
  return html`<b>Today it may not.</b> What was written before stays valid.`;
}

function Version({ id, version, names }) {
  return html`
    <${Shown} value=${version.kind === "deleted" ? null : version.value} />
        ${version.kind === "deleted" && html`<span class="tag">deleted</span>`}<br />
        <${Who} id=${version.key} names=${names} />, <${Link}
      to=${entryPath(id, version.id)}><code>${shortId(version.id)}</code><//> at height ${count(
        version.height,
      )}
  `;
}

/** The address of an entry. */
export function entryPath(id, entry) {
  return dbPath(id, "history") + query({ entry });
}

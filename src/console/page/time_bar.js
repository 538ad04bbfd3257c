/** At which point of history one looks: a bar over all entries, and what has changed since. */

import { useEffect, useRef, useState } from "preact/hooks";
import { ask, count, go, html, Link, shortId, useAnswer } from "./lib.js";

/** How long the bar is still before it is asked for what it shows, in milliseconds. */
const STILL_MS = 150;

/** The bar. `here` makes addresses of this view at other points. */
export function TimeBar({ id, at, isDifference, here, version }) {
  const { data } = useAnswer(`db/${id}/entries?limit=1`, version);
  return html`<div class="time ${at === undefined ? "now" : "then"}">
    ${
    at === undefined ? html`<p><span aria-hidden="true">●</span> Now</p>` : html`
      <p
        role="status"><span aria-hidden="true">◌</span> As it was at <code>${at.split(",").map(
          shortId,
        ).join(", ")}</code>. <${Link} to=${here({
          at,
          diff: isDifference ? undefined : "1",
        })} data-difference>${isDifference
          ? "All of it"
          : "What has changed since"}<//> · <${Link} to=${here({})}>Back to now<//></p>
    `
  }
    ${
    data && data.total > 1 && html`
      <${Slider} id=${id} total=${data.total} at=${at} here=${here}
        isDifference=${isDifference} />
    `
  }
  </div>`;
}

function Slider({ id, total, at, here, isDifference }) {
  const last = total - 1;
  const [position, setPosition] = useState(last);
  const timer = useRef();
  useEffect(() => {
    if (at === undefined) setPosition(last);
  }, [at, last]);
  const look = async (to) => {
    if (to === last) return go(here({}), { replace: true });
    const { items: [entry] } = await ask(`db/${id}/entries?limit=1&before=${to + 1}`);
    go(here({ at: entry.id, diff: isDifference ? "1" : undefined }), { replace: true });
  };
  const move = (event) => {
    const to = Number(event.target.value);
    setPosition(to);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => look(to).catch(() => {}), STILL_MS);
  };
  const text = position === last ? "now" : `${count(last - position)} entries ago`;
  return html`<label class="slider"><span class="vh">Look back</span>
    <input type="range" min="0" max=${last} value=${position} onInput=${move} aria-valuetext=${text} />
    <span class="quiet" aria-hidden="true">${text}</span></label>`;
}

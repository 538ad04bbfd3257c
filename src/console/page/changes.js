/** What happens meanwhile: one stream of events, which tells that something has changed, and never what. */

import { useEffect, useState } from "preact/hooks";
import { ask, plural, tellIfEnded } from "./lib.js";

/** How long changes are gathered before views ask again, in milliseconds. */
const GATHER_MS = 300;
/** How long a node that has refused the stream is left alone, in milliseconds. */
const RETRY_MS = 5000;

/** A number that grows with every change, of one database where one is shown; and a sentence about it. */
export function useChanges(database, isEnded) {
  const [state, setState] = useState({ version: 0, sentence: "" });
  useEffect(() => {
    if (isEnded) return;
    let [gathered, timer] = [0, undefined];
    const tell = () => {
      const count = gathered;
      [gathered, timer] = [0, undefined];
      setState(({ version }) => ({
        version: version + 1,
        sentence: count === 0 ? "The node answers again." : `${plural(count, "change")}.`,
      }));
    };
    const soon = () => timer ??= setTimeout(tell, GATHER_MS);
    const change = () => {
      gathered++;
      soon();
    };
    const path = database === undefined ? "" : `?db=${encodeURIComponent(database)}`;
    const close = listen(`/api/console/events${path}`, { change, again: soon });
    return () => {
      clearTimeout(timer);
      close();
    };
  }, [database, isEnded]);
  return state;
}

/** Listens to a stream until it is closed; `again` is called when it was cut: nobody knows what has changed meanwhile. */
function listen(path, { change, again }) {
  let [events, timer, wasCut] = [undefined, undefined, false];
  const open = () => {
    events = new EventSource(path);
    events.addEventListener("change", change);
    events.addEventListener("ended", () => dispatchEvent(new Event("console-ended")));
    events.addEventListener("open", () => {
      if (wasCut) again();
      wasCut = false;
    });
    events.addEventListener("error", () => {
      wasCut = true;
      // Browsers try again when nobody answers, and not when they are refused.
      if (events.readyState !== EventSource.CLOSED) return;
      timer = setTimeout(open, RETRY_MS);
      ask("me").catch(tellIfEnded);
    });
  };
  open();
  return () => {
    clearTimeout(timer);
    events.close();
  };
}

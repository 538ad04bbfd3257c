/** What happens meanwhile: one stream of events, which tells that something has changed, and never what. */

import { useEffect, useState } from "preact/hooks";
import { plural } from "./lib.js";

/** How long changes are gathered before views ask again, in milliseconds. */
const GATHER_MS = 300;

/** A number that grows with every change, of one database where one is shown; and a sentence about it. */
export function useChanges(database, isEnded) {
  const [state, setState] = useState({ version: 0, sentence: "" });
  useEffect(() => {
    if (isEnded) return;
    const path = database === undefined ? "" : `?db=${encodeURIComponent(database)}`;
    const events = new EventSource(`/api/console/events${path}`);
    let [gathered, timer] = [0, undefined];
    const tell = () => {
      const count = gathered;
      [gathered, timer] = [0, undefined];
      setState(({ version }) => ({
        version: version + 1,
        sentence: `${plural(count, "change")}.`,
      }));
    };
    const change = () => {
      gathered++;
      timer ??= setTimeout(tell, GATHER_MS);
    };
    events.addEventListener("change", change);
    events.addEventListener("ended", () => dispatchEvent(new Event("console-ended")));
    return () => {
      clearTimeout(timer);
      events.close();
    };
  }, [database, isEnded]);
  return state;
}

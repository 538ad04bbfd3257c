/** Single keys that act, outside of fields. */

import { dbPath, go, readRoute } from "./lib.js";

/** Listens to keys; `idOf` tells the database that is shown. */
export function listenToKeys(idOf) {
  let isGoing = false;
  const press = (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Escape") return close();
    if (isField(event.target)) return;
    const act = (isGoing ? PLACES : KEYS)[event.key];
    isGoing = !isGoing && event.key === "g";
    if (act === undefined) return;
    event.preventDefault();
    act(idOf());
  };
  const click = ({ target }) => target.closest?.("[data-help]") && help();
  addEventListener("keydown", press);
  addEventListener("click", click);
  return () => {
    removeEventListener("keydown", press);
    removeEventListener("click", click);
  };
}

function isField(target) {
  return target instanceof HTMLElement &&
    target.matches("input, textarea, select, [contenteditable]");
}

const PLACES = {
  n: () => go("/console"),
  o: (id) => id && go(dbPath(id)),
  h: (id) => id && go(dbPath(id, "history")),
  y: (id) => id && go(dbPath(id, "sync")),
};

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  "/": () => document.querySelector("[data-find]")?.focus(),
  n: now,
  d: () => document.querySelector("[data-difference]")?.click(),
  "?": help,
};

/** The link of the next row; the first one when none has the focus. */
function move(by) {
  const rows = [...document.querySelectorAll("[data-row]")];
  const at = rows.findLastIndex((row) => row.contains(document.activeElement));
  const row = at < 0 ? rows[0] : rows[Math.min(Math.max(at + by, 0), rows.length - 1)];
  row?.querySelector("a")?.focus();
}

function now() {
  const { search } = readRoute();
  if (!search.has("at")) return;
  search.delete("at");
  search.delete("diff");
  go(`${location.pathname}${search.size === 0 ? "" : `?${search}`}`);
}

function help() {
  const dialog = document.getElementById("help");
  if (!dialog.open) dialog.showModal();
}

/** Closes the panel, and gives the focus back to the row that it was of. */
function close() {
  const link = document.querySelector("[data-close]");
  if (link === null || document.getElementById("help").open) return;
  const row = document.querySelector("[data-row] a[aria-current]");
  link.click();
  row?.focus();
}

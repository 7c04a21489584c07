// Experiments of a lesson: the server runs one for real, and a table shows the result.

/** @import { Asks, Pending, Table } from "../types.js" */

import { node, put } from "../base/dom.js";
import { label, t } from "../base/i18n.js";
import { ask, isOvertaken, overtake } from "../base/messages.js";
import { tell } from "./attention.js";
import { button } from "./elements.js";

/** @type {Asks} */
let asks = {};
/** @type {{start: HTMLButtonElement, table: HTMLElement} | null} of the experiment that was drawn last */
let place = null;

/** @param {Asks} server */
export const connect = (server) => {
  asks = server;
};

/**
 * A button that runs an experiment, over the place for its table.
 *
 * @param {Element} parent
 * @param {string} key of the experiment
 * @returns {HTMLButtonElement}
 */
export const experiment = (parent, key) => {
  const holder = node("div", "lesson-run", parent);
  const begin = () => {
    start.disabled = true;
    label("Running…", start);
    overtake("table");
    ask(asks, "run", { key });
  };
  const start = button(holder, "", begin, "main");
  label("Run it", start);
  place = { start, table: node("div", "lesson-table", holder) };
  return start;
};

/** Where the result of the last run goes, unless the visitor has moved on. */
const ended = () => {
  if (!place?.start.isConnected) return null;
  place.start.disabled = false;
  label("Run it again", place.start);
  return place.table;
};

document.addEventListener("unanswered", (event) => {
  const { at, event: kind, data, why } = /** @type {CustomEvent<Pending & {why: string}>} */ (event).detail;
  if (at !== "lesson-block" || kind !== "run") return;
  event.preventDefault();
  if (isOvertaken("table", data.question)) return;
  const into = ended();
  if (!into) return;
  into.replaceChildren();
  node("p", "", into, why).setAttribute("role", "alert");
});

/** @param {Table} table */
export const tabulate = ({ caption, columns, rows }) => {
  const into = ended();
  if (!into) return;
  tell(t("The table is ready: {caption}", { caption }));
  into.replaceChildren();
  node("p", "lesson-caption", into, caption); // beside what scrolls, so that it can be read whole
  const scroll = node("div", "table-scroll", into);
  put(scroll, { tabindex: 0, role: "region", "aria-label": caption });
  const table = node("table", "", scroll);
  const names = node("tr", "", node("thead", "", table));
  for (const name of columns) node("th", "", names, name).scope = "col";
  const body = node("tbody", "", table);
  for (const [first, ...others] of rows) {
    const row = node("tr", "", body);
    node("th", "", row, String(first)).scope = "row";
    for (const cell of others) node("td", "", row, String(cell));
  }
};

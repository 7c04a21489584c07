// The numbers of the chart as a table, in a part of the page that opens.

/** @import { Column } from "../types.js" */

import { node } from "../base/dom.js";
import { label, t } from "../base/i18n.js";
import { logit, minus, percent } from "../twins/formats.js";
import { COLUMNS, NAMES, rest } from "./columns.js";
import { othersText } from "./layout.js";
import { redraw, remaining, state, visible } from "./state.js";

/** @type {{details: HTMLDetailsElement, holder: HTMLElement} | null} */
let parts = null;

/** @param {HTMLElement} chart */
export const makeTable = (chart) => {
  const details = node("details", "numbers", chart);
  label("The same numbers as a table", node("summary", "", details));
  const holder = node("div", "table-scroll", details);
  holder.tabIndex = 0;
  holder.setAttribute("role", "region");
  label("Table of all numbers shown", holder, "aria-label");
  details.addEventListener("toggle", redraw);
  parts = { details, holder };
};

/**
 * What a column has to show: with A pinned, each constrained one has two.
 *
 * @param {Column} column
 * @returns {{side: string, values: Float64Array}[]}
 */
const sidesOf = (column) => {
  if (column === "raw") return [{ side: "", values: state.logits }];
  const { y } = state.outputs[column];
  const a = state.aOutputs[column];
  return state.a && a
    ? [
        { side: ", B", values: y },
        { side: ", A", values: a.y },
      ]
    : [{ side: "", values: y }];
};

/** @type {(column: Column, v: number) => string} */
const format = (column, v) => (column === "probability" ? percent(v) : minus(String(Number(v.toPrecision(6)))));

/** @param {number | undefined} slope */
const suffix = (slope) => {
  if (slope === undefined) return "";
  return ` (${slope === 0 ? t("no gradient") : t("gradient {value}", { value: logit(slope) })})`;
};

export const drawTable = () => {
  if (!parts?.details.open) return;
  const columns = COLUMNS.flatMap((column) => sidesOf(column).map((one, at) => ({ ...one, column, first: at === 0 })));
  const table = document.createElement("table");
  const names = columns.map(({ column, side }) => t(NAMES[column]) + side);
  const headRow = node("tr", "", node("thead", "", table));
  for (const name of [t("Class"), ...names]) node("th", "", headRow, name).scope = "col";
  const body = node("tbody", "", table);
  /** @param {string} name */
  const addRow = (name) => {
    const row = node("tr", "", body);
    node("th", "", row, name).scope = "row";
    return row;
  };
  for (const i of visible()) {
    const row = addRow(state.labels[i]);
    for (const { column, values, first } of columns) {
      const slope = first ? suffix(state.gradients?.[column]?.gradient[i]) : ""; // gradients are B's
      node("td", "", row, format(column, values[i]) + slope);
    }
  }
  if (remaining().length) {
    const row = addRow(othersText(remaining().length));
    for (const { column, values } of columns) node("td", "", row, rest(column, values).text);
  }
  parts.holder.replaceChildren(table);
};

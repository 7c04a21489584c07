// The comparison "Side by side": the setting beside softmax and the sparse maps.

/** @import { Figures } from "../types.js" */

import { node, put, say } from "../base/dom.js";
import { label, phrase, t } from "../base/i18n.js";
import { registry } from "../base/registry.js";
import { short } from "../twins/formats.js";
import { family, SPARSE, settingKey, state } from "./state.js";
import { COLUMNS, description, figure, TITLES } from "./wording.js";

// Key of the figures, name, and class of the row.
const ROWS = [
  ["before", phrase("Softmax, T = 1"), "raw"],
  ["fitted", phrase("Softmax, fitted T"), "probability"],
  ...SPARSE.map((key) => [key, "", registry.methods[key].family]),
  ["after", "", ""],
];

/** @param {Element} host */
const build = (host) => {
  const card = node("section", "cal-card cal-compare", host);
  label("Side by side", node("h2", "", card));
  const scroll = node("div", "table-scroll", card);
  put(scroll, { tabindex: 0, role: "region" });
  label("Comparison of methods", scroll, "aria-label");
  const table = node("table", "", scroll);
  const titles = node("tr", "", node("thead", "", table));
  for (const name of [phrase("Method"), ...Object.values(TITLES)]) label(name, node("th", "", titles)).scope = "col";
  const body = node("tbody", "", table);
  const rows = ROWS.map(([key, name, className]) => {
    const row = node("tr", className, body);
    const head = node("th", "", row);
    head.scope = "row";
    return { key, name, row, head, cells: COLUMNS.map((column) => ({ column, cell: node("td", "", row) })) };
  });
  return { rows, why: node("p", "cal-quiet", card) };
};

/** @type {ReturnType<typeof build> | null} */
let parts = null;

/** @param {Element} host */
export const mount = (host) => {
  parts = build(host);
};

/**
 * @param {string} key of a row
 * @param {string} name
 */
const nameOf = (key, name) => {
  if (key === "after") return t("Chosen: {setting}", { setting: description().full });
  if (SPARSE.includes(key)) return `${t(registry.methods[key].title)}, T = 1`;
  const fitted = state.fitted.get(settingKey("softmax"));
  return key === "fitted" && fitted ? t("Softmax, fitted T = {value}", { value: short(fitted, 3) }) : t(name);
};

export const draw = () => {
  const { before, after } = state;
  if (!parts || !before || !after) return;
  /** @type {Record<string, Figures>} */
  const found = { ...state.rows, before, after };
  let infinite = false;
  for (const { key, name, row, head, cells } of parts.rows) {
    const figures = found[key];
    say(head, nameOf(key, name));
    if (key === "fitted") row.hidden = !figures; // the best T lies at an edge
    if (key === "after") put(row, { class: family() });
    for (const { column, cell } of cells) say(cell, figures ? figure(column, figures) : "…");
    infinite ||= Boolean(figures) && !Number.isFinite(figures.nll);
  }
  say(
    parts.why,
    infinite
      ? t(
          "∞: a single true class with probability 0 is enough, since −log 0 = ∞. The last column shows how common they are.",
        )
      : "",
  );
};

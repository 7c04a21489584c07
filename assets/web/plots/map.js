// A map: a table of numbers whose cells are buttons. The deeper the colour, the larger the number.
//
// values[row][column] belongs to (xs[column], ys[row]); null is a number that is still to come, undefined one that cannot
// exist. `best`, a set of "row column", says which are underlined, where those are not simply the largest.
//
// The title, the name and the labels of axes are given in English, everything else as it will be displayed.

import { node, put, say, targetOf } from "../base/dom.js";
import { label, t } from "../base/i18n.js";
import { minus, short } from "../twins/formats.js";

/**
 * @typedef {number | null | undefined} Value
 *
 * @typedef {object} MapData
 * @property {number[]} xs
 * @property {number[]} ys
 * @property {Value[][]} values
 * @property {number[]} [current] x and y of the setting
 * @property {Set<string> | null} [best]
 *
 * @typedef {object} MapOptions
 * @property {string} title
 * @property {{label: string}} x
 * @property {{label: string}} y
 * @property {string} name of the numbers
 * @property {(v: number) => string} [format]
 * @property {(x: number, y: number) => void} pick called with the cell that is clicked
 */

/**
 * @param {Value} v
 * @returns {v is number}
 */
const isNumber = (v) => typeof v === "number" && Number.isFinite(v);

// The least of some numbers that is not far worse than the largest: no further off than three times the median is.
/**
 * @param {number[]} values
 * @param {number} high
 */
const leastGood = (values, high) => {
  const off = values.map((v) => high - v).sort((a, b) => a - b);
  const limit = 3 * off[Math.floor(off.length / 2)];
  return Math.min(...values.filter((v) => high - v <= limit));
};

/** @type {Record<string, [down: number, right: number]>} */
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

/**
 * The map is one stop of the tab key; the arrows move inside.
 *
 * @param {KeyboardEvent} event
 * @param {HTMLButtonElement[][]} cells
 */
const step = (event, cells) => {
  const button = /** @type {HTMLButtonElement} */ (targetOf(event));
  const row = cells.findIndex((list) => list.includes(button));
  if (row < 0 || !(event.key in STEPS)) return;
  const [down, right] = STEPS[event.key];
  const column = cells[row].indexOf(button);
  const next = cells[row + down]?.[column + right];
  if (next) {
    button.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }
  event.preventDefault();
};

/**
 * @param {Element} host
 * @param {MapOptions} options
 */
export const map = (host, { title, x: across, y: up, format = short, name, pick }) => {
  const figure = node("figure", "plot map", host);
  label(title, node("figcaption", "", figure));
  const frame = node("div", "map-frame", figure);
  const table = node("table", "", frame);
  let built = "";
  /** @type {HTMLButtonElement[][]} */
  let cells = [];

  /**
   * @param {number[]} xs
   * @param {number[]} ys
   */
  const build = (xs, ys) => {
    table.replaceChildren();
    const head = node("tr", "", node("thead", "", table));
    node("th", "corner", head, `${up.label} ↓ ${across.label} →`).scope = "col";
    for (const x of xs) node("th", "", head, minus(String(x))).scope = "col";
    const body = node("tbody", "", table);
    cells = ys.map((y) => {
      const row = node("tr", "", body);
      node("th", "", row, minus(String(y))).scope = "row";
      return xs.map((x) => {
        const button = node("button", "", node("td", "", row));
        button.type = "button";
        button.tabIndex = -1;
        button.addEventListener("click", () => pick(x, y));
        return button;
      });
    });
    if (cells[0]?.[0]) cells[0][0].tabIndex = 0;
  };

  /** @param {Value} v */
  const texts = (v) => {
    if (v === undefined) return { text: "", spoken: t("not possible") };
    if (v === null) return { text: "…", spoken: t("still to come") };
    return { text: format(v), spoken: `${t(name)} ${format(v)}` };
  };

  /** @param {MapData} data */
  const draw = ({ xs, ys, values, current = [], best = null }) => {
    const key = JSON.stringify([xs, ys]);
    if (built !== key) build(xs, ys);
    built = key;
    const known = values.flat().filter(isNumber);
    const high = Math.max(...known);
    const low = leastGood(known, high); // far worse ones share the palest cell
    for (const [r, row] of cells.entries()) {
      for (const [c, button] of row.entries()) {
        const v = values[r][c];
        const share = isNumber(v) && high > low ? Math.max(v - low, 0) / (high - low) : 0;
        const { text, spoken } = texts(v);
        button.disabled = v === undefined;
        button.style.setProperty("--share", isNumber(v) ? (0.1 + 0.8 * share).toFixed(3) : "0");
        button.classList.toggle("best", best ? best.has(`${r} ${c}`) : v === high);
        put(button, { "aria-pressed": xs[c] === current[0] && ys[r] === current[1] });
        say(button, text);
        button.setAttribute("aria-label", `${up.label} ${short(ys[r])}, ${across.label} ${short(xs[c])}: ${spoken}`);
      }
    }
  };

  table.addEventListener("keydown", (event) => step(event, cells));
  return { draw, figure };
};

// The columns of the chart: their names, how they write their numbers, and the nodes that each is made of.

/** @import { Column, Family } from "../types.js" */
/** @import { Range } from "./ranges.js" */

import { node, svgNode } from "../base/dom.js";
import { label, phrase } from "../base/i18n.js";
import { FAMILIES } from "../base/registry.js";
import { max, min, sum } from "../twins/constraints.js";
import { logit, percent, short } from "../twins/formats.js";
import { remaining } from "./state.js";

/** @type {Column[]} from left to right */
export const COLUMNS = ["raw", ...FAMILIES];
/** @type {Record<Column, string>} */
export const NAMES = {
  raw: phrase("Raw"),
  bounded: phrase("Bounded"),
  probability: phrase("Probability"),
  regularised: phrase("Regularised"),
};
/** @type {Record<Column, string>} */
const CHARTS = {
  raw: phrase("Raw: one bar per class"),
  bounded: phrase("Bounded: one bar per class"),
  probability: phrase("Probability: one bar per class"),
  regularised: phrase("Regularised: one bar per class"),
};

/**
 * The nodes of a class in a column, and what bars.js has found out about A.
 *
 * @typedef {object} Row
 * @property {number} index the class; -1 for all that have no row of their own
 * @property {SVGElement} g
 * @property {SVGElement} name for screen readers, and as a tooltip
 * @property {SVGElement} ghost the bar before the last change
 * @property {SVGElement} bar
 * @property {SVGElement} beyond an arrowhead where a bar is longer than the axis
 * @property {SVGElement} value
 * @property {{outline: SVGElement, end: SVGElement, value: SVGElement, name: string} | null} a A's number, if one is pinned
 * @property {{lane: SVGElement, arrow: SVGElement, value: SVGElement} | null} slope the gradient, if it is on
 *
 * @typedef {object} Figure a column: its nodes, and where its SVG has its parts
 * @property {HTMLElement} figure
 * @property {HTMLElement} formula
 * @property {HTMLElement} a what A is
 * @property {HTMLElement} example the formula with the numbers of one class
 * @property {SVGSVGElement} svg
 * @property {HTMLElement} badges
 * @property {HTMLElement} note
 * @property {Row[]} rows
 * @property {SVGElement | null} axis its ticks
 * @property {SVGElement | null} lines of the bounds
 * @property {string} built what the SVG was made for
 * @property {string} axisDrawn what the ticks were drawn for
 * @property {unknown[]} aDrawn what A was drawn for
 * @property {number} left px, where the axis begins
 * @property {number} right px, where it ends
 * @property {number} bottom px, where the rows end
 * @property {number} body px of a row without its gradient
 */

/** Empty until the chart is mounted. */
export const figures = /** @type {Record<Column, Figure>} */ ({});

/** @param {HTMLElement} chart */
export const makeFigures = (chart) => {
  for (const column of COLUMNS) {
    const figure = node("figure", `column ${column}`, chart);
    label(NAMES[column], figure, "aria-label");
    const caption = node("figcaption", "", figure);
    figures[column] = {
      figure,
      formula: node("div", "formula", caption),
      a: node("div", "a-words", caption),
      example: node("div", "example", caption),
      svg: label(CHARTS[column], svgNode("svg", { role: "group" }, figure), "aria-label"),
      badges: node("ul", "badges", figure),
      note: node("p", "note", figure),
      rows: [],
      axis: null,
      lines: null,
      built: "",
      axisDrawn: "",
      aDrawn: [],
      left: 0,
      right: 0,
      bottom: 0,
      body: 0,
    };
  }
};

/**
 * How a column writes its numbers.
 *
 * @param {Column} column
 * @returns {(v: number) => string}
 */
export const formatOf = (column) => (column === "probability" ? percent : logit);

/** @param {number} v */
const brief = (v) => (Math.abs(v) < 0.05 ? short(v, 1) : short(Number(v.toFixed(1)))); // 0 only for 0

/**
 * What the last row says about the classes that have no row: what they share of the probability, or between which logits
 * they are.
 *
 * @param {Column} column
 * @param {Float64Array} values of all classes
 */
export const rest = (column, values) => {
  const others = remaining().map((i) => values[i]);
  if (column === "probability") {
    const total = sum(others);
    return { from: 0, to: total, text: percent(Math.min(total, 1)) };
  }
  const [low, high] = [min(others), max(others)];
  return { from: low, to: high, text: `${brief(low)}…${brief(high)}` };
};

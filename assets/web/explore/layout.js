// How wide the parts of the columns are. All of it is read before anything is written: each read after a write would lay
// the page out once more.

/** @import { Column } from "../types.js" */

import { t } from "../base/i18n.js";
import { max, min } from "../twins/constraints.js";
import { COLUMNS, figures } from "./columns.js";
import { remaining, state, visible } from "./state.js";

const LETTER = 8.4; // px of a label's letter, its widest usual one
const NUMBER = 66; // px that the numbers take to the right of the bars
const GUTTER = 14; // px to the left of bars without labels
const LEAST = 44; // px of bars, on the narrowest screen
const NARROWEST = 120; // px of a column

/**
 * @typedef {object} Layout
 * @property {boolean} stacked whether columns stand below each other
 * @property {number} letters how much larger than usual the style sheets have the text
 * @property {number} letter px of a label's letter
 * @property {number} number px of the numbers to the right of the bars
 * @property {number} plot px of the bars: equally long in all columns, so that one number is one length
 * @property {Record<Column, {width: number, gutter: number}>} columns px of each, and of what is left of its bars
 * @property {number} labels px by which the raw column is wider, for its labels
 */

/** @param {number} n how many classes have no row */
export const othersText = (n) => t("{n} others", { n });

/**
 * @param {HTMLElement} chart
 * @param {HTMLElement} grid around it
 * @returns {Layout | null} null on a hidden tab
 */
export const readLayout = (chart, grid) => {
  if (!figures.raw.figure.clientWidth) return null;
  const look = getComputedStyle(chart);
  const stacked = look.getPropertyValue("--stacked").trim() === "1";
  const letters = Number(look.getPropertyValue("--type"));
  const [letter, number] = [LETTER * letters, NUMBER * letters];
  const seen = COLUMNS.map((column) => figures[column].figure.clientWidth); // 0 for a column that is hidden
  const widths = seen.map((width) => Math.max(Math.floor(width), NARROWEST));
  const longest = max([
    ...visible().map((i) => state.labels[i].length),
    remaining().length ? othersText(999).length : 0,
  ]);
  const whole = stacked ? widths[0] : grid.clientWidth;
  const labels = Math.min(12 + letter * longest, Math.max(96 * letters, whole * (stacked ? 0.36 : 0.12)));
  const gutters = COLUMNS.map((column) => (stacked || column === "raw" ? labels : GUTTER));
  const rooms = widths.map((width, at) => width - gutters[at] - number).filter((_, at) => seen[at]);
  const sizes = COLUMNS.map((column, at) => [column, { width: widths[at], gutter: gutters[at] }]);
  return {
    stacked,
    letters,
    letter,
    number,
    plot: Math.max(LEAST, Math.floor(min(rooms))),
    columns: Object.fromEntries(sizes),
    labels: Math.ceil(labels - GUTTER),
  };
};

// The SVG of a column: nodes for each class. They are made when the classes, the width or the kind of row change, and only
// moved when a number does.

/** @import { Column } from "../types.js" */
/** @import { Figure, Row } from "./columns.js" */
/** @import { Layout } from "./layout.js" */

import { put, svgNode } from "../base/dom.js";
import { figures } from "./columns.js";
import { othersText } from "./layout.js";
import { remaining, state, visible } from "./state.js";

export const TOP = 15; // px above the rows, where the bounds have their names
export const LANE = 14; // px that a row grows by to show its gradient
const ROW = 26; // px
const LINE = 8; // px that a row grows by for the numbers of A under those of B
const AXIS = 22; // px below the rows

/**
 * Where the nodes of a row go.
 *
 * @typedef {object} Place
 * @property {Column} column
 * @property {number} width px
 * @property {number} height px of the row
 * @property {number} body px of it without its gradient
 * @property {number} line px of it for A's number
 * @property {number} gutter px to the left of the bars
 * @property {number} end px, where numbers end
 * @property {number} letters how many a label has room for; 0 where rows have no labels
 * @property {boolean} reached whether Tab stops here
 */

/**
 * @param {Column} column
 * @param {Layout} layout
 */
export const build = (column, { columns, plot, stacked, letters, letter, number }) => {
  const { width, gutter } = columns[column];
  const parts = figures[column];
  const labelled = column === "raw" || stacked;
  const rows = visible();
  const [withA, withSlopes] = [state.a !== null, state.gradientOn];
  const key = JSON.stringify([
    ...[state.model, rows, width, gutter, plot, labelled, withSlopes, withA, letters],
    othersText(0), // in the page's language
  ]);
  if (parts.built === key) return;
  parts.built = key;
  parts.aDrawn = [];
  parts.axisDrawn = "";
  parts.example.style.minHeight = "";

  const line = withA ? LINE : 0;
  const body = ROW + line;
  const height = body + (withSlopes ? LANE : 0);
  const indices = remaining().length ? [...rows, -1] : rows;
  const bottom = TOP + indices.length * height;
  Object.assign(parts, { left: gutter, right: gutter + plot, body, bottom });
  const { svg } = parts;
  svg.replaceChildren();
  put(svg, { width, height: bottom + AXIS, viewBox: `0 0 ${width} ${bottom + AXIS}` });
  addHatch(column, parts);
  parts.axis = svgNode("g", { class: "axis", "aria-hidden": "true" }, svg);
  const list = svgNode("g", { role: "list" }, svg);
  const room = labelled ? Math.floor((gutter - 8) / letter) : 0;
  const end = parts.right + number - 4;
  const place = { column, width, height, body, line, gutter, end, letters: room, reached: labelled };
  parts.rows = indices.map((index, at) => makeRow(list, index, TOP + at * height, place));
  parts.lines = svgNode("g", { class: "bounds", "aria-hidden": "true" }, svg);
};

/**
 * The pattern of bars that pass no gradient.
 *
 * @param {Column} column
 * @param {Figure} figure
 */
const addHatch = (column, { svg }) => {
  const hatch = svgNode(
    "pattern",
    { id: `hatch-${column}`, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    svgNode("defs", {}, svg),
  );
  svgNode("rect", { width: 6, height: 6, class: "hatch-ground" }, hatch);
  svgNode("line", { x1: 1, y1: 0, x2: 1, y2: 6, class: "hatch-line" }, hatch);
};

/**
 * @param {SVGElement} list
 * @param {number} index of the class; -1 for those that have no row
 * @param {number} y
 * @param {Place} place
 * @returns {Row}
 */
const makeRow = (list, index, y, { column, width, height, body, line, gutter, end, letters, reached }) => {
  const g = svgNode("g", { class: "row", transform: `translate(0 ${y})`, role: "listitem" }, list);
  if (index >= 0) put(g, { "data-class": index, tabindex: reached ? 0 : -1 });
  svgNode("rect", { class: "hit", x: 0, y: 0, width, height, rx: 4 }, g);
  const middle = body / 2 + 4;
  const compared = state.a !== null && column !== "raw";
  if (reached) {
    const name = index < 0 ? othersText(remaining().length) : state.labels[index];
    const cut = name.length > letters ? `${name.slice(0, Math.max(letters - 1, 1))}…` : name;
    svgNode("text", { class: "label", x: gutter - 8, y: middle, "text-anchor": "end" }, g).textContent = cut;
  }
  /** @type {(name: string, at: number) => SVGElement} */
  const number = (name, at) => svgNode("text", { class: name, x: end, y: at, "text-anchor": "end" }, g);
  return {
    index,
    g,
    name: svgNode("title", {}, g),
    ghost: svgNode("rect", { class: "ghost", y: 4 + line / 2, height: ROW - 8, rx: 2 }, g),
    bar: svgNode("rect", { class: "bar", y: 5 + line / 2, height: ROW - 10, rx: 2 }, g),
    beyond: svgNode("path", { class: "beyond", transform: `translate(0 ${line / 2})` }, g),
    value: number("value", compared ? 14 : middle),
    a: compared
      ? {
          outline: svgNode("path", { class: "a-outline" }, g),
          end: svgNode("path", { class: "a-end" }, g),
          value: number("a-value", body - 6),
          name: "",
        }
      : null,
    slope: state.gradientOn
      ? {
          lane: svgNode("rect", { class: "lane", y: body - 2, height: LANE - 2, rx: 2 }, g),
          arrow: svgNode("path", { class: "arrow" }, g),
          value: number("slope", body + 8),
        }
      : null,
  };
};

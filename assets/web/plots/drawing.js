// What a line plot consists of: its grid, vertical marks, lines, best points, and the texts at the ends of lines.

/** @import { Axis, AxisOptions, Format } from "./axis.js" */

import { svgNode } from "../base/dom.js";
import { t } from "../base/i18n.js";
import { short } from "../twins/formats.js";
import { beside } from "./places.js";

/**
 * @typedef {[x: number, y: number]} Point one that is not finite breaks the line
 *
 * @typedef {object} Series
 * @property {string} name
 * @property {Point[]} points
 * @property {string} colour
 * @property {string} [dash]
 * @property {string} [mark] a short text at its end
 * @property {boolean} [thin] belongs to the series before it
 *
 * @typedef {{x: number, label: string, colour?: string, dash?: string}} Mark a vertical line
 *
 * @typedef {object} Reading of an axis, beside its ticks
 * @property {string} [label]
 * @property {Format} [read] of a number that is pointed at, where that is not the one of a tick
 * @property {(...values: number[]) => number} [best] Math.min or Math.max, for the best point to be marked
 *
 * @typedef {(v: number) => number} Position in px
 * @typedef {{x: Position, y: Position, right: number, bottom: number, width: number, height: number}} Frame
 */

export const PAD = { left: 46, right: 14, top: 14, bottom: 36 }; // px around the plot
const LETTER = 6.6; // px of one in a text
const CIRCLES = 16; // as many points are drawn as such

/** @param {Point[]} points */
export const finite = (points) => points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));

/** @param {AxisOptions & Reading} of */
export const reading = ({ read, format }) => read ?? format ?? short;

/**
 * @param {SVGElement} svg
 * @param {Frame} frame
 * @param {Axis["ticks"]} across
 * @param {Axis["ticks"]} up
 * @param {string} name of the x axis
 */
export const drawGrid = (svg, { x, y, right, bottom, height }, across, up, name) => {
  const grid = svgNode("g", { class: "plot-axis", "aria-hidden": "true" }, svg);
  for (const [v, text] of up) {
    svgNode("line", { x1: PAD.left, x2: right, y1: y(v), y2: y(v) }, grid);
    svgNode("text", { x: PAD.left - 6, y: y(v) + 4, "text-anchor": "end" }, grid).textContent = text;
  }
  for (const [v, text] of across) {
    svgNode("line", { x1: x(v), x2: x(v), y1: bottom, y2: bottom + 4, class: "tick" }, grid);
    svgNode("text", { x: x(v), y: bottom + 16, "text-anchor": "middle" }, grid).textContent = text;
  }
  const at = { x: (PAD.left + right) / 2, y: height - 3, "text-anchor": "middle", class: "name" };
  svgNode("text", at, grid).textContent = name;
};

/**
 * @param {SVGElement} svg
 * @param {Frame} frame
 * @param {Mark} mark
 */
export const drawMark = (svg, { x, right, bottom }, { x: value, label: name, colour = "var(--ink)", dash = "" }) => {
  const line = { x1: x(value), x2: x(value), y1: PAD.top, y2: bottom, class: "plot-mark" };
  svgNode("line", { ...line, style: `stroke: ${colour}`, "stroke-dasharray": dash }, svg);
  const left = x(value) > (PAD.left + right) / 2;
  const at = {
    x: x(value) + (left ? -4 : 4),
    y: PAD.top - 3,
    "text-anchor": left ? "end" : "start",
    class: "plot-name",
  };
  svgNode("text", at, svg).textContent = name;
};

/**
 * @param {SVGElement} inside
 * @param {Frame} frame
 * @param {Series} series
 */
export const drawLine = (inside, { x, y }, { points, colour, dash = "", thin = false }) => {
  let path = "";
  let pen = "M";
  for (const [px, py] of points) {
    if (Number.isFinite(py)) path += `${pen}${x(px).toFixed(1)} ${y(py).toFixed(1)}`;
    pen = Number.isFinite(py) ? "L" : "M";
  }
  const look = { class: thin ? "plot-line thin" : "plot-line", style: `stroke: ${colour}`, "stroke-dasharray": dash };
  svgNode("path", { d: path, ...look }, inside);
  const known = finite(points);
  if (known.length > CIRCLES) return;
  for (const [px, py] of known) svgNode("circle", { cx: x(px), cy: y(py), r: 2.5, style: `fill: ${colour}` }, inside);
};

/**
 * @param {SVGElement} svg
 * @param {Frame} frame
 * @param {Point[]} points
 * @param {Series[]} all series, which the text keeps clear of
 * @param {AxisOptions & Reading} up
 */
export const drawBest = (svg, { x, y, right, bottom }, points, all, up) => {
  const { best } = up;
  if (!best) return;
  const [bestX, bestY] = points.reduce((a, b) => (best(a[1], b[1]) === a[1] ? a : b));
  svgNode("circle", { cx: x(bestX), cy: y(bestY), r: 6, class: "plot-best" }, svg);
  const text = t("best {value}", { value: reading(up)(bestY) });
  const room = { left: PAD.left, right, top: PAD.top, bottom };
  const lines = all.map((one) => finite(one.points).map(([px, py]) => /** @type {Point} */ ([x(px), y(py)])));
  const at = beside([x(bestX), y(bestY)], text.length * LETTER, room, lines);
  svgNode("text", { ...at, class: "plot-name" }, svg).textContent = text;
};

// The texts at the ends of the lines. Texts that would overlap move apart, the lower ones down.
/**
 * @param {SVGElement} svg
 * @param {Frame} frame
 * @param {Series[]} series with a point each
 */
export const drawEnds = (svg, { x, y, bottom, width }, series) => {
  const ends = series.flatMap(({ points, mark }) => {
    const [lastX, lastY] = finite(points).slice(-1)[0];
    if (!mark) return [];
    return [{ mark, x: Math.min(x(lastX) + 4, width - 8), y: Math.min(Math.max(y(lastY), PAD.top), bottom) + 4 }];
  });
  ends.sort((a, b) => a.y - b.y);
  for (const [i, end] of ends.entries()) if (i) end.y = Math.max(end.y, ends[i - 1].y + 11);
  const over = Math.max(0, (ends.at(-1)?.y ?? 0) - (bottom + 8));
  for (const { mark, ...end } of ends) {
    svgNode("text", { ...end, y: end.y - over, class: "plot-name" }, svg).textContent = mark;
  }
};

// The lines across the rows of a column: the ticks of its axis, and the bounds lo and hi.

/** @import { Column } from "../types.js" */

import { svgNode } from "../base/dom.js";
import { boundsOf } from "../base/parameters.js";
import { minus } from "../twins/formats.js";
import { axisOf } from "./axes.js";
import { figures } from "./columns.js";
import { along, ticksFor, tickValues } from "./ranges.js";
import { TOP } from "./rows.js";
import { state } from "./state.js";

const BASELINE = TOP - 4; // px, of the names of bounds
const NEAR = 3; // px between a bound and its name
const BESIDE = 8; // px between the axis and the name of a bound that lies beyond it

/**
 * Where a column's numbers lie on its axis.
 *
 * @param {Column} column
 */
export const placeOn = (column) => {
  const { left, right } = figures[column];
  return along(axisOf(column), left, right);
};

/**
 * @param {Column} column
 * @param {number} letters how much larger than usual the text is
 */
export const drawAxis = (column, letters) => {
  const figure = figures[column];
  const { axis, left, right, bottom } = figure;
  const range = axisOf(column);
  const key = `${range} ${left} ${right}`;
  if (!axis || figure.axisDrawn === key) return;
  figure.axisDrawn = key;
  axis.replaceChildren();
  const x = placeOn(column);
  const percent = column === "probability";
  const { step, digits } = ticksFor(range, right - left, { percent, letters });
  for (const v of tickValues(range, step)) {
    svgNode("line", { x1: x(v), x2: x(v), y1: TOP, y2: bottom, class: v === 0 ? "zero" : "grid" }, axis);
    const tick = svgNode("text", { x: x(v), y: bottom + 15, "text-anchor": "middle" }, axis);
    tick.textContent = percent ? `${(v * 100).toFixed(digits)}%` : minus(v === 0 ? "0" : v.toFixed(digits));
  }
};

/** In the raw column, a line and a name for each bound. */
export const drawBounds = () => {
  const { lines, left, right, bottom } = figures.raw;
  if (!lines) return;
  lines.replaceChildren();
  const x = placeOn("raw");
  const [low, high] = axisOf("raw");
  const found = boundsOf(state.methods.bounded, state.settings);
  if (!found) return;
  const [lo, hi] = found;
  /** @type {(at: number, anchor: "start" | "end", name: string) => void} */
  const write = (at, anchor, name) => {
    svgNode("text", { x: at, y: BASELINE, "text-anchor": anchor }, lines).textContent = name;
  };
  const inwards = Math.min(NEAR, (x(hi) - x(lo)) / 2 - 2); // names of a narrow box stay apart
  const bounds = Object.entries({ lo, hi }).filter(([, v]) => Number.isFinite(v));
  for (const [name, v] of bounds) {
    if (v < low || v > high) continue;
    svgNode("line", { x1: x(v), x2: x(v), y1: TOP, y2: bottom }, lines);
    if (name === "lo") write(x(v) + inwards, "end", name);
    else write(x(v) - inwards, "start", name);
  }
  // A bound off the axis is named at the edge that it lies beyond; the number box says where.
  /** @param {(v: number) => boolean} lies */
  const named = (lies) =>
    bounds
      .filter(([, v]) => lies(v))
      .map(([name]) => name)
      .join(", ");
  const [below, above] = [named((v) => v < low), named((v) => v > high)];
  if (below) write(left - BESIDE, "end", `◂ ${below}`);
  if (above) write(right + BESIDE, "start", `${above} ▸`);
};

// The chart of the Explore tab: a column for the logits and one for each family of constraints, over the same classes,
// drawn from `state` in the frame in which a control moves.
//
// A column is a <figure> with its formula, an SVG and its badges. SVG nodes are made when the rows change and only moved
// when a number does.

/** @import { Asks, Props, Watch } from "../types.js" */
/** @import { Layout } from "./layout.js" */

import { find } from "../base/dom.js";
import { read, receive } from "../base/messages.js";
import { FAMILIES, registry } from "../base/registry.js";
import { show as showRows } from "../base/rows.js";
import { announceRankings, makeRegion } from "./announcements.js";
import { drawBadges } from "./badges.js";
import { drawBars, drawOutlines } from "./bars.js";
import { readers } from "./changes.js";
import { COLUMNS, figures, makeFigures } from "./columns.js";
import { drawFormula } from "./formulas.js";
import { connect } from "./gradients.js";
import { readLayout } from "./layout.js";
import { drawAxis, drawBounds } from "./lines.js";
import * as picture from "./picture.js";
import { followPointer } from "./pointing.js";
import { build } from "./rows.js";
import { onChange, redraw, state } from "./state.js";
import { drawTable, makeTable } from "./table.js";

/** @type {HTMLElement | null} */
let chart = null;

/**
 * Classes for the style sheets, whose rules gradio confines to its own container.
 *
 * @param {HTMLElement} within
 * @param {Record<string, boolean>} flags
 */
const mark = (within, flags) => {
  const classes = within.closest(".gradio-container")?.classList;
  for (const [name, on] of Object.entries(flags)) classes?.toggle(name, on);
};

const draw = () => {
  if (!chart || !state.logits.length) return;
  mark(chart, { "with-gradient": state.gradientOn, "with-own-picture": state.image === null });
  const grid = /** @type {HTMLElement} */ (chart.closest("#grid"));
  const layout = readLayout(chart, grid);
  if (layout) drawOn(chart, grid, layout); // without one, the ResizeObserver comes back
};

/**
 * @param {HTMLElement} on the chart
 * @param {HTMLElement} grid
 * @param {Layout} layout
 */
const drawOn = (on, grid, layout) => {
  grid.style.setProperty("--labels", `${layout.labels}px`);
  for (const column of COLUMNS) {
    build(column, layout);
    drawAxis(column, layout.letters);
    if (column !== "raw") drawOutlines(column);
    drawBars(column);
    drawFormula(column);
    drawBadges(column);
  }
  drawBounds();
  drawTable();
  announceRankings();
  on.classList.toggle("gradient-stale", state.stale);
  for (const family of FAMILIES) {
    showRows(document.querySelector(`#controls-${family}`), registry.methods[state.methods[family]].parameters);
  }
  mark(on, { "with-a": state.a !== null });
};

/**
 * @param {HTMLElement} element
 * @param {Props} props
 * @param {Watch} watch
 * @param {Asks} asks
 */
export const mount = (element, props, watch, asks) => {
  chart = find("#chart", element);
  connect(asks);
  picture.follow(asks.back);
  makeFigures(chart);
  makeTable(chart);
  makeRegion(chart);
  followPointer(chart);
  let width = 0;
  new ResizeObserver(([{ contentRect }]) => {
    if (contentRect.width !== width) draw(); // the height follows what is drawn
    width = contentRect.width;
  }).observe(figures.raw.figure);

  if (state.model === null) read(props.value, readers);
  receive(props, watch, readers);
  draw();
};

onChange(draw);
for (const event of ["language", "layout"]) document.addEventListener(event, redraw);

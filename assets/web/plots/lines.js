// Line plots for the tabs that show what happens over epochs, over lambda, or over T.
//
// Pointing at a plot, or the arrow keys, show the numbers of all series at the nearest x. Series never differ by
// colour alone: dashes, marks or thickness tell them apart.
//
// Titles and the labels of axes are given in English, everything else as it will be displayed.

/** @import { Axis, AxisOptions, Format } from "./axis.js" */
/** @import { Frame, Mark, Reading, Series } from "./drawing.js" */

import { node, put, say, svgNode } from "../base/dom.js";
import { label, t } from "../base/i18n.js";
import { short } from "../twins/formats.js";
import { axis, scale } from "./axis.js";
import { drawBest, drawEnds, drawGrid, drawLine, drawMark, finite, PAD, reading } from "./drawing.js";

/**
 * @typedef {object} LinesOptions
 * @property {string} title
 * @property {AxisOptions & Reading} x a log axis that shows 0 has it left of its lowest decade
 * @property {AxisOptions & Reading} y
 * @property {((x: number) => void) | null} [pick] called with the x that is pointed at, on a click or Enter
 * @property {number} [height]
 *
 * @typedef {{series: Series[], marks?: Mark[]}} LinesData
 */

/**
 * The numbers of all series at one x, in a box; the same in words.
 *
 * @param {Element} tip
 * @param {Series[]} series
 * @param {number} at
 * @param {Format} format
 */
const fillTip = (tip, series, at, format) => {
  const texts = [];
  let value = null; // of the line before
  for (const { name, points, colour, dash = "", thin } of series) {
    const found = points.find(([v]) => v === at);
    if (!found) continue;
    const text = format(found[1]);
    texts.push(`${name} ${text}`);
    if (thin && value) {
      value.textContent += ` (${name} ${text})`;
      continue;
    }
    const row = node("div", "", tip);
    const swatch = svgNode("svg", { width: 22, height: 8, "aria-hidden": "true" }, row);
    const look = { class: "plot-line", style: `stroke: ${colour}`, "stroke-dasharray": dash };
    svgNode("line", { x1: 0, x2: 22, y1: 4, y2: 4, ...look }, swatch);
    value = node("strong", "", row, text);
    node("span", "", row, name);
  }
  return texts.join(", ");
};

let clips = 0;

/**
 * @param {Element} host
 * @param {LinesOptions} options
 */
export const lines = (host, { title, x: across, y: up, pick = null, height = 190 }) => {
  const figure = node("figure", "plot", host);
  label(title, node("figcaption", "", figure));
  const box = node("div", "plot-frame", figure);
  const svg = label(title, svgNode("svg", { tabindex: 0, role: "group" }, box), "aria-label");
  const tip = node("div", "plot-tip", box);
  tip.hidden = true;
  const spoken = node("p", "visually-hidden", box);
  spoken.setAttribute("aria-live", "polite");
  const clip = `plot-clip-${clips++}`;
  /** @type {LinesData} */
  let data = { series: [], marks: [] };
  /** @type {Frame | null} */
  let frame = null; // that the data is drawn in
  /** @type {number[]} */
  let xs = []; // of all points
  /** @type {number | null} */
  let at = null; // the x that is pointed at

  const draw = (next = data) => {
    data = next;
    const width = Math.floor(box.clientWidth);
    if (!width) return; // on a hidden tab; the ResizeObserver comes back
    svg.replaceChildren();
    put(svg, { width, height, viewBox: `0 0 ${width} ${height}` });
    const { series, marks = [] } = data;
    const all = series.flatMap(({ points }) => points);
    const known = finite(all);
    const widths = [...all.map(([x]) => x), ...marks.map(({ x }) => x)];
    const heights = known.map(([, y]) => y);
    const horizontal = axis(widths, across, Math.max(2, width / 70));
    const vertical = axis(heights, up, 4);
    const hasZero = Boolean(across.log && across.zero);
    const [right, bottom] = [width - PAD.right, height - PAD.bottom];
    const x = scale(horizontal, across, PAD.left, right, hasZero);
    const y = scale(vertical, up, bottom, PAD.top);
    frame = { x, y, right, bottom, width, height };
    xs = [...new Set(all.map(([v]) => v))].sort((a, b) => a - b);
    /** @type {Axis["ticks"]} */
    const below = hasZero ? [[0, "0"], ...horizontal.ticks] : horizontal.ticks;
    drawGrid(svg, frame, below, vertical.ticks, t(across.label ?? ""));
    for (const mark of marks) drawMark(svg, frame, mark);
    const area = { x: PAD.left, y: PAD.top - 4, width: right - PAD.left + 4, height: bottom - PAD.top + 8 };
    svgNode("rect", area, svgNode("clipPath", { id: clip }, svg));
    const inside = svgNode("g", { "clip-path": `url(#${clip})` }, svg);
    const there = series.filter(({ points }) => finite(points).length);
    for (const one of series) drawLine(inside, frame, one);
    for (const one of there) drawBest(svg, frame, finite(one.points), series, up);
    drawEnds(svg, frame, there);
    if (all.length && !known.length) {
      const middle = {
        x: (PAD.left + right) / 2,
        y: (PAD.top + bottom) / 2,
        "text-anchor": "middle",
        class: "plot-name",
      };
      svgNode("text", middle, svg).textContent = t("infinite everywhere");
    }
    point(at, false);
  };

  /** @param {(x: number) => number} distance of an x from what is pointed at */
  const nearest = (distance) => xs.reduce((best, v) => (distance(v) < distance(best) ? v : best));

  /**
   * Show the numbers at the x nearest to a value.
   *
   * @param {number | null} value null hides them
   * @param {boolean} aloud
   */
  const point = (value, aloud) => {
    svg.querySelector(".plot-cross")?.remove();
    at = value;
    tip.hidden = value === null || !xs.length;
    if (value === null || !frame || !xs.length) return;
    const { x, right, bottom } = frame;
    at = nearest((v) => Math.abs(x(v) - x(value)));
    svgNode("line", { x1: x(at), x2: x(at), y1: PAD.top, y2: bottom, class: "plot-cross" }, svg);
    const title = `${t(across.label ?? "")} ${(across.format ?? short)(at)}`;
    tip.replaceChildren();
    node("b", "", tip, title);
    const texts = fillTip(tip, data.series, at, reading(up));
    const over = x(at) > (PAD.left + right) / 2;
    tip.style.left = over ? "auto" : `${x(at) + 10}px`;
    tip.style.right = over ? `${box.clientWidth - x(at) + 10}px` : "auto";
    if (aloud) say(spoken, `${title}: ${texts}`);
  };

  /** @param {MouseEvent} event */
  const under = (event) => {
    if (!frame || !xs.length) return null;
    const { x } = frame;
    const from = event.clientX - svg.getBoundingClientRect().left;
    return nearest((v) => Math.abs(x(v) - from));
  };

  /** @param {KeyboardEvent} event */
  const pointByKey = (event) => {
    if (!xs.length) return;
    const now = at === null ? -1 : xs.indexOf(at);
    /** @type {Record<string, number>} */
    const moves = { ArrowLeft: now < 0 ? xs.length - 1 : now - 1, ArrowRight: now + 1, Home: 0, End: xs.length - 1 };
    if (event.key in moves) point(xs[Math.min(Math.max(moves[event.key], 0), xs.length - 1)], true);
    else if (event.key === "Escape") point(null, false);
    else if ((event.key === "Enter" || event.key === " ") && pick && at !== null) pick(at);
    else return;
    event.preventDefault();
  };

  svg.addEventListener("pointermove", (event) => point(under(event), false));
  svg.addEventListener("pointerleave", () => point(null, false));
  svg.addEventListener("blur", () => point(null, false));
  svg.addEventListener("keydown", pointByKey);
  if (pick) {
    svg.classList.add("plot-pick");
    svg.addEventListener("click", (event) => {
      const value = under(event);
      if (value !== null) pick(value);
    });
  }
  new ResizeObserver(() => draw()).observe(box);
  return { draw, figure };
};

// The two reliability diagrams, before and after. Pointing at a bin, or the arrow keys, light it in both and put its
// numbers into words.

/** @import { Figures } from "../types.js" */

import { node, put, say, svgNode } from "../base/dom.js";
import { label, phrase, t } from "../base/i18n.js";
import { BINS } from "../twins/calibration.js";
import { percent } from "../twins/formats.js";
import { state } from "./state.js";

export const FEW = 10; // rows below which a bin says little

const PAD = { left: 40, right: 10, top: 8 };
const HEIGHT = { diagram: 250, gap: 34, histogram: 74, below: 34 };
const BOTTOM = PAD.top + HEIGHT.diagram; // of the diagram
const BASE = BOTTOM + HEIGHT.gap + HEIGHT.histogram; // of the histogram below it
const FULL = BASE + HEIGHT.below;

/** @param {number} v share from 0 to 1 */
const y = (v) => BOTTOM - v * HEIGHT.diagram;

/**
 * @typedef {ReturnType<typeof buildBin>} Bin
 *
 * @typedef {object} Diagram
 * @property {string} name of its class
 * @property {SVGSVGElement} svg
 * @property {HTMLElement} setting
 * @property {HTMLElement} below
 * @property {number | null} width that it is built for
 * @property {Bin[]} bins
 */

/** @type {{before: Diagram, after: Diagram} | null} */
let diagrams = null;

/** @param {number | null} bin */
const point = (bin) => {
  if (bin === state.bin) return;
  state.bin = bin;
  draw();
};

/** @param {PointerEvent} event */
const binUnder = ({ currentTarget, clientX }) => {
  const { left, width } = /** @type {Element} */ (currentTarget).getBoundingClientRect();
  const share = (clientX - left - PAD.left) / (width - PAD.left - PAD.right);
  return share < 0 || share > 1 ? null : Math.min(Math.floor(share * BINS), BINS - 1);
};

/** @param {KeyboardEvent} event */
const pointByKey = (event) => {
  const now = state.bin;
  /** @type {Record<string, number | null>} */
  const moves = { ArrowLeft: (now ?? BINS) - 1, ArrowRight: (now ?? -1) + 1, Home: 0, End: BINS - 1, Escape: null };
  if (!(event.key in moves)) return;
  const to = moves[event.key];
  point(to === null ? null : Math.min(Math.max(to, 0), BINS - 1));
  event.preventDefault();
};

/**
 * @param {Element} host
 * @param {string} name
 * @param {string} title
 * @param {string} spoken
 * @returns {Diagram}
 */
const add = (host, name, title, spoken) => {
  const section = node("figure", `cal-card cal-reliability ${name}`, host);
  const caption = node("figcaption", "", section);
  label(title, node("b", "", caption));
  const setting = node("span", "cal-setting", caption);
  const svg = label(spoken, svgNode("svg", { tabindex: 0, role: "group" }, section), "aria-label");
  const below = node("p", "cal-read", section);
  below.setAttribute("aria-live", "polite");
  svg.addEventListener("pointermove", (event) => point(binUnder(event)));
  svg.addEventListener("pointerleave", () => point(null));
  svg.addEventListener("blur", () => point(null));
  svg.addEventListener("keydown", pointByKey);
  return { name, svg, setting, below, width: null, bins: [] };
};

/** @param {Element} host */
export const mount = (host) => {
  diagrams = {
    before: add(host, "raw", phrase("Before"), phrase("Before: reliability diagram")),
    after: add(host, "own", phrase("After"), phrase("After: reliability diagram")),
  };
};

/**
 * Axes and lines of a diagram.
 *
 * @param {SVGSVGElement} svg
 * @param {(v: number) => number} x
 */
const buildAxes = (svg, x) => {
  const axis = svgNode("g", { class: "cal-axis", "aria-hidden": "true" }, svg);
  for (const v of [0, 0.2, 0.4, 0.6, 0.8, 1]) {
    const text = (100 * v).toFixed(0);
    svgNode("line", { x1: x(0), x2: x(1), y1: y(v), y2: y(v) }, axis);
    svgNode("text", { x: x(0) - 6, y: y(v) + 4, "text-anchor": "end" }, axis).textContent = text;
    svgNode("text", { x: x(v), y: BASE + 14, "text-anchor": "middle" }, axis).textContent = text;
  }
  svgNode("line", { x1: x(0), x2: x(1), y1: BASE, y2: BASE }, axis);
  /** @param {Record<string, unknown>} at */
  const name = (at) => svgNode("text", { class: "name", "text-anchor": "middle", ...at }, axis);
  /** @param {number} at */
  const turned = (at) => name({ transform: `translate(11 ${at}) rotate(-90)` });
  label("confidence of the top class, %", name({ x: x(0.5), y: BASE + 29 }));
  label("right, %", turned((y(0) + y(1)) / 2));
  label("rows", turned(BASE - HEIGHT.histogram / 2));
};

/**
 * @param {SVGSVGElement} svg
 * @param {number} left
 * @param {number} size
 * @param {string} hatch id of the pattern of the gap
 */
const buildBin = (svg, left, size, hatch) => {
  const g = svgNode("g", { class: "cal-bin" }, svg);
  const across = { x: left + 1, width: size - 2 };
  svgNode("rect", { ...across, y: PAD.top, height: BASE - PAD.top, class: "cal-hit" }, g);
  return {
    g,
    middle: left + size / 2,
    bar: svgNode("rect", { ...across, class: "cal-bar" }, g),
    gap: svgNode("rect", { ...across, class: "cal-gap", fill: `url(#${hatch})` }, g),
    mean: svgNode("line", { x1: across.x, x2: across.x + across.width, class: "cal-mean" }, g),
    rows: svgNode("rect", { ...across, class: "cal-rows" }, g),
    count: svgNode("text", { class: "cal-count" }, g),
  };
};

/**
 * @param {Diagram} diagram
 * @param {number} width
 */
const build = (diagram, width) => {
  if (diagram.width === width) return;
  diagram.width = width;
  const { svg, name } = diagram;
  svg.replaceChildren();
  put(svg, { width, height: FULL, viewBox: `0 0 ${width} ${FULL}` });
  const hatch = svgNode(
    "pattern",
    { id: `hatch-gap-${name}`, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    svgNode("defs", {}, svg),
  );
  svgNode("rect", { width: 6, height: 6, class: "cal-gap-ground" }, hatch);
  svgNode("line", { x1: 1, y1: 0, x2: 1, y2: 6, class: "cal-gap-line" }, hatch);
  /** @param {number} v */
  const x = (v) => PAD.left + v * (width - PAD.left - PAD.right);
  buildAxes(svg, x);
  const size = x(1 / BINS) - x(0);
  diagram.bins = Array.from({ length: BINS }, (_, bin) => buildBin(svg, x(bin / BINS), size, hatch.id));
  svgNode("line", { x1: x(0), x2: x(1), y1: y(0), y2: y(1), class: "cal-diagonal" }, svg);
};

/**
 * What a bin shows, in words.
 *
 * @param {Figures["table"]} table
 * @param {number | null} bin
 */
const reading = ({ count, confidence, accuracy }, bin) => {
  if (bin === null) return t("Bar: how often it is right. Line: how sure it is. Between them, the gap.");
  const [from, to] = [bin, bin + 1].map((edge) => ((100 * edge) / BINS).toFixed(1));
  const range = t("{from} to {to} %", { from, to });
  const n = count[bin];
  if (!n) return `${range}: ${t("no rows")}.`;
  const gap = 100 * (confidence[bin] - accuracy[bin]);
  const values = { sure: percent(confidence[bin]), right: percent(accuracy[bin]), gap: Math.abs(gap).toFixed(1) };
  const leaning =
    gap >= 0
      ? t("sure {sure}, right {right}, over-confident by {gap} points", values)
      : t("sure {sure}, right {right}, under-confident by {gap} points", values);
  const rows = n === 1 ? t("1 row") : t("{n} rows", { n });
  return `${range}: ${rows}, ${leaning}.`;
};

/**
 * @param {Diagram} diagram
 * @param {Figures["table"]} table
 * @param {number} most rows that a bin has in either diagram
 */
const fill = ({ bins, below }, table, most) => {
  for (const [bin, nodes] of bins.entries()) {
    const n = table.count[bin];
    const [right, mean] = n ? [table.accuracy[bin], table.confidence[bin]] : [0, 0];
    put(nodes.bar, { y: y(right), height: y(0) - y(right) });
    put(nodes.gap, { y: y(Math.max(right, mean)), height: n ? Math.abs(y(right) - y(mean)) : 0 });
    put(nodes.mean, { y1: y(mean), y2: y(mean), display: n ? "" : "none" });
    const height = n ? Math.max((HEIGHT.histogram - 30) * (n / most), 1) : 0;
    put(nodes.rows, { y: BASE - height, height });
    put(nodes.count, { transform: `translate(${nodes.middle + 3.5} ${BASE - height - 3}) rotate(-90)` });
    say(nodes.count, n ? String(n) : "");
    nodes.g.classList.toggle("few", n > 0 && n < FEW);
    nodes.g.classList.toggle("lit", bin === state.bin);
  }
  say(below, reading(table, state.bin));
};

export const draw = () => {
  const { before, after } = state;
  if (!diagrams || !before || !after) return;
  const both = [diagrams.before, diagrams.after];
  const widths = both.map(({ svg }) => Math.floor(svg.parentElement?.clientWidth ?? 0) - 24);
  if (widths[0] < 40) return; // on a hidden tab; the ResizeObserver comes back
  const most = Math.max(...before.table.count, ...after.table.count);
  for (const [at, { table }] of [before, after].entries()) {
    build(both[at], widths[at]);
    fill(both[at], table, most);
  }
};

/**
 * Which settings the diagrams are of.
 *
 * @param {string} before
 * @param {string} after
 */
export const caption = (before, after) => {
  if (!diagrams) return;
  say(diagrams.before.setting, before);
  say(diagrams.after.setting, after);
};

// The chart of the Explore tab: four columns over the same classes, drawn from numbers in the frame in which a control
// moves. The page calls `explore.set` with a control's value; the server calls it never: it sends a picture's logits,
// and, when asked, gradients, through the value of the gr.HTML that `explore.mount` is given.
//
// A column is a <figure> with its formula, an SVG and its badges. SVG nodes are made when the rows change and only
// moved when a number does.

import { node, put, say, svgNode } from "../base/dom.js";
import { label, phrase, t } from "../base/i18n.js";
import { FAMILIES, registry } from "../base/registry.js";
import { show as showRows } from "../base/rows.js";
import { inRange, niceStep } from "../base/scales.js";
import { follow, logSliders } from "../base/sliders.js";
import { words } from "../base/words.js";
import { assign, changed, explore, register } from "../state.js";
import { max, min, sum, methods as twins } from "../twins/constraints.js";
import { logit, minus, percent, short } from "../twins/formats.js";
import * as picture from "./picture.js";

const COLUMNS = ["raw", ...FAMILIES];
const NAMES = {
  raw: phrase("Raw"),
  bounded: phrase("Bounded"),
  probability: phrase("Probability"),
  regularised: phrase("Regularised"),
};
const CHARTS = {
  raw: phrase("Raw: one bar a class"),
  bounded: phrase("Bounded: one bar a class"),
  probability: phrase("Probability: one bar a class"),
  regularised: phrase("Regularised: one bar a class"),
};
const ROW = 26;
const LINE = 8; // what a row grows by for the numbers of A under those of B
const LANE = 14; // what a row grows by to show its gradient
const AXIS = 22;
const TOP = 15; // above the rows, where the bounds have their names
const LETTER = 8.4; // of a label, its widest usual one
const NUMBER = 66; // what the numbers take to the right of the bars
const GUTTER = 14; // to the left of bars without labels
const LEAST = 44; // of bars, on the narrowest screen
const SETTLED = 200; // ms without a change after which a control counts as settled

export const state = {
  model: null,
  image: null, // the sample that is shown, by name; null for a visitor's own picture
  family: "bounded", // the column that a control touched last: the one that the generated code is about
  labels: [],
  logits: new Float64Array(0),
  order: [], // classes by raw logit, highest first
  methods: { ...registry.chosen },
  settings: Object.fromEntries(Object.entries(registry.parameters).map(([key, p]) => [key, p.default])),
  k: 10,
  target: 0,
  targetName: null, // null: the raw top-1
  gradientOn: false,
  gradients: null,
  steepest: 1, // the largest of them, which the longest arrow stands for
  stale: false, // whether they are those of an older setting, or still to come
  outputs: {}, // family -> {y, dead, named}
  before: {}, // family -> outputs of the setting before the one being made
  a: null, // {methods, settings} pinned to compare with; what the controls say is then B
  aOutputs: {}, // family -> {y, dead, named} of A
  changed: {}, // family -> time of its last change
  axes: { logit: [-8, 8], probability: [0, 1] },
  base: [-8, 8], // the logit axis before it follows what a constraint makes
  over: null, // the class under the pointer or focus
  pinned: null,
  asked: 0,
};
let chart = null;
let ask = () => {};
let figures = {};
let announced = null;
let letters = 1; // how much larger than usual the style sheets have the text

const text = (column) => (column === "probability" ? percent : logit);

// The controls ---------------------------------------------------------------------------------------------------

// A class for the style sheets, whose rules gradio confines to its own container.
const flag = (name, on) => chart?.closest(".gradio-container")?.classList.toggle(name, on);

export const set = (key, value) => {
  if (key === "family") {
    if (!FAMILIES.includes(value)) return;
    state.family = value;
  } else if (key === "k") state.k = value;
  else if (key === "gradient") {
    state.gradientOn = value;
    if (!value) state.gradients = null;
    flag("with-gradient", value);
  } else if (key === "target") {
    state.targetName = state.labels.includes(value) ? value : null;
  } else if (FAMILIES.includes(key)) {
    if (state.methods[key] === value || !Object.hasOwn(registry.methods, value)) return;
    remember(key);
    state.methods[key] = value;
    state.family = key;
  } else {
    if (value === null || !Number.isFinite(value)) return; // an emptied box
    value = inRange(registry.parameters[key], value);
    if (state.settings[key] === value) return;
    const { family } = Object.values(registry.methods).find(({ parameters }) => parameters.includes(key));
    remember(family);
    state.settings[key] = value;
    state.family = family;
    if (family === "bounded" && state.settings.lo > state.settings.hi) {
      state.settings[key === "lo" ? "hi" : "lo"] = value; // the other one goes along
    }
  }
  update();
};

// Keep what a family showed before this change, unless the change before it is only a moment ago: a drag is one.
const remember = (family) => {
  const now = performance.now();
  const held = state.changed[family] > pressed; // the same drag, however long it paused
  if (!held && now - (state.changed[family] ?? -Infinity) > SETTLED) state.before[family] = state.outputs[family];
  state.changed[family] = now;
};
let pressed = Infinity; // when the pointer that is still down went down
document.addEventListener("pointerdown", () => (pressed = performance.now()), true);
for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => (pressed = Infinity), true);

// What the server sends --------------------------------------------------------------------------------------------

export const receive = (message) => {
  if (!message) return;
  const data = JSON.parse(message);
  if (data.gradient) {
    if (data.asked !== state.asked) return; // an answer to a question that was overtaken
    state.gradients = data.gradient;
    state.steepest = max(COLUMNS.map((column) => max(data.gradient[column].gradient.map(Math.abs))));
    state.stale = false;
    draw();
    return;
  }
  const sameModel = data.model === state.model;
  if (!sameModel) state.targetName = null;
  state.model = data.model;
  state.image = data.image;
  flag("with-own-picture", data.image === null);
  state.labels = data.labels;
  state.logits = Float64Array.from(data.logits);
  state.order = Array.from(state.logits.keys()).sort((a, b) => state.logits[b] - state.logits[a] || a - b);
  state.before = {};
  state.changed = {};
  state.over = state.pinned = null;
  state.gradients = null;
  computeA();
  // The axes stay for the next picture too, so that two can be compared, unless it would not fit or would be tiny.
  const [low, high] = axisFor(state.logits);
  const [from, to] = state.base;
  if (!sameModel || low < from || high > to || to - from > 2.5 * (high - low)) fitLogits();
  update();
  settle();
};

const axisFor = (values, parts = 4) => {
  const low = Math.min(0, min(values));
  const high = Math.max(0, max(values)) || (low === 0 ? 1 : 0); // nothing but zeros: any axis will do
  const step = niceStep((high - low) / parts);
  return [Math.floor((low / step) * 1.05) * step, Math.ceil((high / step) * 1.05) * step];
};

const fitLogits = () => {
  state.base = axisFor(state.logits);
  state.axes = { logit: [...state.base], probability: [0, 1] };
};

// All numbers that the logit columns show, A's and the classes' without a row among them.
const onAxis = () => {
  const { logits, outputs, aOutputs } = state;
  const columns = [outputs, aOutputs].flatMap(({ bounded, regularised }) => [bounded, regularised]);
  const values = [logits, ...columns.map((column) => column?.y ?? [])].flatMap((of) => [min(of), max(of)]);
  return values.filter((v) => Number.isFinite(v));
};

// The logit axis follows its bars: it grows as soon as one would leave it, and only when the control rests does it
// give up what no bar needs any more. A drag that goes back thus moves bars, and not what they are measured by.
// `state.base` is what it never gives up: the axis of the picture, or the one that a person asked for.
const grow = () => {
  const values = onAxis();
  const [from, to] = state.axes.logit;
  if (!values.length || (min(values) >= from && max(values) <= to)) return;
  const [low, high] = axisFor(values, 10);
  state.axes.logit = [Math.min(low, from), Math.max(high, to)];
};
let resting = 0;
const settle = () => {
  clearTimeout(resting);
  if (state.axes.logit.every((end, at) => end === state.base[at])) return;
  resting = setTimeout(() => {
    if (pressed < Infinity) {
      settle();
      return;
    }
    state.axes.logit = [...state.base];
    grow();
    draw();
  }, SETTLED);
};

// Fit the axes to what is on screen now; `all` goes back to those of a new picture.
export const rescale = (all = false) => {
  fitLogits();
  if (!all) {
    const rows = shown();
    const visible = (family) =>
      [state.outputs, state.aOutputs].flatMap((of) => (of[family] ? rows.map((i) => of[family].y[i]) : []));
    state.base = axisFor([...rows.map((i) => state.logits[i]), ...visible("bounded"), ...visible("regularised")]);
    state.axes.logit = [...state.base];
    const top = max(visible("probability"));
    const step = niceStep(top / 4);
    state.axes.probability = [0, Math.min(1, Math.ceil(top / step) * step)];
  } else state.before = {};
  draw();
};

/** As the page opens: `opening` is what gradio's controls show then, and go back to. */
export const reset = (opening) => {
  pinA(null);
  rescale(true);
  return opening;
};

const shown = () => state.order.slice(0, state.k);

// Of `last`, what a family's outputs were before, they stay the very same while nothing changes that they depend on.
const outputsOf = ({ methods, settings }, last = {}) => {
  const { logits } = state;
  const of = (method, known) => {
    const key = JSON.stringify([method, registry.methods[method].parameters.map((name) => settings[name])]);
    return known?.key === key && known.logits === logits ? known : { key, logits, ...twins[method](logits, settings) };
  };
  return Object.fromEntries(FAMILIES.map((family) => [family, of(methods[family], last[family])]));
};

const compute = () => {
  state.outputs = outputsOf(state, state.outputs);
  state.target = state.targetName === null ? state.order[0] : state.labels.indexOf(state.targetName);
};

let settling = 0;
const update = () => {
  if (!state.logits.length) return;
  compute();
  grow();
  state.stale = state.gradientOn;
  draw();
  settle();
  changed();
  state.asked += 1; // what is on its way from the server answers an older question
  clearTimeout(settling);
  if (state.gradientOn) {
    settling = setTimeout(() => {
      const { methods, settings, target, asked } = state;
      ask({ logits: Array.from(state.logits), methods, settings, target, asked });
    }, SETTLED);
  }
};

// Comparing two: A is pinned, B is what the controls say ---------------------------------------------------------

let drawing = 0; // changes with A's outputs

const computeA = () => {
  state.aOutputs = state.a && state.logits.length ? outputsOf(state.a) : {};
  drawing += 1;
};

// A setting as it may come, from a link say, to one that is whole and within its ranges.
const whole = ({ methods, settings }) => {
  const choice = (family) =>
    registry.methods[methods[family]]?.family === family ? methods[family] : registry.chosen[family];
  const number = (key, p) => (Number.isFinite(settings[key]) ? inRange(p, settings[key]) : p.default);
  const numbers = Object.fromEntries(Object.entries(registry.parameters).map(([key, p]) => [key, number(key, p)]));
  numbers.hi = Math.max(numbers.lo, numbers.hi);
  return { methods: Object.fromEntries(FAMILIES.map((family) => [family, choice(family)])), settings: numbers };
};

// The button that is left has the focus then; the one that was pressed is gone.
export const unpinA = () => {
  pinA(null);
  document.querySelector("#pin-a").focus();
};

const inWords = ({ methods, settings }) => FAMILIES.map((family) => words(methods[family], settings)).join("; ");

// Keep a setting as A, {methods, settings}; null ends the comparison.
export const pinA = (setting = state) => {
  if (!setting && !state.a) return;
  state.a = setting && whole(setting);
  state.before = {};
  computeA();
  grow();
  draw();
  settle();
  tell(state.a ? t("Pinned as A: {setting}.", { setting: inWords(state.a) }) : t("A is no longer pinned."));
  changed();
};

export const swap = () => {
  if (!state.a) return;
  const { a, family } = state;
  pinA(state);
  assign({ explore: { ...a.methods, ...a.settings, family } });
  tell(t("A and B have changed places. A: {a}. B: {b}.", { a: inWords(state.a), b: inWords(state) }));
};

const tell = (content) => {
  if (chart) figures.live.textContent = content;
};

// Building the page's nodes ---------------------------------------------------------------------------------------

export const mount = (element, props, watch, asks) => {
  chart = element.querySelector("#chart");
  ask = asks.gradient;
  picture.follow(asks.back);
  figures = {};
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
      built: "",
    };
  }
  const details = node("details", "numbers", chart);
  label("The same numbers as a table", node("summary", "", details));
  figures.table = node("div", "table-scroll", details);
  figures.table.tabIndex = 0;
  figures.table.setAttribute("role", "region");
  label("Table of all numbers shown", figures.table, "aria-label");
  details.addEventListener("toggle", () => draw());
  figures.live = node("p", "visually-hidden", chart);
  figures.live.setAttribute("aria-live", "polite");

  chart.addEventListener("pointerover", (event) => point(event.target));
  chart.addEventListener("focusin", (event) => point(event.target));
  chart.addEventListener("pointerleave", () => point(null));
  chart.addEventListener("focusout", () => point(null));
  chart.addEventListener("click", (event) => pin(event.target));
  chart.addEventListener("keydown", walk);
  let width = 0;
  new ResizeObserver(([{ contentRect }]) => {
    if (contentRect.width !== width) draw(); // the height follows what is drawn
    width = contentRect.width;
  }).observe(figures.raw.figure);

  if (state.model === null) receive(props.value);
  watch("value", () => receive(props.value));
  document.addEventListener("language", draw);
  draw();
};

const classOf = (target) => {
  const row = target?.closest?.("g[data-class]");
  return row ? Number(row.dataset.class) : null;
};
const point = (target) => {
  const over = classOf(target);
  if (over === state.over) return;
  state.over = over;
  draw();
  // Room that an example has taken stays, or the row that is pointed at would move away from under the pointer, the
  // next one's example would give the room back, and so on without end.
  const examples = COLUMNS.map((column) => figures[column].example);
  const heights = examples.map((example) => example.offsetHeight);
  for (const [at, example] of examples.entries()) example.style.minHeight = `${heights[at]}px`;
};
const pin = (target) => {
  const hit = classOf(target);
  if (hit === null) return;
  state.pinned = state.pinned === hit ? null : hit;
  draw();
};
const walk = (event) => {
  const row = event.target.closest?.("g[data-class]");
  if (!row) return;
  if (event.key === "Enter" || event.key === " ") pin(row);
  else if (event.key === "ArrowDown") row.nextElementSibling?.focus?.();
  else if (event.key === "ArrowUp") row.previousElementSibling?.focus?.();
  else return;
  event.preventDefault();
};

const rest = () => state.order.length > shown().length;
const others = (n) => t("{n} others", { n });

// The nodes of one column; made anew when the classes, the width or the kind of row change.
const build = (column, width, gutter, plot, stacked) => {
  const parts = figures[column];
  const labelled = column === "raw" || stacked;
  const rows = shown();
  const key = JSON.stringify([
    state.model,
    rows,
    width,
    gutter,
    plot,
    labelled,
    state.gradientOn,
    state.a !== null,
    letters,
    others(""),
  ]);
  if (parts.built === key) return;
  parts.built = key;
  parts.drawn = null;
  parts.example.style.minHeight = "";

  const letter = LETTER * letters;
  const line = state.a ? LINE : 0;
  const body = ROW + line;
  const height = body + (state.gradientOn ? LANE : 0);
  parts.left = gutter;
  parts.right = gutter + plot;
  const end = parts.right + NUMBER * letters - 4;
  parts.body = body;
  const count = rows.length + (rest() ? 1 : 0);
  const full = TOP + count * height + AXIS;
  parts.bottom = TOP + count * height;
  const { svg } = parts;
  svg.replaceChildren();
  put(svg, { width, height: full, viewBox: `0 0 ${width} ${full}` });
  const defs = svgNode("defs", {}, svg);
  const hatch = svgNode(
    "pattern",
    { id: `hatch-${column}`, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    defs,
  );
  svgNode("rect", { width: 6, height: 6, class: "hatch-ground" }, hatch);
  svgNode("line", { x1: 1, y1: 0, x2: 1, y2: 6, class: "hatch-line" }, hatch);
  parts.axis = svgNode("g", { class: "axis", "aria-hidden": "true" }, svg);
  const list = svgNode("g", { role: "list" }, svg);
  parts.rows = [...rows, ...(rest() ? [-1] : [])].map((index, at) => {
    const y = TOP + at * height;
    const g = svgNode("g", { class: "row", transform: `translate(0 ${y})`, role: "listitem" }, list);
    if (index >= 0) put(g, { "data-class": index, tabindex: column === "raw" || stacked ? 0 : -1 });
    svgNode("rect", { class: "hit", x: 0, y: 0, width, height, rx: 4 }, g);
    const row = { g, index };
    const middle = body / 2 + 4;
    const withA = state.a && column !== "raw";
    if (labelled) {
      const fits = Math.floor((gutter - 8) / letter);
      const name = index < 0 ? others(state.order.length - rows.length) : state.labels[index];
      const cut = name.length > fits ? `${name.slice(0, Math.max(fits - 1, 1))}…` : name;
      svgNode("text", { class: "label", x: gutter - 8, y: middle, "text-anchor": "end" }, g).textContent = cut;
    }
    row.name = svgNode("title", {}, g);
    row.ghost = svgNode("rect", { class: "ghost", y: 4 + line / 2, height: ROW - 8, rx: 2 }, g);
    row.bar = svgNode("rect", { class: "bar", y: 5 + line / 2, height: ROW - 10, rx: 2 }, g);
    row.beyond = svgNode("path", { class: "beyond", transform: `translate(0 ${line / 2})` }, g);
    row.value = svgNode("text", { class: "value", x: end, y: withA ? 14 : middle, "text-anchor": "end" }, g);
    if (withA) {
      row.outline = svgNode("path", { class: "a-outline" }, g);
      row.end = svgNode("path", { class: "a-end" }, g);
      row.aValue = svgNode("text", { class: "a-value", x: end, y: body - 6, "text-anchor": "end" }, g);
    }
    if (state.gradientOn) {
      row.lane = svgNode("rect", { class: "lane", y: body - 2, height: LANE - 2, rx: 2 }, g);
      row.arrow = svgNode("path", { class: "arrow" }, g);
      row.slope = svgNode("text", { class: "slope", x: end, y: body + 8, "text-anchor": "end" }, g);
    }
    return row;
  });
  parts.lines = svgNode("g", { class: "bounds", "aria-hidden": "true" }, svg);
};

// Drawing ------------------------------------------------------------------------------------------------------------

const axisOf = (column) => state.axes[column === "probability" ? "probability" : "logit"];

const scaleOf = (column) => {
  const [low, high] = axisOf(column);
  const { left, right } = figures[column];
  return (v) => left + ((Math.min(Math.max(v, low), high) - low) / (high - low)) * (right - left);
};

// The step between ticks, and the digits of their texts: as many ticks as fit without touching, and three at least.
const ticksFor = (low, high, room, unit) => {
  const texts = (step) => {
    const digits = Math.max(0, -Math.floor(Math.log10(step * unit) + 1e-9));
    const longest = Math.max(...[low, high].map((v) => (v * unit).toFixed(digits).length)) + (unit === 100 ? 1 : 0);
    return { step, digits, room: (longest * 6.2 + 6) * letters };
  };
  const count = ({ step }) => Math.floor(high / step + 1e-6) - Math.ceil(low / step - 1e-6) + 1;
  const steps = [];
  for (let step = niceStep((high - low) / 20); steps.length < 8; step = niceStep(step * 1.1)) steps.push(texts(step));
  const enough = steps.filter((one) => count(one) >= 3);
  return enough.find((one) => (one.step / (high - low)) * room >= one.room) ?? enough.at(-1);
};

const drawAxis = (column) => {
  const { axis, left, right, bottom } = figures[column];
  const [low, high] = axisOf(column);
  const key = `${low} ${high} ${left} ${right}`;
  if (axis.dataset.key === key) return;
  axis.dataset.key = key;
  axis.replaceChildren();
  const x = scaleOf(column);
  const { step, digits } = ticksFor(low, high, right - left, column === "probability" ? 100 : 1);
  for (let v = Math.ceil(low / step - 1e-9) * step; v <= high + step * 1e-6; v += step) {
    const zero = Math.abs(v) < step * 1e-6;
    svgNode("line", { x1: x(v), x2: x(v), y1: TOP, y2: bottom, class: zero ? "zero" : "grid" }, axis);
    const tick = svgNode("text", { x: x(v), y: bottom + 15, "text-anchor": "middle" }, axis);
    tick.textContent =
      column === "probability" ? `${(v * 100).toFixed(digits)}%` : minus(zero ? "0" : v.toFixed(digits));
  }
};

const drawBounds = () => {
  const { lines, bottom } = figures.raw;
  lines.replaceChildren();
  const x = scaleOf("raw");
  const [low, high] = axisOf("raw");
  const off = { low: [], high: [] };
  const inwards = Math.min(3, (x(state.settings.hi) - x(state.settings.lo)) / 2 - 2); // names of a narrow box stay apart
  for (const key of ["lo", "hi"]) {
    const v = state.settings[key];
    if (v < low) off.low.push(key);
    else if (v > high) off.high.push(key);
    else {
      svgNode("line", { x1: x(v), x2: x(v), y1: TOP, y2: bottom }, lines);
      const at = {
        x: x(v) + (key === "lo" ? inwards : -inwards),
        y: TOP - 4,
        "text-anchor": key === "lo" ? "end" : "start",
      };
      svgNode("text", at, lines).textContent = key;
    }
  }
  // A bound off the axis is named at the edge that it lies beyond; the number box says where.
  const { left, right } = figures.raw;
  const edge = (at, content) => (svgNode("text", { ...at, y: TOP - 4 }, lines).textContent = content);
  if (off.low.length) edge({ x: left - 8, "text-anchor": "end" }, `◂ ${off.low.join(", ")}`);
  if (off.high.length) edge({ x: right + 8, "text-anchor": "start" }, `${off.high.join(", ")} ▸`);
};

// What the last row says about the classes that have no row.
const restOf = (column, values) => {
  const others = state.order.slice(state.k).map((i) => values[i]);
  if (column === "probability") {
    const total = sum(others);
    return { from: 0, to: total, text: percent(Math.min(total, 1)) };
  }
  const [low, high] = [min(others), max(others)];
  const brief = (v) => (Math.abs(v) < 0.05 ? short(v, 1) : short(Number(v.toFixed(1)))); // 0 only for 0
  return { from: low, to: high, text: `${brief(low)}…${brief(high)}` };
};

const span = (x, from, to) => {
  const [a, b] = [x(Math.min(from, to)), x(Math.max(from, to))];
  return { x: a, width: Math.max(b - a, from === to ? 0 : 1) };
};

// A as an outline that ends in a thick stroke. It follows the picture, the axes and the width, but no slider.
const drawA = (column) => {
  const parts = figures[column];
  const now = state.a && `${drawing} ${axisOf(column)} ${t("passes no gradient")}`;
  if (column === "raw" || parts.drawn === now) return;
  parts.drawn = now;
  if (!state.a) return;
  const x = scaleOf(column);
  const [low, high] = axisOf(column);
  const { y: values, dead } = state.aOutputs[column];
  const [top, bottom] = [5, parts.body - 5];
  for (const row of parts.rows) {
    if (row.index < 0) {
      const { from, to, text: said } = restOf(column, values);
      put(row.outline, { d: `M${x(from)} ${top}H${x(to)}V${bottom}H${x(from)}z` });
      row.told = `; A ${said}`;
      say(row.aValue, `A ${said}`);
      continue;
    }
    const v = values[row.index];
    put(row.outline, { d: `M${x(0)} ${top}H${x(v)}M${x(v)} ${bottom}H${x(0)}` });
    put(row.end, { d: v < low || v > high ? "" : `M${x(v)} ${top - 1}V${bottom + 1}` });
    row.told = `; A ${text(column)(v)}${dead[row.index] ? `, ${t("passes no gradient")}` : ""}`;
    say(row.aValue, `A ${text(column)(v)}`);
  }
};

const drawRows = (column) => {
  const { rows, right, left, body } = figures[column];
  const x = scaleOf(column);
  const [low, high] = axisOf(column);
  const { y: values, dead } = column === "raw" ? { y: state.logits, dead: null } : state.outputs[column];
  const before = column === "raw" || state.a ? null : state.before[column]?.y;
  const format = text(column);
  const lit = state.over ?? state.pinned;
  const slopes = state.gradients?.[column]?.gradient;
  for (const row of rows) {
    if (row.index < 0) {
      const { from, to, text: said } = restOf(column, values);
      put(row.bar, { ...span(x, from, to), class: "bar rest" });
      say(row.value, said);
      say(row.name, `${t("the other classes:")} ${said}${row.told ?? ""}`);
      continue;
    }
    const v = values[row.index];
    const isDead = Boolean(dead?.[row.index]);
    put(row.bar, { ...span(x, 0, v), class: isDead ? "bar dead" : "bar" });
    put(row.ghost, before ? { ...span(x, 0, before[row.index]), display: "inline" } : { display: "none" });
    const off = v > high ? `M${right - 7} 6 l7 7 l-7 7z` : v < low ? `M${left + 7} 6 l-7 7 l7 7z` : "";
    put(row.beyond, { d: off });
    say(row.value, format(v));
    say(
      row.name,
      `${state.labels[row.index]}: ${t(NAMES[column])} ${format(v)}${isDead ? `, ${t("passes no gradient")}` : ""}${row.told ?? ""}`,
    );
    row.g.classList.toggle("lit", row.index === lit);
    row.g.classList.toggle("target", state.gradientOn && row.index === state.target);
    if (row.lane) drawSlope(row, slopes?.[row.index], left, right, body);
  }
};

// A gradient as an arrow: where one step of gradient descent would push the logit.
const drawSlope = (row, slope, left, right, body) => {
  const middle = (left + right) / 2;
  const y = body + LANE / 2 - 3;
  const none = slope === 0;
  put(row.lane, { x: left, width: Math.max(right - left - (none ? 6 : 0), 0), class: none ? "lane none" : "lane" });
  const reach = slope ? (-slope / state.steepest) * ((right - left) / 2 - 4) : 0;
  const tip = middle + reach;
  const back = tip - Math.sign(reach) * Math.min(5, Math.abs(reach));
  put(row.arrow, {
    d: reach ? `M${middle} ${y - 1.5} H${back} V${y - 4} L${tip} ${y} L${back} ${y + 4} V${y + 1.5} H${middle}z` : "",
  });
  say(row.slope, slope === undefined ? "" : none ? t("no gradient") : `∂ ${logit(slope)}`);
};

const LEGEND = phrase("A, pinned: outlines. B, the controls: bars. Signed numbers in badges: B − A.");

const drawFormula = (column) => {
  const { formula, example, note } = figures[column];
  const lit = state.over ?? state.pinned;
  if (column === "raw") {
    say(formula, "z = W h + b");
    say(
      example,
      lit === null
        ? t("Point at a class, or tab to it, to see its numbers.")
        : `${state.labels[lit]}: z = ${logit(state.logits[lit])}`,
    );
  } else {
    const method = registry.methods[state.methods[column]];
    const { y, named } = state.outputs[column];
    const numbers = { ...state.settings, ...named };
    // y, the result, wears the column's unit; everything else is a plain number.
    const fill = (template, extra = {}) =>
      template
        .replace(/\{(\w+)\}/g, (_, key) => extra[key] ?? short(numbers[key]))
        .replace(/([+−-]) −/g, (_, sign) => (sign === "+" ? "− " : "+ "));
    const point = state.methods[column] === "smooth_clamp" && state.settings.lo === state.settings.hi; // no 0 / 0
    say(formula, point ? `y = ${short(state.settings.lo)}` : fill(method.formula));
    say(
      example,
      lit === null || point
        ? ""
        : `${state.labels[lit]}: ${fill(method.example, { z: short(state.logits[lit]), y: text(column)(y[lit]) })}`,
    );
    say(note, t(method.help) + lambdaNote(column));
  }
  say(
    figures[column].a,
    !state.a ? "" : column === "raw" ? t(LEGEND) : `A: ${words(state.a.methods[column], state.a.settings)}`,
  );
  const told = state.gradients?.[column];
  figures[column].figure.dataset.loss = told
    ? t("Loss: {name} = {loss}, target {target}. Arrows show where a step of gradient descent would move the logit.", {
        name: told.name.replace("cross-entropy of", t("cross-entropy of")),
        loss: Number.isFinite(told.loss) ? short(told.loss) : t("infinite"),
        target: state.labels[state.target],
      })
    : "";
};

const lambdaNote = (column) => {
  const key = state.methods[column];
  if (key !== "prox_l1" && key !== "prox_l2") return "";
  const { lam } = state.settings;
  const norm = sum(state.logits.map((v) => (key === "prox_l1" ? Math.abs(v) : v * v)));
  const sign = key === "prox_l1" ? "‖z‖₁" : "‖z‖₂²";
  const penalty = `λ${sign} = ${short(lam)} · ${short(norm)} = ${short(lam * norm)}`;
  return ` ${t("As a penalty, λ does something else: it adds {penalty} to the training loss, and the weights learn to keep z small.", { penalty })}`;
};

const drawBadges = (column) => {
  const { badges } = figures[column];
  const wanted = column === "raw" ? rawBadges() : constrainedBadges(column);
  while (badges.children.length < wanted.length) {
    const badge = node("li", "", badges);
    node("span", "", badge);
    node("span", "of-a", badge);
  }
  while (badges.children.length > wanted.length) badges.lastChild.remove();
  wanted.forEach(([content, kind, ofA], at) => {
    const badge = badges.children[at];
    say(badge.firstChild, content);
    say(badge.lastChild, ofA ?? "");
    put(badge, { class: kind ?? "" });
  });
};

const range = (low, high, format) => `${format(low)} … ${format(high)}`;

const rawBadges = () => [
  [t("top-1 {name}", { name: state.labels[state.order[0]] })],
  [t("range {range}", { range: range(min(state.logits), max(state.logits), logit) })],
  [t("sum {sum}", { sum: logit(sum(state.logits)) })],
];

const entropy = (p) => -sum(p.map((v) => (v > 0 ? v * Math.log(v) : 0)));

// What the badges of a column say, as numbers; once for each of its outputs.
const measures = new WeakMap();
const measure = (column, setting, output) => {
  if (!measures.has(output)) measures.set(output, judge(column, setting, output));
  return measures.get(output);
};
const judge = (column, { methods, settings }, { y, dead }) => {
  const method = methods[column];
  const top = max(y);
  const distribution = column === "probability" || (method === "project_simplex" && settings.radius === 1);
  return {
    method,
    best: Array.from(y.keys()).filter((i) => y[i] === top),
    low: min(y),
    top,
    clipped: sum(state.logits.map((v) => (v < settings.lo || v > settings.hi ? 1 : 0))),
    zeros: sum(y.map((v) => (v === 0 ? 1 : 0))),
    flat: sum(dead),
    sum: sum(y),
    entropy: distribution ? entropy(y) : null,
    moved: Math.sqrt(sum(y.map((v, i) => (v - state.logits[i]) ** 2))),
  };
};

const kept = ({ best }) => best.length === 1 && best[0] === state.order[0];
const ranking = (column, { best, top }) => {
  const raw = state.order[0];
  if (!best.includes(raw)) return t("changed to {name}", { name: state.labels[best[0]] ?? t("nothing") });
  if (best.length === 1) return t("kept: {name}", { name: state.labels[raw] });
  return t("tied: {n} of {total} at {value}", { n: best.length, total: state.labels.length, value: text(column)(top) });
};

// A's part of a badge: its number and by how much B differs. What differs by rounding alone is the same.
const SAME = phrase("A the same");
const same = (b, a) => Object.is(b, a) || Math.abs(b - a) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b));
const signed = (count) => minus(count > 0 ? `+${count}` : String(count));
const beside = (b, a, format, difference = logit) => (same(b, a) ? t(SAME) : `A ${format(a)}, ${difference(b - a)}`);

const constrainedBadges = (column) => {
  const b = measure(column, state, state.outputs[column]);
  const output = state.aOutputs[column];
  const a = output && measure(column, state.a, output);
  const total = state.labels.length;
  const three = (v) => short(Number(v.toPrecision(3)));
  const list = [];
  const add = (content, kind, ofA) => list.push([content, kind, a ? ofA() : ""]);

  const [rank, rankOfA] = [b, a ?? b].map((side) => ranking(column, side));
  add(t("top-1 {name}", { name: rank }), kept(b) ? "" : "warn", () =>
    rank === rankOfA && (kept(b) || same(b.top, a.top)) ? t(SAME) : `A ${rankOfA}`,
  );
  if (column === "bounded") {
    const counts = { n: b.clipped, total };
    const said =
      b.method === "smooth_clamp" ? t("{n} of {total} were outside", counts) : t("{n} of {total} clipped", counts);
    add(said, "", () => beside(b.clipped, a.clipped, String, signed));
  }
  if (registry.methods[b.method].zeros || b.zeros || a?.zeros) {
    add(b.zeros === 1 ? t("1 exact zero") : t("{n} exact zeros", { n: b.zeros }), "", () =>
      beside(b.zeros, a.zeros, String, signed),
    );
  }
  const inward = ({ method }) => method === "clamp_inward";
  const learns = b.flat
    ? t("{n} of {total} pass no gradient", { n: b.flat, total })
    : inward(b)
      ? t("gradient only inwards")
      : t("all pass a gradient");
  add(learns, b.flat ? "warn" : "", () => {
    if (a.flat && !b.flat) return t("A {n} pass none", { n: a.flat });
    if (inward(b) !== inward(a)) return inward(a) ? t("A only inwards") : t("A all do");
    return beside(b.flat, a.flat, String, signed);
  });
  const summed = column === "probability" ? (v) => String(Number(v.toFixed(6))) : logit;
  add(t("sum {sum}", { sum: summed(b.sum) }), "", () => beside(b.sum, a.sum, summed));
  const between = (side) => range(side.low, side.top, text(column));
  add(t("range {range}", { range: between(b) }), "", () =>
    same(b.low, a.low) && same(b.top, a.top) ? t(SAME) : `A ${between(a)}`,
  );
  if (b.entropy !== null) {
    const said = t("entropy {value} of {most} nats", { value: three(b.entropy), most: Math.log(total).toFixed(2) });
    add(said, "", () => (a.entropy === null ? t("A is no distribution") : beside(b.entropy, a.entropy, three)));
  }
  add(
    t("moved {distance}", { distance: `‖${column === "probability" ? "p" : "y"} − z‖₂ = ${three(b.moved)}` }),
    "",
    () => beside(b.moved, a.moved, three),
  );
  return list;
};

const drawTable = () => {
  const holder = figures.table;
  if (!holder.parentElement.open) return;
  const table = document.createElement("table");
  const headRow = node("tr", "", node("thead", "", table));
  // With A pinned, each constrained column is two: B's and A's.
  const sides = (column) => (column === "raw" || !state.a ? [""] : [", B", ", A"]);
  const names = COLUMNS.flatMap((column) => sides(column).map((side) => t(NAMES[column]) + side));
  for (const name of [t("Class"), ...names]) node("th", "", headRow, name).scope = "col";
  const body = node("tbody", "", table);
  const number = (column, v) => (column === "probability" ? percent(v) : minus(String(Number(v.toPrecision(6)))));
  for (const i of shown()) {
    const row = node("tr", "", body);
    node("th", "", row, state.labels[i]).scope = "row";
    for (const column of COLUMNS) {
      const v = column === "raw" ? state.logits[i] : state.outputs[column].y[i];
      const slope = state.gradients?.[column]?.gradient[i];
      const suffix =
        slope === undefined
          ? ""
          : slope === 0
            ? ` (${t("no gradient")})`
            : ` (${t("gradient {value}", { value: logit(slope) })})`;
      node("td", "", row, number(column, v) + suffix);
      if (sides(column).length > 1) node("td", "", row, number(column, state.aOutputs[column].y[i]));
    }
  }
  if (rest()) {
    const row = node("tr", "", body);
    node("th", "", row, others(state.order.length - state.k)).scope = "row";
    for (const column of COLUMNS) {
      node("td", "", row, restOf(column, column === "raw" ? state.logits : state.outputs[column].y).text);
      if (sides(column).length > 1) node("td", "", row, restOf(column, state.aOutputs[column].y).text);
    }
  }
  holder.replaceChildren(table);
};

const announce = () => {
  const text = COLUMNS.slice(1)
    .map((column) => `${t(NAMES[column])}: ${figures[column].badges.firstChild?.firstChild.textContent ?? ""}`)
    .join(". ");
  if (announced !== null && announced !== text) figures.live.textContent = text;
  announced = text;
};

const draw = () => {
  if (!chart || !state.logits.length) return;
  if (!figures.raw.figure.clientWidth) return; // on a hidden tab; the ResizeObserver comes back
  // Everything is read before anything is written: each read after a write would lay the page out once more.
  const look = getComputedStyle(chart);
  const stacked = look.getPropertyValue("--stacked").trim() === "1";
  letters = Number(look.getPropertyValue("--type"));
  const widths = COLUMNS.map((column) => Math.max(Math.floor(figures[column].figure.clientWidth), 120));
  const rows = shown();
  const longest = max([...rows.map((i) => state.labels[i].length), rest() ? others(999).length : 0]);
  const whole = stacked ? widths[0] : chart.closest("#grid").clientWidth;
  const labels = Math.min(12 + LETTER * letters * longest, Math.max(96 * letters, whole * (stacked ? 0.36 : 0.12)));
  // The raw column is wider by its labels, so that bars are equally long in all: one number, one length.
  chart.closest("#grid").style.setProperty("--labels", `${Math.ceil(labels - GUTTER)}px`);
  const gutters = COLUMNS.map((column) => (stacked || column === "raw" ? labels : GUTTER));
  const seen = COLUMNS.map((_, at) => at).filter((at) => figures[COLUMNS[at]].figure.clientWidth);
  const plot = Math.max(LEAST, Math.floor(min(seen.map((at) => widths[at] - gutters[at] - NUMBER * letters))));
  for (const [at, column] of COLUMNS.entries()) {
    build(column, widths[at], gutters[at], plot, stacked);
    drawAxis(column);
    drawA(column);
    drawRows(column);
    drawFormula(column);
    drawBadges(column);
  }
  drawBounds();
  drawTable();
  announce();
  chart.classList.toggle("gradient-stale", state.stale);
  for (const family of FAMILIES)
    showRows(document.querySelector(`#controls-${family}`), registry.methods[state.methods[family]].parameters);
  flag("with-a", state.a !== null);
};

// gradio passes a slider's event on a frame or two later. The chart follows the event itself, so that it is drawn in the
// frame in which the slider moves, and hears what gradio says of sliders once they rest: in a drag that is a step back.
let moved = -Infinity;
const waiting = {}; // key -> the timer of what gradio said meanwhile
export const hear = (key, value) => {
  clearTimeout(waiting[key]);
  const left = key in registry.parameters ? moved + SETTLED - performance.now() : 0;
  if (left > 0) waiting[key] = setTimeout(hear, left, key, value);
  else set(key, value);
};
const [own, told] = [set, hear].map((take) => logSliders(registry.parameters, state.settings, take));
const OTHER = { lo: "hi", hi: "lo" };
document.addEventListener(
  "input",
  ({ target }) => {
    const key = target.closest?.("[id^=explore-][id$=-slider]")?.id.split("-")[1];
    if (target.type !== "range" || !(key in registry.parameters)) return;
    moved = performance.now();
    const value = Number(target.value);
    if (target.closest(".position")) own.slide(key, value);
    else {
      const other = follow(key, value, state.settings[OTHER[key]]);
      set(key, value);
      set(OTHER[key], other);
    }
  },
  true,
);

export const { type, value } = own;
export const { slide } = told;
export { draw as redraw };

document.addEventListener("layout", draw);

explore({
  subject: () => ({ image: state.image, model: state.model, labels: state.labels, a: state.a }),
  pin: pinA,
});
register("explore", {
  get: (key) => {
    if (FAMILIES.includes(key)) return state.methods[key];
    if (key === "k" || key === "family") return state[key];
    if (key === "gradient") return state.gradientOn;
    if (key === "target") return state.targetName; // null: the raw top-1
    return state.settings[key];
  },
  set,
});

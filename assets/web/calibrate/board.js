// The Calibrate tab: the browser's twin of constrained/calibration.py, and the charts that it feeds.
//
// A set is {classes, logits, labels, rows, width}: logits a Float64Array of rows x width, labels whole numbers. What a
// constraint predicts is held as `calibration.as_logits` has it: numbers whose softmax, at a divisor, are the
// probabilities. Long work is a generator that is asked for its next step a few milliseconds at a time, so that a
// slider always gets its frame; what a slider moves is drawn in the next frame, in one go.
//
// tests/browser/test_calibrate.py compares `measure` with PyTorch to 1e-6 relative.

import { node, put, say, svgNode } from "../base/dom.js";
import { label, phrase, t } from "../base/i18n.js";
import { FAMILIES, registry } from "../base/registry.js";
import { show as showRows } from "../base/rows.js";
import { inRange } from "../base/scales.js";
import { logSliders } from "../base/sliders.js";
import * as plot from "../plots/lines.js";
import { assign, changed, register } from "../state.js";
import { max, min, methods as twins } from "../twins/constraints.js";
import { minus, percent, short } from "../twins/formats.js";

const BINS = 15;
const ROUNDING = 1e-12; // as in calibration.py, and so
const EDGE = 1e-6;
const CHUNK = 5000; // numbers between two looks at the clock
const SLICE = 8; // ms
const SPARSE = ["sparsemax", "entmax15"];
const LOST = 0.005; // of the accuracy, that a box may cost without a word
const FEW = 10; // rows below which a bin says little

// The twin of calibration.py -------------------------------------------------------------------------------------

// These act on each number alone, so that many rows can go through them at once.
const elementwise = (method) => registry.methods[method].family === "bounded" || method.startsWith("prox_");

// `calibration.as_logits`, but for the last division: {values, divisor}.
const predict = function* (set, method, settings) {
  const { logits, width, rows } = set;
  if (method === "softmax") return { values: logits, divisor: settings.temperature };
  const values = new Float64Array(logits.length);
  const sparse = SPARSE.includes(method);
  const step = Math.max(1, Math.floor(CHUNK / width));
  for (let from = 0; from < rows; from += step) {
    const to = Math.min(from + step, rows);
    if (elementwise(method)) {
      values.set(twins[method](logits.subarray(from * width, to * width), settings).y, from * width);
    } else {
      for (let row = from; row < to; row++) {
        const { y } = twins[method](logits.subarray(row * width, (row + 1) * width), settings);
        values.set(sparse ? y.map(Math.log) : y, row * width);
      }
    }
    yield;
  }
  return { values, divisor: sparse ? 1 : settings.temperature };
};

// `calibration.figures` and `calibration.reliability` of softmax(values / divisor).
const judge = function* ({ labels, width, rows }, { values, divisor }) {
  const table = { count: new Float64Array(BINS), confidence: new Float64Array(BINS), accuracy: new Float64Array(BINS) };
  const e = new Float64Array(width);
  let [nll, brier, hits, confident, impossible] = [0, 0, 0, 0, 0];
  const step = Math.max(1, Math.floor(CHUNK / width));
  for (let row = 0; row < rows; row++) {
    if (row % step === step - 1) yield;
    const at = row * width;
    const label = labels[row];
    let top = -Infinity;
    for (let i = at; i < at + width; i++) if (values[i] > top) top = values[i];
    let total = 0;
    for (let i = 0; i < width; i++) total += e[i] = Math.exp((values[at + i] - top) / divisor);
    const confidence = 1 / total;
    const least = confidence * (1 - ROUNDING);
    let tied = 0;
    for (let i = 0; i < width; i++) {
      const p = e[i] / total;
      if (p >= least) tied += 1;
      brier += (p - (i === label)) ** 2;
    }
    const hit = e[label] / total >= least ? 1 / tied : 0;
    if (values[at + label] === -Infinity) impossible += 1;
    nll += Math.log(total) - (values[at + label] - top) / divisor;
    // A bin is (lower edge, upper edge], and what lies on an edge but for rounding lies on it.
    let bin = Math.min(Math.floor(confidence * BINS), BINS - 1);
    while (bin > 0 && confidence <= bin / BINS + EDGE) bin -= 1;
    table.count[bin] += 1;
    table.confidence[bin] += confidence;
    table.accuracy[bin] += hit;
    hits += hit;
    confident += confidence;
  }
  let ece = 0;
  for (let bin = 0; bin < BINS; bin++) {
    ece += Math.abs(table.accuracy[bin] - table.confidence[bin]) / rows;
    table.confidence[bin] /= table.count[bin]; // NaN in an empty one
    table.accuracy[bin] /= table.count[bin];
  }
  const mean = (sum) => sum / rows;
  return {
    accuracy: mean(hits),
    nll: mean(nll),
    ece,
    brier: mean(brier),
    impossible: mean(impossible),
    confidence: mean(confident),
    table,
  };
};

const evaluate = function* (set, method, settings) {
  return yield* judge(set, yield* predict(set, method, settings));
};

const atOnce = (steps) => {
  let result;
  do result = steps.next();
  while (!result.done);
  return result.value;
};

// What the tab holds ------------------------------------------------------------------------------------------------

const defaults = Object.fromEntries(Object.entries(registry.parameters).map(([key, p]) => [key, p.default]));
export const state = {
  set: null,
  method: "softmax",
  settings: { ...defaults },
  before: null, // figures of softmax(z)
  after: null, // figures of the setting
  rows: {}, // the other rows of the table: name -> figures
  fitted: new Map(), // `setting()` -> the T that was fitted for it
  curves: { raw: null, own: null }, // [[T, figures], ...] and the setting they belong to
  sweep: null,
  metric: "accuracy",
  bin: null, // the bin that is pointed at
};
let board = null;
let parts = null;
let openSet = () => {};

const family = (method = state.method) => registry.methods[method].family;
// What a curve over T, or a fitted T, belongs to: the constraint and its numbers, T aside.
const setting = (method = state.method, settings = state.settings) => {
  const keys = registry.methods[method].parameters.filter((key) => key !== "temperature");
  return JSON.stringify([method, ...keys.map((key) => settings[key])]);
};

// Work that can wait: one step after the other, a slice at a time.
export const jobs = new Map(); // name -> {steps, done}
let working = false;
const work = () => {
  const until = performance.now() + SLICE;
  while (jobs.size && performance.now() < until) {
    const [name, { steps, done }] = jobs.entries().next().value;
    const result = steps.next();
    if (!result.done) continue;
    jobs.delete(name);
    done(result.value);
  }
  working = jobs.size > 0;
  if (working) setTimeout(work, 0);
};
const later = (name, steps, done) => {
  jobs.delete(name); // a newer one takes its place, at the end
  jobs.set(name, { steps, done });
  if (!working) setTimeout(work, 0);
  working = true;
};

const TEMPERATURES = Array.from({ length: 41 }, (_, i) => {
  const { low, high } = registry.parameters.temperature;
  return Number((low * (high / low) ** (i / 40)).toPrecision(4));
});
const overT = function* (set, method, settings) {
  const points = [];
  let fixed = null; // outputs that do not depend on T
  for (const temperature of TEMPERATURES) {
    if (SPARSE.includes(method)) points.push([temperature, yield* evaluate(set, method, { ...settings, temperature })]);
    else {
      fixed ??= yield* predict(set, method, settings);
      points.push([temperature, yield* judge(set, { ...fixed, divisor: temperature })]);
    }
  }
  return points;
};

// The outputs of the last setting, which stay the same while T moves.
let kept = { key: null, predicted: null };
const measureNow = () => {
  const { set, method, settings } = state;
  const key = SPARSE.includes(method) ? null : setting();
  if (key === null || key !== kept.key) kept = { key, predicted: atOnce(predict(set, method, settings)) };
  if (key !== null) kept.predicted.divisor = settings.temperature;
  state.after = atOnce(judge(set, kept.predicted));
};

let frame = 0;
const change = () => {
  if (!state.set) return;
  if (state.method === "softmax" && state.curves.raw) {
    state.curves.own = { of: setting(), method: "softmax", points: state.curves.raw };
    state.curves.pending = null;
    jobs.delete("curve");
  } else if (state.curves.own?.of !== setting() && state.curves.pending !== setting()) {
    const [of, method] = [setting(), state.method];
    state.curves.pending = of;
    later("curve", overT(state.set, state.method, { ...state.settings }), (points) => {
      state.curves.own = { of, method, points };
      if (method === "softmax") state.curves.raw = points;
      state.curves.pending = null;
      drawCurves();
    });
  }
  if (frame) return;
  frame = requestAnimationFrame(() => {
    frame = 0;
    measureNow();
    draw();
  });
};

export const set = (key, value) => {
  if (key === "method") {
    if (!Object.hasOwn(registry.methods, value)) return;
    state.method = value;
  } else {
    if (value === null || !Number.isFinite(value)) return; // an emptied box
    state.settings[key] = inRange(registry.parameters[key], value);
    const { lo, hi } = state.settings;
    if (lo > hi) state.settings[key === "lo" ? "hi" : "lo"] = state.settings[key]; // the other one goes along
  }
  change();
  changed();
};

const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
export const receive = (message) => {
  if (!message) return;
  const data = JSON.parse(message);
  if (data.temperature) {
    state.fitted.set(setting(data.method, data.settings), data.temperature);
    draw();
    return;
  }
  if (state.set) state.settings.temperature = 1; // the server's answer moves slider and box there, a moment later
  const logits = Float64Array.from(new Float32Array(bytes(data.logits)));
  const labels = new Int32Array(bytes(data.labels));
  state.set = {
    name: data.name,
    classes: data.classes,
    logits,
    labels,
    rows: labels.length,
    width: data.classes.length,
  };
  jobs.clear();
  kept = { key: null, predicted: null };
  state.fitted = new Map(data.fitted ? [[setting("softmax"), data.fitted]] : []);
  state.curves = { raw: null, own: null, pending: null };
  state.rows = {};
  state.sweep = null;
  state.bin = null;
  state.before = atOnce(evaluate(state.set, "softmax", defaults));
  if (data.fitted) state.rows.fitted = atOnce(evaluate(state.set, "softmax", { temperature: data.fitted }));
  change();
  for (const method of SPARSE) {
    later(method, evaluate(state.set, method, defaults), (figures) => {
      state.rows[method] = figures;
      drawTable();
    });
  }
  if (state.method !== "softmax") {
    later("raw curve", overT(state.set, "softmax", defaults), (points) => {
      state.curves.raw = points;
      drawCurves();
    });
  }
  sweep();
};

// The sweep of the bounds -----------------------------------------------------------------------------------------

const LOS = [-20, -10, -5, -3, -2, -1, -0.5, 0, 1, 2];
const HIS = [0, 0.5, 1, 2, 3, 4, 6, 8, 12, 20];
// A cell has room for four digits; 100 is said of 100 % alone.
const cell = (v) => (v === 1 ? "100" : Math.min(100 * v, 99.9).toFixed(1));
// 0 only for 0.
const fixed = (v, digits) => (v > 0 && v < 10 ** -digits / 2 ? v.toPrecision(1) : v.toFixed(digits));
const METRICS = {
  accuracy: { name: phrase("accuracy"), title: phrase("Accuracy, %"), sign: 1, format: cell },
  nll: {
    name: phrase("NLL"),
    title: phrase("NLL, nats"),
    sign: -1,
    format: (v) => (Number.isFinite(v) ? fixed(v, v < 10 ? 3 : v < 100 ? 2 : 0) : "∞"),
  },
  ece: { name: phrase("ECE"), title: phrase("ECE, %"), sign: -1, format: cell },
};
const sweepMethod = () => (family() === "bounded" ? state.method : "clamp");
const sweepKey = () => JSON.stringify([sweepMethod(), state.settings.temperature]);

// Every second row of a set, from the first or the second one on. The map tells of all rows; which box is best is
// chosen by the one half and reported on the other, or the luck of the rows that chose would be in the figures.
const half = ({ logits, labels, width }, from) => {
  const rows = Array.from(labels.keys()).filter((row) => row % 2 === from);
  const part = new Float64Array(rows.length * width);
  rows.forEach((row, at) => part.set(logits.subarray(row * width, (row + 1) * width), at * width));
  return { logits: part, labels: Int32Array.from(rows, (row) => labels[row]), rows: rows.length, width };
};

const sweeping = function* (into) {
  const choosing = half(state.set, 0);
  for (const [r, lo] of LOS.entries()) {
    for (const [c, hi] of HIS.entries()) {
      if (lo >= hi) continue;
      const box = { ...into.settings, lo, hi };
      into.chosen[r][c] = yield* evaluate(choosing, into.method, box);
      into.cells[r][c] = yield* evaluate(state.set, into.method, box);
      into.done += 1;
      if (into.done % 4 === 0) drawSweep();
    }
  }
};
const sweep = () => {
  if (!state.set) return;
  const cells = LOS.map((lo) => HIS.map((hi) => (lo < hi ? null : undefined)));
  const total = cells.flat().filter((cell) => cell === null).length;
  const about = { of: sweepKey(), method: sweepMethod(), settings: { ...state.settings } };
  state.sweep = { cells, chosen: LOS.map(() => []), best: {}, total, done: 0, ...about };
  later("sweep", sweeping(state.sweep), drawSweep);
  drawSweep();
};

const inner = (r, c) => r > 0 && r < LOS.length - 1 && c > 0 && c < HIS.length - 1;

// The best boxes of a finished sweep by the rows that choose, and what the others say of one of them; worked out once.
const bestOf = (found, metric) => (found.best[metric] ??= chooseBest(found, metric));
const chooseBest = (found, metric) => {
  const { sign } = METRICS[metric];
  const cells = found.chosen.flatMap((row, r) => row.map((figures, c) => ({ r, c, score: sign * figures[metric] })));
  const top = max(cells.map(({ score }) => (Number.isFinite(score) ? score : -Infinity)));
  const best = cells.filter(({ score }) => score === top);
  const { r, c } = best.find((cell) => inner(cell.r, cell.c)) ?? best[0];
  const others = half(state.set, 1);
  const box = atOnce(evaluate(others, found.method, { ...found.settings, lo: LOS[r], hi: HIS[c] }));
  const plain = atOnce(evaluate(others, "softmax", found.settings));
  const reach = [min(state.set.logits), max(state.set.logits)];
  return { r, c, box, plain, reach, all: new Set(best.map((cell) => `${cell.r} ${cell.c}`)) };
};

const recommendation = (found, metric) => {
  const { name, format } = METRICS[metric];
  const { r, c, box, plain, reach } = bestOf(found, metric);
  const told = [
    t(
      "By one half of the rows the best is lo = {lo}, hi = {hi}. On the other half: {name} {value}, without bounds {plain}.",
      {
        lo: short(LOS[r]),
        hi: short(HIS[c]),
        name: t(name),
        value: format(box[metric]),
        plain: format(plain[metric]),
      },
    ),
  ];
  if (box.accuracy < plain.accuracy - LOST) {
    told.push(
      t("It gives up accuracy: {value} instead of {plain}.", {
        value: percent(box.accuracy),
        plain: percent(plain.accuracy),
      }),
    );
  }
  const { sign } = METRICS[metric];
  const level = format(box[metric]) === format(plain[metric]);
  if (level || sign * box[metric] < sign * plain[metric]) told.push(t("Here bounds do not help."));
  // Beyond an edge that clips nothing, a hard clamp is the same map.
  const hard = found.method !== "smooth_clamp";
  const [below, above] = [hard && LOS[r] <= reach[0], hard && HIS[c] >= reach[1]];
  const edge = (r === 0 && !below) || r === LOS.length - 1 || c === 0 || (c === HIS.length - 1 && !above);
  if (below && above) told.push(t("It clips nothing."));
  else if (edge) told.push(t("It lies on the edge of the map: a better one may lie beyond."));
  return told.join(" ");
};
const pick = (hi, lo) => {
  assign({ calibrate: { method: state.sweep.method, lo, hi } });
};

// Drawing ----------------------------------------------------------------------------------------------------------

const WORDS = {
  accuracy: phrase("Accuracy"),
  nll: phrase("NLL"),
  ece: phrase("ECE"),
  brier: phrase("Brier"),
  impossible: phrase("p = 0"),
};
const figure = (key, v) => {
  if (key === "nll" || key === "brier") return Number.isFinite(v) ? fixed(v, 4) : "∞";
  return percent(v);
};

const described = () => {
  const { method, settings } = state;
  const { title, parameters } = registry.methods[method];
  const keys = family() === "probability" ? parameters : [...parameters, "temperature"];
  // No line breaks inside "T = 1".
  const numbers = keys.map((key) => `${registry.parameters[key].symbol}\u00a0=\u00a0${short(settings[key])}`);
  return { title: t(title), numbers: numbers.join(", ") };
};

const reliability = (host, own, name, spoken) => {
  const section = node("figure", `cal-card cal-reliability ${own}`, host);
  const caption = node("figcaption", "", section);
  label(name, node("b", "", caption));
  const setting = node("span", "cal-setting", caption);
  const svg = label(spoken, svgNode("svg", { tabindex: 0, role: "group" }, section), "aria-label");
  const below = node("p", "cal-read", section);
  below.setAttribute("aria-live", "polite");
  const diagram = { own, section, setting, svg, below, built: "", bin: null };
  const under = (event) => {
    const { left, width } = svg.getBoundingClientRect();
    const share = (event.clientX - left - PAD.left) / (width - PAD.left - PAD.right);
    return share < 0 || share > 1 ? null : Math.min(Math.floor(share * BINS), BINS - 1);
  };
  const point = (bin) => {
    if (bin === state.bin) return;
    state.bin = bin;
    drawReliability();
  };
  svg.addEventListener("pointermove", (event) => point(under(event)));
  svg.addEventListener("pointerleave", () => point(null));
  svg.addEventListener("blur", () => point(null));
  svg.addEventListener("keydown", (event) => {
    const now = state.bin;
    const moves = { ArrowLeft: (now ?? BINS) - 1, ArrowRight: (now ?? -1) + 1, Home: 0, End: BINS - 1, Escape: null };
    if (!(event.key in moves)) return;
    const to = moves[event.key];
    point(to === null ? null : Math.min(Math.max(to, 0), BINS - 1));
    event.preventDefault();
  });
  return diagram;
};

const PAD = { left: 40, right: 10, top: 8 };
const HEIGHT = { diagram: 250, gap: 34, histogram: 74, below: 34 };

const buildReliability = (diagram, width) => {
  if (diagram.built === width) return;
  diagram.built = width;
  const { svg, own } = diagram;
  const bottom = PAD.top + HEIGHT.diagram;
  const low = bottom + HEIGHT.gap + HEIGHT.histogram;
  const full = low + HEIGHT.below;
  svg.replaceChildren();
  put(svg, { width, height: full, viewBox: `0 0 ${width} ${full}` });
  const hatch = svgNode(
    "pattern",
    { id: `hatch-gap-${own}`, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    svgNode("defs", {}, svg),
  );
  svgNode("rect", { width: 6, height: 6, class: "cal-gap-ground" }, hatch);
  svgNode("line", { x1: 1, y1: 0, x2: 1, y2: 6, class: "cal-gap-line" }, hatch);
  const x = (v) => PAD.left + v * (width - PAD.left - PAD.right);
  const y = (v) => bottom - v * HEIGHT.diagram;
  const axis = svgNode("g", { class: "cal-axis", "aria-hidden": "true" }, svg);
  for (const v of [0, 0.2, 0.4, 0.6, 0.8, 1]) {
    const text = (100 * v).toFixed(0);
    svgNode("line", { x1: x(0), x2: x(1), y1: y(v), y2: y(v) }, axis);
    svgNode("text", { x: x(0) - 6, y: y(v) + 4, "text-anchor": "end" }, axis).textContent = text;
    svgNode("text", { x: x(v), y: low + 14, "text-anchor": "middle" }, axis).textContent = text;
  }
  svgNode("line", { x1: x(0), x2: x(1), y1: low, y2: low }, axis);
  const name = (at) => svgNode("text", { class: "name", "text-anchor": "middle", ...at }, axis);
  const turned = (at) => name({ transform: `translate(11 ${at}) rotate(-90)` });
  label("confidence of the top class, %", name({ x: x(0.5), y: low + 29 }));
  label("right, %", turned((y(0) + y(1)) / 2));
  label("rows", turned(low - HEIGHT.histogram / 2));
  const size = x(1 / BINS) - x(0);
  diagram.bins = Array.from({ length: BINS }, (_, bin) => {
    const g = svgNode("g", { class: "cal-bin" }, svg);
    const left = { x: x(bin / BINS) + 1, width: size - 2 };
    return {
      g,
      hit: svgNode("rect", { ...left, y: PAD.top, height: low - PAD.top, class: "cal-hit" }, g),
      bar: svgNode("rect", { ...left, class: "cal-bar" }, g),
      gap: svgNode("rect", { ...left, class: "cal-gap", fill: `url(#hatch-gap-${own})` }, g),
      mean: svgNode("line", { x1: left.x, x2: left.x + left.width, class: "cal-mean" }, g),
      rows: svgNode("rect", { ...left, class: "cal-rows" }, g),
      count: svgNode("text", { class: "cal-count" }, g),
    };
  });
  svgNode("line", { x1: x(0), x2: x(1), y1: y(0), y2: y(1), class: "cal-diagonal" }, svg);
  Object.assign(diagram, { x, y, low, size });
};

const drawReliability = () => {
  const widths = [parts.before, parts.after].map(({ svg }) => Math.floor(svg.parentElement.clientWidth) - 24);
  if (widths[0] < 40 || !state.after) return; // on a hidden tab; the ResizeObserver comes back
  const most = Math.max(...state.before.table.count, ...state.after.table.count);
  [
    [parts.before, state.before],
    [parts.after, state.after],
  ].forEach(([diagram, { table }], at) => {
    buildReliability(diagram, widths[at]);
    const { y, low, size } = diagram;
    for (const [bin, nodes] of diagram.bins.entries()) {
      const n = table.count[bin];
      const [right, mean] = n ? [table.accuracy[bin], table.confidence[bin]] : [0, 0];
      put(nodes.bar, { y: y(right), height: y(0) - y(right) });
      put(nodes.gap, { y: y(Math.max(right, mean)), height: n ? Math.abs(y(right) - y(mean)) : 0 });
      put(nodes.mean, { y1: y(mean), y2: y(mean), display: n ? "" : "none" });
      const height = n ? Math.max((HEIGHT.histogram - 30) * (n / most), 1) : 0;
      put(nodes.rows, { y: low - height, height });
      const middle = nodes.rows.x.baseVal.value + size / 2 + 2.5;
      put(nodes.count, { transform: `translate(${middle} ${low - height - 3}) rotate(-90)` });
      say(nodes.count, n ? String(n) : "");
      nodes.g.classList.toggle("few", n > 0 && n < FEW);
      nodes.g.classList.toggle("lit", bin === state.bin);
    }
    const n = table.count[state.bin];
    if (state.bin === null) {
      say(diagram.below, t("Bar: how often it is right. Line: how sure it is. Between them, the gap."));
    } else {
      const [from, to] = [state.bin, state.bin + 1].map((edge) => ((100 * edge) / BINS).toFixed(1));
      const gap = 100 * (table.confidence[state.bin] - table.accuracy[state.bin]);
      const values = {
        sure: percent(table.confidence[state.bin]),
        right: percent(table.accuracy[state.bin]),
        gap: Math.abs(gap).toFixed(1),
      };
      const told =
        gap >= 0
          ? t("sure {sure}, right {right}, over-confident by {gap} points", values)
          : t("sure {sure}, right {right}, under-confident by {gap} points", values);
      const rows = n === 1 ? t("1 row") : t("{n} rows", { n });
      say(diagram.below, `${t("{from} to {to} %", { from, to })}: ${n ? `${rows}, ${told}` : t("no rows")}.`);
    }
  });
};

const drawFigures = () => {
  const { before, after } = state;
  for (const [key, cells] of Object.entries(parts.cells)) {
    say(cells.before, figure(key, before[key]));
    say(cells.after, figure(key, after[key]));
    const [from, to] = [before[key], after[key]];
    const better = key === "accuracy" ? to > from : to < from;
    const same = figure(key, from) === figure(key, to); // as they stand there
    say(cells.verdict, same ? t("same") : better ? `▲ ${t("better")}` : `▼ ${t("worse")}`);
    put(cells.verdict, { class: same ? "same" : better ? "better" : "worse" });
  }
  const lean = ({ confidence, accuracy }) => {
    const gap = 100 * (confidence - accuracy);
    const leaning =
      Math.abs(gap) < 0.5 ? t("as sure as it may be") : gap > 0 ? t("over-confident") : t("under-confident");
    return t("{sure} sure, {right} right, {leaning}", { sure: percent(confidence), right: percent(accuracy), leaning });
  };
  say(parts.lean, t("On average, before: {before}. After: {after}.", { before: lean(before), after: lean(after) }));
  const zero = after.impossible;
  say(
    parts.infinite,
    Number.isFinite(after.nll)
      ? ""
      : t("The NLL is infinite: {share} of the true classes got probability 0, and −log 0 = ∞.", {
          share: percent(zero),
        }),
  );
};

const drawSetting = () => {
  const { title, numbers } = described();
  say(parts.before.setting, t("softmax, T = 1"));
  say(parts.after.setting, `${title}, ${numbers}`);
  say(
    parts.reads,
    SPARSE.includes(state.method)
      ? t("{method}(z / T), probabilities as they are", { method: title.toLowerCase() })
      : family() === "probability"
        ? "softmax(z / T)"
        : t("softmax(y / T), y the constrained output"),
  );
  for (const one of FAMILIES) parts.main.classList.toggle(`cal-${one}`, one === family());
  showRows(board.closest("#calibrate"), [...registry.methods[state.method].parameters, "temperature"]);
  const now = `${title}, ${numbers}`;
  if (parts.said !== now && parts.said)
    say(parts.live, `${now}: NLL ${figure("nll", state.after.nll)}, ECE ${figure("ece", state.after.ece)}`);
  parts.said = now;
};

const drawCurves = () => {
  if (!parts || !state.after) return;
  // Another constraint's curve goes at once; another setting's of this one stays, paler, until its own is there.
  const own = state.curves.own?.method === state.method ? state.curves.own : null;
  const stale = own !== null && own.of !== setting();
  const temperature = state.settings.temperature;
  const fitted = state.fitted.get(setting());
  const { low, high } = registry.parameters.temperature;
  const marks = [{ x: temperature, label: `T = ${short(temperature, 3)}`, colour: "var(--ink)" }];
  if (fitted && fitted >= low && fitted <= high) {
    const near = Math.abs(Math.log(fitted / temperature)) < 1; // where two names would lie on each other
    marks.push({ x: fitted, label: near ? "" : t("fitted"), colour: "var(--warn)", dash: "2 3" });
  }
  const title = t(registry.methods[state.method].title);
  for (const key of ["nll", "ece"]) {
    const series = [];
    const points = (list) => list.map(([at, figures]) => [at, figures[key] * (key === "ece" ? 100 : 1)]);
    if (own) series.push({ name: title, points: points(own.points), colour: `var(--${family()})` });
    if (state.method !== "softmax" && state.curves.raw) {
      series.push({ name: "softmax", points: points(state.curves.raw), colour: "var(--raw)", dash: "5 4" });
    }
    parts[key].draw({ series, marks });
    parts[key].figure.classList.toggle("cal-stale", stale);
  }
  const infinite = own?.points.filter(([, { nll }]) => !Number.isFinite(nll)).length ?? 0;
  const everywhere = infinite > 0 && infinite === own.points.length;
  const rest = [
    state.method === "softmax" ? "" : t("Dashed: softmax."),
    fitted ? t("Dotted: fitted T = {value}.", { value: short(fitted, 3) }) : "",
    own || state.method === "softmax" ? "" : t("The curve of {title} is on its way.", { title }),
  ];
  const legend = (...first) => [...first, ...rest].filter(Boolean).join(" ");
  const solid = own && state.method !== "softmax" ? t("Solid: {title}.", { title }) : "";
  say(parts.legends.ece, legend(solid));
  if (everywhere)
    say(
      parts.legends.nll,
      legend(
        t("{title} has no line here: its NLL is infinite at every T, as a true class got probability 0.", { title }),
      ),
    );
  else if (infinite)
    say(
      parts.legends.nll,
      legend(solid, t("Where the line is missing the NLL is infinite: a true class got probability 0.")),
    );
  else say(parts.legends.nll, legend(solid));
};

const ROWS = [
  ["before", phrase("Softmax, T = 1"), "raw"],
  ["fitted", phrase("Softmax, fitted T"), "probability"],
  ["sparsemax", phrase("Sparsemax, T = 1"), "probability"],
  ["entmax15", phrase("1.5-entmax, T = 1"), "probability"],
  ["after", "", ""],
];
const drawTable = () => {
  if (!parts || !state.after) return;
  const found = { ...state.rows, before: state.before, after: state.after };
  let infinite = false;
  for (const [key, name] of ROWS) {
    const { row, head, cells } = parts.table[key];
    const figures = found[key];
    const { title, numbers } = described();
    const T = state.fitted.get(setting("softmax"));
    say(
      head,
      key === "after"
        ? t("Chosen: {setting}", { setting: `${title}, ${numbers}` })
        : key === "fitted" && T
          ? t("Softmax, fitted T = {value}", { value: short(T, 3) })
          : t(name),
    );
    if (key === "fitted") row.hidden = !figures; // the best T lies at an edge
    for (const [column, cell] of Object.entries(cells)) say(cell, figures ? figure(column, figures[column]) : "…");
    infinite ||= figures && !Number.isFinite(figures.nll);
  }
  put(parts.table.after.row, { class: family() });
  say(
    parts.why,
    infinite
      ? t("∞: one true class with probability 0 is enough, since −log 0 = ∞. The last column says how many there are.")
      : "",
  );
};

const drawSweep = () => {
  if (!parts) return;
  const { sweep: found, metric } = state;
  const busy = Boolean(found) && found.done < found.total;
  parts.progress.hidden = !busy;
  parts.maps.hidden = !found;
  if (!found) return;
  parts.progress.value = found.done / found.total;
  const boxes = t("{done} of {total} boxes", found);
  parts.progress.setAttribute("aria-valuetext", boxes);
  for (const [key, { sign }] of Object.entries(METRICS)) {
    const { figure: shown, draw: paint } = parts.map[key];
    shown.hidden = key !== metric;
    if (key !== metric) continue;
    const values = found.cells.map((row) => row.map((cell) => (cell ? sign * cell[key] : cell)));
    const current = state.method === found.method ? [state.settings.hi, state.settings.lo] : [];
    paint({ xs: HIS, ys: LOS, values, current, best: busy ? null : bestOf(found, key).all });
  }
  const stale = !busy && found.of !== sweepKey();
  parts.maps.classList.toggle("cal-stale", stale);
  const what = t("{title} at T = {value}", {
    title: t(registry.methods[found.method].title),
    value: short(found.settings.temperature),
  });
  say(
    parts.sweepNote,
    busy
      ? boxes
      : stale
        ? t("These are of {what}: sweep again for the setting of now.", { what })
        : t(
            "{what}. Deeper is better over all rows, underlined is the best of the half that chooses; click one to take it over.",
            { what },
          ),
  );
  say(parts.sweepBest, busy || stale ? "" : recommendation(found, metric));
};

const draw = () => {
  if (!parts || !state.after) return;
  drawSetting();
  drawReliability();
  drawFigures();
  drawCurves();
  drawTable();
  if (state.sweep) drawSweep();
};

export const mount = (element, props, watch, opens) => {
  board = element.querySelector("#calibrate-board");
  openSet = opens.open;
  board.replaceChildren();
  const main = node("div", "cal-grid", board);
  parts = { main };
  parts.before = reliability(main, "raw", phrase("Before"), phrase("Before: reliability diagram"));
  parts.after = reliability(main, "own", phrase("After"), phrase("After: reliability diagram"));

  const figures = node("section", "cal-card cal-figures", main);
  label("What changed", node("h2", "", figures));
  const table = node("table", "", figures);
  const head = node("tr", "", node("thead", "", table));
  for (const name of ["", phrase("before"), phrase("after"), ""])
    name ? label(name, node("th", "", head)) : node("td", "", head);
  const body = node("tbody", "", table);
  parts.cells = {};
  for (const [key, name] of Object.entries(WORDS)) {
    const row = node("tr", "", body);
    label(name, node("th", "", row)).scope = "row";
    parts.cells[key] = {
      before: node("td", "cal-b", row),
      after: node("td", "cal-a", row),
      verdict: node("td", "", row),
    };
  }
  parts.lean = node("p", "cal-lean", figures);
  parts.infinite = node("p", "cal-infinite", figures);
  const list = node("dl", "", figures);
  for (const [term, text] of [
    [phrase("ECE"), phrase("the mean gap between how sure and how right, over the bins")],
    [phrase("NLL"), phrase("−log p of the true class: what T is fitted to")],
    [phrase("Brier"), phrase("squared distance from the right answer, 0 to 2")],
    [phrase("p = 0"), phrase("share of rows whose true class got probability 0")],
    [phrase("after"), ""],
  ]) {
    label(term, node("dt", "", list));
    const description = node("dd", "", list);
    if (text) label(text, description);
    else parts.reads = description;
  }
  label(
    "Classes tied at the top count as a guess. Pale bins have under {few} rows.",
    node("p", "cal-quiet", figures),
    "",
    { few: FEW },
  );

  const logT = { label: phrase("T"), log: true, low: TEMPERATURES[0], high: TEMPERATURES.at(-1) };
  const nll = node("section", "cal-card cal-half cal-nll", main);
  parts.nll = plot.lines(nll, { title: phrase("NLL against T"), x: logT, y: { label: phrase("NLL") } });
  const ece = node("section", "cal-card cal-half cal-ece", main);
  parts.ece = plot.lines(ece, { title: phrase("ECE against T, %"), x: logT, y: { label: phrase("ECE, %") } });
  parts.legends = { nll: node("p", "cal-quiet", nll), ece: node("p", "cal-quiet", ece) };

  const bounds = node("section", "cal-card cal-half cal-sweep", main);
  const bar = node("div", "cal-bar-row", bounds);
  label("Which bounds?", node("h2", "", bar));
  const button = label("Sweep the bounds", node("button", "cal-button", bar));
  button.type = "button";
  button.addEventListener("click", sweep);
  const which = node("div", "cal-choice", bar);
  which.setAttribute("role", "radiogroup");
  label("What the map shows", which, "aria-label");
  for (const [key, { title }] of Object.entries(METRICS)) {
    const choice = node("label", "", which);
    const radio = node("input", "", choice);
    Object.assign(radio, { type: "radio", name: "cal-metric", value: key, checked: key === state.metric });
    radio.addEventListener("change", () => {
      state.metric = key;
      drawSweep();
    });
    label(title, node("span", "", choice));
  }
  parts.progress = node("progress", "", bounds);
  label("Sweep", parts.progress, "aria-label");
  parts.progress.hidden = true;
  parts.sweepNote = node("p", "cal-quiet", bounds);
  parts.sweepBest = node("p", "cal-quiet", bounds);
  parts.maps = node("div", "", bounds);
  parts.map = {};
  for (const [key, { name, title, format, sign }] of Object.entries(METRICS)) {
    const format_ = (v) => minus(format(sign * v));
    const options = { x: { label: phrase("hi") }, y: { label: phrase("lo") }, title, name, pick, format: format_ };
    parts.map[key] = plot.map(parts.maps, options);
    label("scroll sideways for larger hi", parts.map[key].figure.querySelector("figcaption"), "data-more");
  }

  const compare = node("section", "cal-card cal-compare", main);
  label("Side by side", node("h2", "", compare));
  const scroll = node("div", "table-scroll", compare);
  put(scroll, { tabindex: 0, role: "region" });
  label("Comparison of methods", scroll, "aria-label");
  const grid = node("table", "", scroll);
  const titles = node("tr", "", node("thead", "", grid));
  for (const name of [phrase("Method"), ...Object.values(WORDS)]) label(name, node("th", "", titles)).scope = "col";
  const lines = node("tbody", "", grid);
  parts.table = {};
  for (const [key, , own] of ROWS) {
    const row = node("tr", own, lines);
    const first = node("th", "", row);
    first.scope = "row";
    const cells = Object.fromEntries(Object.keys(WORDS).map((column) => [column, node("td", "", row)]));
    parts.table[key] = { row, head: first, cells };
  }
  parts.why = node("p", "cal-quiet", compare);
  parts.live = node("p", "visually-hidden", main);
  parts.live.setAttribute("aria-live", "polite");
  drawSweep();

  // The data comes when the tab is seen for the first time.
  let asked = false;
  const see = () => {
    if (!board.clientWidth && !main.clientWidth) return;
    if (!state.set && !asked) {
      asked = true;
      openSet();
    }
    draw();
  };
  new ResizeObserver(see).observe(main);
  document.addEventListener("unanswered", ({ detail }) => {
    if (detail.at === "calibrate-block") asked = false; // the next visit to the tab asks again
  });
  addEventListener("online", see);
  receive(props.value);
  watch("value", () => receive(props.value));
  document.addEventListener("language", draw);
  draw();
};

// What PyTorch is compared with: figures and reliability table of any set under any setting.
export const measure = (own, method, settings) => atOnce(evaluate(own, method, settings));

const sliders = logSliders(registry.parameters, state.settings, set);
register("calibrate", { get: (key) => (key === "method" ? state.method : state.settings[key]), set });
export const { slide, type, value } = sliders;

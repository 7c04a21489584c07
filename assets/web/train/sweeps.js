// Sweeps: a setting trained again for many λ, or for many boxes.

/** @import { TrainFigures, TrainSetting } from "../types.js" */
/** @import { AxisOptions } from "../plots/axis.js" */
/** @import { Reading } from "../plots/drawing.js" */

import { node, say } from "../base/dom.js";
import { label, phrase, t } from "../base/i18n.js";
import { registry } from "../base/registry.js";
import { lines } from "../plots/lines.js";
import { map } from "../plots/map.js";
import { assign } from "../state.js";
import { percent, short } from "../twins/formats.js";
import { describePenalty } from "./description.js";
import { addKind, announce, ask, redraw, whenUnanswered } from "./jobs.js";
import { nllOf } from "./reading.js";
import { copy, flat, partsOf, requestOf, settings, training } from "./setting.js";

/**
 * @typedef {"lambda" | "bounds"} Axis what is swept
 * @typedef {Partial<TrainFigures> & {lo: number, hi: number, weight: number}} Point the end of a fit, without figures where that
 *   diverged
 * @typedef {object} Sweep
 * @property {number} question to the server, its number
 * @property {TrainSetting} setting
 * @property {Point[]} points
 * @property {number} done fits
 * @property {number} of them
 */

const { lambdas, bounds } = training;
const CURVES = /** @type {const} */ (["accuracy", "nll", "ece"]);

const none = () =>
  /** @type {{lambda: Sweep | null, bounds: Sweep | null, active: Axis | null}} */ ({
    lambda: null,
    bounds: null,
    active: null,
  });
export let sweep = none();

/** The sweep that is on its way. */
export const active = () => sweep.active && sweep[sweep.active];

/** @param {Axis} axis */
const begin = (axis) => {
  const setting = copy();
  if (axis === "lambda" && !setting.penalty) setting.penalty = "l1";
  const own = registry.methods[setting.method]?.parameters ?? [];
  if (axis === "bounds" && !["lo", "hi"].every((key) => own.includes(key))) setting.method = "clamp";
  const of = axis === "lambda" ? lambdas.length : bounds.lo.length * bounds.hi.length;
  const question = ask("sweep", { axis, setting: requestOf(setting) });
  sweep = { ...sweep, active: axis, [axis]: { question, setting, points: [], done: 0, of } };
  redraw();
};

/**
 * End the active sweep; one without a point is dropped.
 *
 * @param {string} state
 * @param {string} why it failed
 */
const end = (state, why = "") => {
  const ended = active();
  if (!sweep.active || !ended) return;
  const { done, of } = ended;
  if (state === "done") announce(t("Sweep: {n} heads trained.", { n: done }));
  else if (state === "stopped") announce(t("Sweep stopped: {done} of {of} heads trained.", { done, of }));
  else announce(`${t("Sweep failed.")} ${why}`);
  if (!done) sweep[sweep.active] = null;
  sweep.active = null;
};

/** @param {{question: number, axis: Axis, state: string, points: Point[], why: string}} report of the server */
export const receive = (report) => {
  const found = sweep[report.axis];
  if (found?.question !== report.question) return;
  found.points = report.points;
  found.done = report.points.length;
  if (report.state !== "running" && sweep.active === report.axis) end(report.state, report.why);
  redraw();
};

whenUnanswered("sweep", ({ question, axis }, why) => {
  if (sweep.active !== axis || active()?.question !== question) return;
  end("failed", why);
  redraw();
});

addKind({
  busy: () => sweep.active !== null,
  stop: () => {
    if (!active()?.done) end("stopped");
  },
  clear: () => {
    sweep = none();
  },
});

// Showing ----------------------------------------------------------------------------------------------------------

/**
 * @typedef {{draw: (data: any) => void, figure: HTMLElement}} Plot
 * @typedef {object} Parts of the section
 * @property {HTMLElement} lambdaText
 * @property {HTMLElement} boundsText
 * @property {HTMLElement} grid
 * @property {Plot[]} curves as in CURVES
 * @property {Plot} boxes
 */
/** @type {Parts} */
let parts;

/**
 * A point of a sweep, with all else that was swept, becomes the setting.
 *
 * @param {Axis} axis
 * @param {Partial<Point>} point
 */
const take = (axis, point) => {
  const found = sweep[axis];
  if (found) assign({ train: { ...flat(found.setting), ...point } });
  redraw();
};

/** @param {Element} root */
export const build = (root) => {
  const section = node("section", "", root);
  const head = node("div", "section-head", section);
  label("Sweeps", node("h3", "", head));
  /** @type {(text: string, axis: Axis) => void} */
  const button = (text, axis) => {
    const made = label(text, node("button", "", head));
    made.type = "button";
    made.addEventListener("click", () => begin(axis));
  };
  button(phrase("Sweep λ"), "lambda");
  button(phrase("Sweep lo and hi"), "bounds");
  label(
    "Trains with the settings on the left for many values of λ or many boxes. Choose a point to use its settings.",
    node("p", "quiet", section),
  );
  const lambdaText = node("p", "swept", section);
  const grid = node("div", "plots", section);
  const x = {
    label: phrase("λ, weight of the penalty"),
    log: true,
    zero: true,
    low: lambdas[1],
    high: lambdas.at(-1),
  };
  /** @type {(title: string, y: AxisOptions & Reading) => Plot} */
  const curve = (title, y) =>
    lines(grid, { title, x, y, height: 170, pick: (/** @type {number} */ weight) => take("lambda", { weight }) });
  /** @param {number} v */
  const tick = (v) => `${short(100 * v)} %`;
  const share = { format: tick, read: percent };
  const curves = [
    curve(phrase("Accuracy against λ"), { ...share, best: Math.max }),
    curve(phrase("NLL against λ"), { best: Math.min }),
    curve(phrase("ECE against λ"), { ...share, best: Math.min }),
  ];
  const boundsText = node("p", "swept", section);
  const boxes = map(section, {
    title: phrase("Accuracy in per cent for boxes from lo to hi: deeper colours are better, the best is underlined"),
    x: { label: phrase("hi") },
    y: { label: phrase("lo") },
    name: phrase("accuracy"),
    format: (/** @type {number} */ v) => (100 * v).toFixed(1),
    pick: (/** @type {number} */ hi, /** @type {number} */ lo) => take("bounds", { lo, hi }),
  });
  parts = { lambdaText, boundsText, grid, curves, boxes };
};

export const draw = () => {
  parts.grid.hidden = !sweep.lambda;
  if (sweep.lambda) drawLambda(sweep.lambda);
  else say(parts.lambdaText, "");
  parts.boxes.figure.hidden = !sweep.bounds;
  if (sweep.bounds) drawBounds(sweep.bounds);
  else say(parts.boundsText, "");
};

/** @param {Sweep} swept */
const drawLambda = ({ setting, points }) => {
  const penalty = describePenalty(setting, t);
  say(parts.lambdaText, [t("{penalty} with any λ", { penalty }), ...partsOf({ ...setting, penalty: "" })].join(" · "));
  const marks = settings.penalty === setting.penalty ? [{ x: settings.weight, label: t("now"), dash: "3 2" }] : [];
  CURVES.forEach((key, i) => {
    const values = points.map((point) => [point.weight, key === "nll" ? nllOf(point) : point[key]]);
    parts.curves[i].draw({ series: [{ name: penalty, points: values, colour: "var(--regularised)" }], marks });
  });
};

/** @param {Sweep} swept */
const drawBounds = ({ setting, points }) => {
  const { method } = setting;
  const constraint = t(registry.methods[method].title);
  const [, ...rest] = partsOf(setting);
  say(parts.boundsText, [t("{constraint} with any box", { constraint }), ...rest].join(" · "));
  const found = new Map(points.map(({ lo, hi, accuracy }) => [`${lo} ${hi}`, accuracy]));
  const values = bounds.lo.map((lo) => bounds.hi.map((hi) => found.get(`${lo} ${hi}`) ?? null));
  const here = settings.method === method ? [settings.settings.hi, settings.settings.lo] : [];
  parts.boxes.draw({ xs: bounds.hi, ys: bounds.lo, values, current: here });
};

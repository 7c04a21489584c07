// What the Calibrate tab holds: a set, a constraint with its numbers, and what is measured of them. What a slider moves is
// measured and drawn in the next frame, in one go; the rest waits for its turn in work.js.

/** @import { Figures, LabelledLogits, Predicted, Readers, Settings } from "../types.js" */
/** @import { Curve } from "./measure.js" */

import { accepted, keepOrder, openingSettings } from "../base/parameters.js";
import { registry } from "../base/registry.js";
import { logSliders } from "../base/sliders.js";
import { texts } from "../base/texts.js";
import { changed, register } from "../state.js";
import { figures } from "../twins/calibration.js";
import { evaluate, measure, overTemperatures, predict } from "./measure.js";
import { atOnce, jobs, later } from "./work.js";

export const SPARSE = Object.keys(registry.methods).filter((key) => registry.methods[key].sparse);
const defaults = openingSettings();

/**
 * @typedef {object} Best box of a sweep
 * @property {number} lo
 * @property {number} hi
 * @property {Figures} box figures of the half that did not choose
 * @property {Figures} plain the same without bounds
 * @property {boolean} idle whether it clips nothing
 * @property {boolean} edge whether a better one may lie beyond the map
 * @property {Set<string>} all "row column" of each box that is as good for the half that chooses
 *
 * @typedef {object} Sweep a bounded constraint with many boxes; cells are rows of lo and columns of hi
 * @property {string} of key of the setting that it belongs to
 * @property {string} method
 * @property {Settings} settings
 * @property {(Figures | null | undefined)[][]} cells over all rows; null is still to come, undefined cannot exist
 * @property {Figures[][]} chosen over the half of the rows that chooses
 * @property {Partial<Record<string, Best>>} best metric -> its box, once that is worked out
 * @property {number} total boxes
 * @property {number} done
 *
 * @typedef {object} State
 * @property {(LabelledLogits & {name: string}) | null} set
 * @property {string} method
 * @property {Settings} settings
 * @property {Figures | null} before of softmax(z)
 * @property {Figures | null} after of the setting
 * @property {Record<string, Figures>} rows of the comparison, by name
 * @property {Map<string, number>} fitted key of a setting -> the T that was fitted for it
 * @property {{raw: Curve | null, own: {of: string, method: string, points: Curve} | null, pending: string | null}} curves
 *   over T: softmax's, the one of the setting with its key, and the key of the setting whose curve is on its way
 * @property {Sweep | null} sweep
 * @property {number | null} bin the one that is pointed at
 */

/** @type {State} */
export const state = {
  set: null,
  method: "softmax",
  settings: { ...defaults },
  before: null,
  after: null,
  rows: {},
  fitted: new Map(),
  curves: { raw: null, own: null, pending: null },
  sweep: null,
  bin: null,
};

const nothing = () => {};
const followers = {
  setting: nothing, // all that a slider moves
  curves: nothing,
  rows: nothing,
  set: nothing, // another set is there
};

/**
 * What to call when something has changed: functions that draw, or go on working.
 *
 * @param {typeof followers} given
 */
export const follow = (given) => Object.assign(followers, given);

export const family = () => registry.methods[state.method].family;

/** The key of what a curve over T, or a fitted T, belongs to: the constraint and its numbers, but for T. */
export const settingKey = (method = state.method, settings = state.settings) => {
  const keys = registry.methods[method].parameters.filter((key) => key !== "temperature");
  return JSON.stringify([method, ...keys.map((key) => settings[key])]);
};

// The constrained outputs of the last setting, which stay the same while T moves.
/** @type {{key: string | null, predicted: Predicted} | null} */
let kept = null;

/** @param {LabelledLogits} set */
const measureSetting = (set) => {
  const { method, settings } = state;
  const key = registry.methods[method].sparse ? null : settingKey();
  if (!kept || key === null || key !== kept.key) kept = { key, predicted: atOnce(predict(set, method, settings)) };
  if (key !== null) kept.predicted.divisor = settings.temperature;
  state.after = atOnce(figures(set, kept.predicted));
};

/** @param {LabelledLogits} set */
const orderCurve = (set) => {
  const { curves, method, settings } = state;
  const of = settingKey();
  if (method === "softmax" && curves.raw) {
    curves.own = { of, method, points: curves.raw };
    curves.pending = null;
    jobs.delete("curve");
  } else if (curves.own?.of !== of && curves.pending !== of) {
    curves.pending = of;
    later("curve", overTemperatures(set, method, { ...settings }), (points) => {
      curves.own = { of, method, points };
      if (method === "softmax") curves.raw = points;
      curves.pending = null;
      followers.curves();
    });
  }
};

let frame = 0;
const change = () => {
  if (!state.set) return;
  orderCurve(state.set);
  if (frame) return;
  frame = requestAnimationFrame(() => {
    frame = 0;
    if (state.set) measureSetting(state.set);
    followers.setting();
  });
};

/**
 * Change the setting: the constraint, or one of its numbers.
 *
 * @param {string} key "method", or a parameter's
 * @param {any} value what a control holds, or a link
 */
export const set = (key, value) => {
  if (key === "method") {
    if (!Object.hasOwn(registry.methods, value)) return;
    state.method = value;
  } else {
    value = accepted(registry.parameters[key], value);
    if (value === undefined) return;
    state.settings[key] = value;
    keepOrder(state.settings, key);
  }
  change();
  changed();
};

/** @param {string} text in base64 */
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;

/** @param {{method: string, settings: Settings, temperature: number}} fit the T that the server has found for a setting */
const keepFit = ({ method, settings, temperature }) => {
  state.fitted.set(settingKey(method, settings), temperature);
  followers.setting();
};

/**
 * @param {{name: string, classes: string[], logits: string, labels: string, fitted: number | null}} data a set, and the T
 *   that was fitted on it for softmax, unless there is none
 */
const takeSet = (data) => {
  if (state.set) state.settings.temperature = 1; // the server's answer moves slider and box there, a moment later
  const labels = new Int32Array(bytes(data.labels));
  const { name, classes } = data;
  const set = {
    name,
    classes,
    logits: Float64Array.from(new Float32Array(bytes(data.logits))),
    labels,
    rows: labels.length,
    width: classes.length,
  };
  jobs.clear();
  kept = null;
  Object.assign(state, { set, rows: {}, sweep: null, bin: null });
  state.fitted = new Map(data.fitted ? [[settingKey("softmax"), data.fitted]] : []);
  state.curves = { raw: null, own: null, pending: null };
  state.before = measure(set, "softmax", defaults);
  if (data.fitted) state.rows.fitted = measure(set, "softmax", { ...defaults, temperature: data.fitted });
  change();
  for (const method of SPARSE) {
    later(method, evaluate(set, method, defaults), (found) => {
      state.rows[method] = found;
      followers.rows();
    });
  }
  if (state.method !== "softmax") {
    later("raw curve", overTemperatures(set, "softmax", defaults), (points) => {
      state.curves.raw = points;
      followers.curves();
    });
  }
  followers.set();
};

/** @type {Readers} */
export const readers = { set: takeSet, fit: keepFit };

/** @param {string} key */
const get = (key) => (key === "method" ? state.method : state.settings[key]);
register("calibrate", { get, set });
export const { slide, type, value } = logSliders(registry.parameters, get, set);
export const { write } = texts("calibrate", set, () => state.set?.classes ?? []);

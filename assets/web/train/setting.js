// The numbers of the Train tab, as its controls set them.

/** @import { Parameter, TrainFigures, TrainSetting } from "../types.js" */

import { label, phrase, t } from "../base/i18n.js";
import { registry } from "../base/registry.js";
import { show as showRows } from "../base/rows.js";
import { inRange } from "../base/scales.js";
import { logSliders } from "../base/sliders.js";
import { words } from "../base/words.js";
import { changed, register } from "../state.js";
import { describe } from "./description.js";

/**
 * What the server says of the tab: constrained/page/tabs/train.py writes it. `figures` are the names of a point's numbers, `judged`
 * is the number of examples that no run learns from.
 *
 * @type {{parameters: Record<string, Parameter>, setting: TrainSetting, figures: (keyof TrainFigures)[],
 *   lambdas: number[], bounds: {lo: number[], hi: number[]}, judged: number}}
 */
export const training = registry.training;
const { parameters } = training;
const WHOLE = ["epochs", "examples", "seed"];

export const settings = { ...training.setting };
const numbers = /** @type {Record<string, any>} */ (settings); // the same, by the name of a control

let settle = () => {};
/** @param {() => void} work done after every change of a number */
export const whenSet = (work) => {
  settle = work;
};

/**
 * @param {string} key
 * @param {any} value
 */
export const set = (key, value) => {
  if (key in parameters) {
    if (value === null || !Number.isFinite(value)) return; // an emptied box
    value = inRange(parameters[key], value);
    if (WHOLE.includes(key)) value = Math.round(value);
  }
  if (numbers[key] === value) return;
  numbers[key] = value;
  if (key === "lo" && value > settings.hi) settings.hi = value;
  if (key === "hi" && value < settings.lo) settings.lo = value;
  showSliders();
  settle();
  changed();
};

/** Have the panel show only the sliders that the chosen constraint has. */
export const showSliders = () => {
  const method = registry.methods[settings.method];
  const own = method?.parameters ?? [];
  /** @param {string} key */
  const used = (key) =>
    key === "weight" ? Boolean(settings.penalty) : own.includes(key) || !(key in registry.parameters);
  showRows(document.querySelector("#train"), Object.keys(parameters).filter(used));
  const help = /** @type {HTMLElement | null} */ (document.querySelector("#train-help span"));
  if (help) label(method?.help ?? phrase("The logits go to the loss as they are."), help);
};

/**
 * A setting in words, part by part; the first one is its constraint.
 *
 * @param {TrainSetting} setting
 */
export const partsOf = (setting) => {
  const method = registry.methods[setting.method];
  const facts = {
    constraint: method ? words(setting.method, /** @type {any} */ (setting)) : "",
    tempered: Boolean(method?.parameters.includes("temperature")),
    most: parameters.examples.high,
  };
  return describe(setting, facts, t);
};

/** @param {TrainSetting} setting */
export const inWords = (setting) => partsOf(setting).join(" · ");

export const { slide, type, value } = logSliders(parameters, settings, set);
register("train", { get: (key) => numbers[key], set });

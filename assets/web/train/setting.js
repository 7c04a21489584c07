// The numbers of the Train tab, as its controls set them.

/** @import { RangeParameter, TrainFigures, TrainSetting } from "../types.js" */

import { node, say } from "../base/dom.js";
import { label, phrase, t } from "../base/i18n.js";
import { accepted, keepOrder, openingSettings, valuesOf } from "../base/parameters.js";
import { registry } from "../base/registry.js";
import { show as showRows } from "../base/rows.js";
import { logSliders } from "../base/sliders.js";
import { texts } from "../base/texts.js";
import { withoutEffect, words } from "../base/words.js";
import { changed, register } from "../state.js";
import { describe } from "./description.js";

/**
 * What the server says of the tab: constrained/page/tabs/train.py writes it. `figures` are the names of a point's numbers, `judged`
 * is the number of examples that no run learns from.
 *
 * @type {{parameters: Record<string, RangeParameter>, classes: string[], setting: TrainSetting, figures: (keyof TrainFigures)[],
 *   lambdas: number[], bounds: {lo: number[], hi: number[]}, judged: number}}
 */
export const training = registry.training;
const parameters = { ...registry.parameters, ...training.parameters };
export const settings = { ...training.setting, settings: openingSettings() };
const numbers = /** @type {Record<string, any>} */ (settings); // the same, by the name of a control
/** @param {string} key */
const holder = (key) => (key in registry.parameters ? settings.settings : numbers);
/** @param {string} key of a control */
const get = (key) => holder(key)[key];

/**
 * A setting as one row: by the names of its controls.
 *
 * @param {TrainSetting} setting
 * @returns {Record<string, any>}
 */
export const flat = ({ method, settings: values, ...rest }) => ({ method, ...values, ...rest });

/** A copy of the current setting, which later changes leave alone. */
export const copy = () => ({ ...settings, settings: { ...settings.settings } });

/**
 * A setting as the server takes it, with only the parameters that the constraint has.
 *
 * @param {TrainSetting} setting
 */
export const requestOf = (setting) => ({
  ...setting,
  settings: valuesOf(registry.methods[setting.method]?.parameters ?? [], setting.settings, training.classes),
});

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
  if (key in parameters) value = accepted(parameters[key], value);
  if (value === undefined || get(key) === value) return;
  holder(key)[key] = value;
  keepOrder(settings.settings, key);
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
  if (!help?.parentElement) return;
  label(method?.help ?? phrase("The logits go into the loss unchanged."), help);
  const unknown = withoutEffect(own, settings.settings, training.classes);
  say(help.nextElementSibling ?? node("span", "", help.parentElement), unknown && ` ${unknown}`);
};

/**
 * A setting in words, part by part; the first one is its constraint.
 *
 * @param {TrainSetting} setting
 */
export const partsOf = (setting) => {
  const method = registry.methods[setting.method];
  const facts = {
    constraint: method ? words(setting.method, setting.settings) : "",
    tempered: Boolean(method?.parameters.includes("temperature")),
    most: training.parameters.examples.high,
  };
  return describe(setting, facts, t);
};

/** @param {TrainSetting} setting */
export const inWords = (setting) => partsOf(setting).join(" · ");

export const { slide, type, value } = logSliders(parameters, get, set);
export const { write } = texts("train", set, () => training.classes);
register("train", { get, set });

// What changes the chart: a control's value, by `set`, and the server's messages, which `readers` take. The server is asked
// for a picture's logits and for gradients only; all else is computed here, in the frame in which a control moves.

/** @import { Family, Readers } from "../types.js" */

import { accepted, keepOrder } from "../base/parameters.js";
import { FAMILIES, registry } from "../base/registry.js";
import { changed, register } from "../state.js";
import { fitPicture, grow, settle } from "./axes.js";
import { forget, remember } from "./drags.js";
import { askAnew, keepGradients, toggleGradients } from "./gradients.js";
import { compute, computeA, redraw, state } from "./state.js";

/** @typedef {{model: string, image: string | null, labels: string[], logits: number[]}} Classified a picture's logits */

const update = () => {
  if (!state.logits.length) return;
  compute();
  grow();
  state.stale = state.gradientOn;
  redraw();
  settle();
  changed();
  askAnew();
};

/**
 * @param {unknown} name
 * @returns {name is Family}
 */
const isFamily = (name) => /** @type {unknown[]} */ (FAMILIES).includes(name);

/**
 * @param {Family} family
 * @param {string} method
 * @returns {boolean} whether anything changes
 */
const choose = (family, method) => {
  if (state.methods[family] === method || !Object.hasOwn(registry.methods, method)) return false;
  remember(family);
  state.methods[family] = method;
  state.family = family;
  return true;
};

/**
 * @param {string} key of a parameter
 * @param {unknown} given what a control holds: null for a box that was emptied
 * @returns {boolean} whether anything changes
 */
const move = (key, given) => {
  if (!Object.hasOwn(registry.parameters, key)) return false;
  const value = accepted(registry.parameters[key], given);
  if (value === undefined || state.settings[key] === value) return false;
  const { family } = familyOf(key);
  remember(family);
  state.settings[key] = value;
  state.family = family;
  keepOrder(state.settings, key);
  return true;
};

/** @param {string} key of a parameter */
const familyOf = (key) => {
  const found = Object.values(registry.methods).find(({ parameters }) => parameters.includes(key));
  if (!found) throw new Error(`No constraint has the parameter ${key}.`);
  return found;
};

/**
 * A control's value.
 *
 * @param {string} key a parameter, a family (its value is a method), or the name of another control
 * @param {any} value
 */
export const set = (key, value) => {
  if (key === "family") {
    if (!isFamily(value)) return;
    state.family = value;
  } else if (key === "k") state.k = value;
  else if (key === "gradient") toggleGradients(value);
  else if (key === "target") state.targetName = state.labels.includes(value) ? value : null;
  else if (isFamily(key)) {
    if (!choose(key, value)) return;
  } else if (!move(key, value)) return;
  update();
};

/** @param {Classified} picture */
const show = ({ model, image, labels, logits }) => {
  const sameModel = model === state.model;
  if (!sameModel) state.targetName = null;
  state.model = model;
  state.image = image;
  state.labels = labels;
  state.logits = Float64Array.from(logits);
  state.order = Array.from(state.logits.keys()).sort((a, b) => state.logits[b] - state.logits[a] || a - b);
  forget();
  state.over = state.pinned = null;
  state.gradients = null;
  computeA();
  fitPicture(sameModel);
  update();
  settle();
};

/** @type {Readers} */
export const readers = { logits: show, gradient: keepGradients };

register("explore", {
  get: (key) => {
    if (isFamily(key)) return state.methods[key];
    if (key === "k" || key === "family") return state[key];
    if (key === "gradient") return state.gradientOn;
    if (key === "target") return state.targetName; // null: the raw top-1
    return state.settings[key];
  },
  set,
});

// Gradients: what training would send back to each logit. The server is asked for them once the controls rest, and its
// answer is kept unless something has changed meanwhile.

/** @import { Asks, Column } from "../types.js" */

import { ask, overtake } from "../base/messages.js";
import { allValues } from "../base/parameters.js";
import { max } from "../twins/constraints.js";
import { SETTLED } from "./drags.js";
import { redraw, state } from "./state.js";

/**
 * @typedef {object} Answer of the server
 * @property {Record<Column, {gradient: number[], loss: number, name: string}>} gradient of each column's loss
 */

/** @type {Asks} */
let asks = {};
/** @param {Asks} server */
export const connect = (server) => {
  asks = server;
};

/** @param {boolean} on */
export const toggleGradients = (on) => {
  state.gradientOn = on;
  if (!on) state.gradients = null;
};

let settling = 0;
/** After a change: what is on its way from the server answers an older question. */
export const askAnew = () => {
  overtake("gradient");
  clearTimeout(settling);
  if (!state.gradientOn) return;
  settling = window.setTimeout(() => {
    const { methods, target } = state;
    const settings = allValues(state.settings, state.labels);
    ask(asks, "gradient", { logits: Array.from(state.logits), methods, settings, target });
  }, SETTLED);
};

/** @param {Answer} answer */
export const keepGradients = ({ gradient }) => {
  state.gradients = gradient;
  state.steepest = max(Object.values(gradient).map((column) => max(column.gradient.map(Math.abs))));
  state.stale = false;
  redraw();
};

// Gradients: what training would send back to each logit. The server is asked for them once the controls rest, and its
// answer is kept unless a newer question has overtaken it.

/** @import { Column } from "../types.js" */

import { allValues } from "../base/parameters.js";
import { max } from "../twins/constraints.js";
import { SETTLED } from "./drags.js";
import { redraw, state } from "./state.js";

/**
 * @typedef {object} Answer of the server
 * @property {number} asked which question it answers
 * @property {Record<Column, {gradient: number[], loss: number, name: string}>} gradient of each column's loss
 */

/** @type {(question: object) => void} */
let ask = () => {};
/** @param {(question: object) => void} asks sends the server a question */
export const askThrough = (asks) => {
  ask = asks;
};

/** @param {boolean} on */
export const toggleGradients = (on) => {
  state.gradientOn = on;
  if (!on) state.gradients = null;
};

let settling = 0;
/** After a change: what is on its way from the server answers an older question. */
export const askAnew = () => {
  state.asked += 1;
  clearTimeout(settling);
  if (!state.gradientOn) return;
  settling = window.setTimeout(() => {
    const { methods, target, asked } = state;
    const settings = allValues(state.settings, state.labels);
    ask({ logits: Array.from(state.logits), methods, settings, target, asked });
  }, SETTLED);
};

/** @param {Answer} answer */
export const keepGradients = ({ gradient, asked }) => {
  if (asked !== state.asked) return;
  state.gradients = gradient;
  state.steepest = max(Object.values(gradient).map((column) => max(column.gradient.map(Math.abs))));
  state.stale = false;
  redraw();
};

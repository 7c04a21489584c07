// The axes of the columns: one for all logits, one for probabilities.
//
// The logit axis follows its bars: it grows as soon as one would leave it, and only when the control rests does it give
// up what no bar needs any more. So a drag that goes back moves bars and not the axis. `state.base`
// is what it never gives up: the axis of the picture, or the one that a person asked for.

/** @import { Column, Family } from "../types.js" */

import { FAMILIES } from "../base/registry.js";
import { max, min } from "../twins/constraints.js";
import { isPressed, SETTLED } from "./drags.js";
import { grown, misfits, rangeAround, roundTop } from "./ranges.js";
import { redraw, state, visible } from "./state.js";

const LOGIT_FAMILIES = FAMILIES.filter((family) => family !== "probability"); // those on the axis of the logits

/** @param {Column} column */
export const axisOf = (column) => state.axes[column === "probability" ? "probability" : "logit"];

/** Axes for the picture alone. */
const fit = () => {
  state.base = rangeAround(state.logits);
  state.axes = { logit: [...state.base], probability: [0, 1] };
};

/**
 * The axes stay for the next picture too, so that two can be compared, unless it would not fit or would be tiny.
 *
 * @param {boolean} comparable whether there is a picture before this one to compare it with
 */
export const fitPicture = (comparable) => {
  if (!comparable || misfits(state.base, state.logits)) fit();
};

/** The ends of all that the logit columns show, A's numbers and those of classes without a row among them. */
const extremes = () => {
  const { logits, outputs, aOutputs } = state;
  const columns = [outputs, aOutputs].flatMap((of) => LOGIT_FAMILIES.map((family) => of[family]?.y ?? []));
  return [logits, ...columns].flatMap((values) => [min(values), max(values)]).filter(Number.isFinite);
};

export const grow = () => {
  state.axes.logit = grown(state.axes.logit, extremes());
};

let resting = 0;
/** Once the control rests, give up what no bar needs. */
export const settle = () => {
  clearTimeout(resting);
  if (state.axes.logit.every((end, at) => end === state.base[at])) return;
  resting = window.setTimeout(() => {
    if (isPressed()) {
      settle();
      return;
    }
    state.axes.logit = [...state.base];
    grow();
    redraw();
  }, SETTLED);
};

/**
 * Fit the axes to what is on screen now.
 *
 * @param {boolean} all go back to those of a new picture instead
 */
export const rescale = (all = false) => {
  fit();
  if (all) state.before = {};
  else {
    const rows = visible();
    /** @param {Family} family */
    const shownOf = (family) =>
      [state.outputs, state.aOutputs].flatMap((of) => {
        const y = of[family]?.y;
        return y ? rows.map((i) => y[i]) : [];
      });
    state.base = rangeAround([...rows.map((i) => state.logits[i]), ...LOGIT_FAMILIES.flatMap(shownOf)]);
    state.axes = { logit: [...state.base], probability: [0, roundTop(shownOf("probability"))] };
  }
  redraw();
};

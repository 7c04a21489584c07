// Figures of a set, under any constraint and setting of the registry.

/** @import { Figures, LabelledLogits, Settings } from "../types.js" */

import { temperature as TEMPERATURE, valuesOf } from "../base/parameters.js";
import { registry } from "../base/registry.js";
import { asLogits, figures } from "../twins/calibration.js";
import { atOnce } from "./work.js";

/** @typedef {[temperature: number, figures: Figures][]} Curve */

/**
 * @param {LabelledLogits} set
 * @param {string} method key of a constraint
 * @param {Settings} settings
 */
export const predict = (set, method, settings) => {
  const values = valuesOf(Object.keys(settings), settings, set.classes);
  return asLogits(set, method, values, registry.methods[method]);
};

/**
 * @param {LabelledLogits} set
 * @param {string} method
 * @param {Settings} settings
 * @returns {Generator<undefined, Figures>}
 */
export const evaluate = function* (set, method, settings) {
  return yield* figures(set, yield* predict(set, method, settings));
};

/**
 * The same without a pause: what the tests compare with PyTorch.
 *
 * @param {LabelledLogits} set
 * @param {string} method
 * @param {Settings} settings
 */
export const measure = (set, method, settings) => atOnce(evaluate(set, method, settings));

export const TEMPERATURES = Array.from({ length: 41 }, (_, i) => {
  const { low, high } = TEMPERATURE;
  return Number((low * (high / low) ** (i / 40)).toPrecision(4));
});

/**
 * The figures at all these temperatures.
 *
 * @param {LabelledLogits} set
 * @param {string} method
 * @param {Settings} settings
 * @returns {Generator<undefined, Curve>}
 */
export const overTemperatures = function* (set, method, settings) {
  /** @type {Curve} */
  const points = [];
  let constrained = null; // outputs that do not depend on T
  for (const temperature of TEMPERATURES) {
    if (registry.methods[method].sparse) {
      points.push([temperature, yield* evaluate(set, method, { ...settings, temperature })]);
    } else {
      constrained ??= yield* predict(set, method, settings);
      points.push([temperature, yield* figures(set, { ...constrained, divisor: temperature })]);
    }
  }
  return points;
};

// What the badges of a column say, as numbers. Pure: nothing here touches the document.

/** @import { Family, Output, Setting } from "../types.js" */

import { max, min, sum } from "../twins/constraints.js";

/**
 * @typedef {object} Measures of an output
 * @property {string} method key of the constraint
 * @property {number[]} best the classes with the largest output
 * @property {number} low
 * @property {number} top
 * @property {number} clipped how many logits lie outside the bounds
 * @property {number} zeros
 * @property {number} flat how many classes pass no gradient
 * @property {number} sum
 * @property {number | null} entropy in nats; null for what is no distribution
 * @property {number} moved how far the output lies from the logits, as the Euclidean norm
 */

/** @param {Float64Array} p */
export const entropy = (p) => -sum(p.map((v) => (v === 0 ? 0 : v * Math.log(v))));

/** @type {(values: Float64Array, counts: (v: number) => boolean) => number} */
const count = (values, counts) => {
  let total = 0;
  for (const v of values) if (counts(v)) total += 1;
  return total;
};

/**
 * @param {Family} column
 * @param {Float64Array} logits
 * @param {Setting} setting
 * @param {Output} output
 * @param {[low: number, high: number] | null} bounds that the constraint has
 * @returns {Measures}
 */
const compute = (column, logits, { methods, settings }, { y, dead }, bounds = null) => {
  const method = methods[column];
  const top = max(y);
  const distribution = column === "probability" || (method === "project_simplex" && settings.radius === 1);
  return {
    method,
    best: Array.from(y.keys()).filter((i) => y[i] === top),
    low: min(y),
    top,
    clipped: bounds ? count(logits, (v) => v < bounds[0] || v > bounds[1]) : 0,
    zeros: count(y, (v) => v === 0),
    flat: sum(dead),
    sum: sum(y),
    entropy: distribution ? entropy(y) : null,
    moved: Math.sqrt(sum(y.map((v, i) => (v - logits[i]) ** 2))),
  };
};

/** @type {WeakMap<Output, Measures>} */
const known = new WeakMap();

/**
 * Measures of an output, computed once for each.
 *
 * @param {Parameters<typeof compute>} of
 */
export const measure = (...of) => {
  const output = of[3];
  const found = known.get(output);
  if (found) return found;
  const made = compute(...of);
  known.set(output, made);
  return made;
};

/**
 * Whether a class is the only one with the largest output.
 *
 * @param {Measures} measures
 * @param {number} index
 */
export const isTop = ({ best }, index) => best.length === 1 && best[0] === index;

/**
 * Whether two numbers differ by rounding at most.
 *
 * @param {number} b
 * @param {number} a
 */
export const isSame = (b, a) => Object.is(b, a) || Math.abs(b - a) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b));

// The parameters of the constraints, as every tab sets them: what a control or a link may put into one, what else moves with
// it, and what the constraints are given.

/** @import { EachClass, Parameter, RangeParameter, Settings, Values } from "../types.js" */

import { parse, resolve } from "../twins/parameters.js";
import { registry } from "./registry.js";
import { inRange } from "./scales.js";

/**
 * @param {Parameter} parameter
 * @returns {parameter is EachClass}
 */
export const isEachClass = (parameter) => parameter.kind !== "number";

/** T, which Calibrate has for every constraint. */
export const temperature = /** @type {RangeParameter} */ (registry.parameters.temperature);

/** What the controls show as the page opens: of what differs by class, nothing. */
export const openingSettings = () =>
  Object.fromEntries(Object.entries(registry.parameters).map(([key, p]) => [key, isEachClass(p) ? "" : p.default]));

/**
 * What a parameter becomes where a control or a link gives it a value; undefined where that is none.
 *
 * @param {Parameter} parameter
 * @param {unknown} given
 * @returns {number | string | undefined}
 */
export const accepted = (parameter, given) => {
  if (isEachClass(parameter)) return typeof given === "string" && !parse(parameter, given, 0).error ? given : undefined;
  if (typeof given !== "number" || !Number.isFinite(given)) return undefined; // an emptied box
  const number = inRange(parameter, given);
  return parameter.whole ? Math.round(number) : number;
};

/**
 * A parameter that cannot cross another one has it go along.
 *
 * @param {Settings} settings
 * @param {string} key of the one that has moved
 */
export const keepOrder = (settings, key) => {
  const other = partnerOf(key);
  if (!other) return;
  const [low, high] = isUpper(key) ? [other, key] : [key, other];
  if (settings[low] > settings[high]) settings[other] = settings[key];
};

/** @param {string} key */
const above = (key) => {
  const parameter = registry.parameters[key];
  return parameter?.kind === "number" ? parameter.above : "";
};
/** @param {string} key whether it is the one that cannot fall below another */
export const isUpper = (key) => above(key) !== "";
/** The parameter that one cannot cross, if there is one. */
export const partnerOf = (/** @type {string} */ key) =>
  above(key) || Object.keys(registry.parameters).find((other) => above(other) === key);

/** @param {string} key whether another one cannot fall below it */
const isLower = (key) => Object.keys(registry.parameters).some((other) => above(other) === key);

/**
 * The bounds of a constraint, infinite where it has but one; null for a constraint without any.
 *
 * @param {string} method
 * @param {Settings} settings
 * @returns {[low: number, high: number] | null}
 */
export const boundsOf = (method, settings) => {
  const { parameters } = registry.methods[method];
  const [lower, upper] = [parameters.find(isLower), parameters.find(isUpper)];
  if (!lower && !upper) return null;
  return [lower ? settings[lower] : -Infinity, upper ? settings[upper] : Infinity];
};

/** @type {Map<string, {text: string, labels: string[], found: ReturnType<typeof resolve>}>} */
const known = new Map();
/**
 * @param {EachClass} parameter
 * @param {string} text
 * @param {string[]} labels
 */
const found = (parameter, text, labels) => {
  const last = known.get(parameter.key);
  if (last?.text === text && last.labels === labels) return last.found;
  const made = resolve(parameter, text, labels);
  known.set(parameter.key, { text, labels, found: made });
  return made;
};

/**
 * What a constraint is given: its numbers, and of what differs by class a value for each.
 *
 * @param {string[]} keys of its parameters
 * @param {Settings} settings
 * @param {string[]} labels of the classes
 * @returns {Values}
 */
export const valuesOf = (keys, settings, labels) =>
  Object.fromEntries(
    keys.map((key) => {
      const parameter = registry.parameters[key];
      return [key, isEachClass(parameter) ? found(parameter, String(settings[key]), labels).value : settings[key]];
    }),
  );

/** All of them, for a question to the server. */
export const allValues = (/** @type {Settings} */ settings, /** @type {string[]} */ labels) =>
  valuesOf(Object.keys(registry.parameters), settings, labels);

/**
 * The classes that a setting speaks of and a model does not have.
 *
 * @param {string[]} keys of the parameters
 * @param {Settings} settings
 * @param {string[]} labels
 */
export const unknownClasses = (keys, settings, labels) =>
  keys.flatMap((key) => {
    const parameter = registry.parameters[key];
    return isEachClass(parameter) ? found(parameter, String(settings[key]), labels).unknown : [];
  });

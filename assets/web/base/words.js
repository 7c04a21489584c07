// Constraints in words.

/** @import { Settings } from "../types.js" */

import { short } from "../twins/formats.js";
import { t } from "./i18n.js";
import { boundsOf, isEachClass, partnerOf, unknownClasses } from "./parameters.js";
import { registry } from "./registry.js";

/**
 * A parameter and its value: "T = 0.5"; of what differs by class the text, or nothing where that is empty.
 *
 * @param {string} key
 * @param {any} value
 */
export const inWords = (key, value) => {
  const parameter = registry.parameters[key];
  if (isEachClass(parameter)) return value && `${parameter.symbol}: ${value.replace(/\s*[,;\n]\s*/g, "; ")}`;
  return `${parameter.symbol} = ${short(value)}`;
};

/** @type {(low: number, high: number) => string} */
const interval = (low, high) => {
  const [from, to] = [low === -Infinity ? "(−∞" : `[${short(low)}`, high === Infinity ? "∞)" : `${short(high)}]`];
  return `${from}, ${to}`;
};

// A constraint and its numbers as a person reads them: "Hard clamp [−2, 4]", "Softmax, T = 0.5". In English for a file.
/**
 * @param {string} method key of a constraint
 * @param {Settings} settings
 * @param {(text: string) => string} named
 */
export const words = (method, settings, named = t) => {
  const { parameters } = registry.methods[method];
  const title = named(registry.methods[method].title);
  const bounds = boundsOf(method, settings);
  const box = bounds ? ` ${interval(...bounds)}` : "";
  const others = parameters.filter((key) => !partnerOf(key));
  return [title + box, ...others.map((key) => inWords(key, settings[key]))].filter(Boolean).join(", ");
};

/**
 * A sentence about the classes that a setting speaks of and a model does not have; nothing where there are none.
 *
 * @param {string[]} keys of the parameters
 * @param {Settings} settings
 * @param {string[]} labels
 */
export const withoutEffect = (keys, settings, labels) => {
  const names = unknownClasses(keys, settings, labels).join(", ");
  return names && t("Ignored, because the model has no such class: {names}.", { names });
};

// Constraints in words.

/** @import { Numbers } from "../types.js" */

import { short } from "../twins/formats.js";
import { t } from "./i18n.js";
import { registry } from "./registry.js";

// A constraint and its numbers as a person reads them: "Hard clamp [−2, 4]", "Softmax, T = 0.5". In English for a file.
/**
 * @param {string} method key of a constraint
 * @param {Numbers} settings
 * @param {(text: string) => string} named
 */
export const words = (method, settings, named = t) => {
  const { parameters } = registry.methods[method];
  const title = named(registry.methods[method].title);
  if (parameters.includes("lo")) return `${title} [${short(settings.lo)}, ${short(settings.hi)}]`;
  return [title, ...parameters.map((key) => `${registry.parameters[key].symbol} = ${short(settings[key])}`)].join(", ");
};

// What a choice hides: the sliders that a constraint does not have, and in present mode the columns beside the one in
// question. The style sheets name no parameter and no family; these rules are made from the
// registry, and hold for whatever gradio renders again.

import { node, put } from "./dom.js";
import { FAMILIES, registry } from "./registry.js";

/** @type {Record<string, {symbol: string}>} all that have a slider somewhere, those of the training too */
const parameters = { ...registry.training.parameters, ...registry.parameters };

// A parameter's row, or its slider (constrained/page/controls.py). gradio's form around a single one goes too: it would
// leave a gap.
const parameterRules = Object.entries(parameters).flatMap(([key, { symbol }]) => [
  `.parameter-${key} { --symbol: ${JSON.stringify(symbol)}; }`,
  `[data-needs]:not([data-needs~="${key}"]) :is(.parameter-${key}, .form:has(> .parameter-${key}:only-child)) { display: none; }`,
]);
const columnRules = FAMILIES.map(
  (family) => `[data-solo]:not([data-solo="${family}"]) :is(#controls-${family}, figure.${family}) { display: none; }`,
);
node("style", "", document.head, [...parameterRules, ...columnRules].join("\n"));

/**
 * Show these parameters' rows in a part of the page, and no others.
 *
 * @param {Element | null} container null while gradio has not rendered it
 * @param {string[]} keys
 */
export const show = (container, keys) => {
  if (container) put(container, { "data-needs": keys.join(" ") });
};

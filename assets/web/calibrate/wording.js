// Figures and settings as a person reads them.

/** @import { Figures } from "../types.js" */

import { phrase, t } from "../base/i18n.js";
import { registry } from "../base/registry.js";
import { inWords } from "../base/words.js";
import { percent } from "../twins/formats.js";
import { family, state } from "./state.js";

/** @typedef {"accuracy" | "nll" | "ece" | "brier" | "impossible"} Column a figure that tables show */

/** @type {Record<Column, string>} */
export const TITLES = {
  accuracy: phrase("Accuracy"),
  nll: phrase("NLL"),
  ece: phrase("ECE"),
  brier: phrase("Brier"),
  impossible: phrase("p = 0"),
};
export const COLUMNS = /** @type {Column[]} */ (Object.keys(TITLES));

// 0 only for 0.
/**
 * @param {number} v
 * @param {number} digits
 */
export const fixed = (v, digits) => (v > 0 && v < 10 ** -digits / 2 ? v.toPrecision(1) : v.toFixed(digits));

/**
 * @param {Column} column
 * @param {Figures} figures
 */
export const figure = (column, { [column]: v }) => {
  if (column === "nll" || column === "brier") return Number.isFinite(v) ? fixed(v, 4) : "∞";
  return percent(v);
};

/** The setting: its constraint, and that with its numbers. */
export const description = () => {
  const { method, settings } = state;
  const { title, parameters } = registry.methods[method];
  const keys = family() === "probability" ? parameters : [...parameters, "temperature"];
  // No line breaks inside "T = 1".
  const numbers = keys.map((key) => inWords(key, settings[key]).replace(" = ", "\u00a0=\u00a0"));
  return { title: t(title), full: [t(title), ...numbers].filter(Boolean).join(", ") };
};

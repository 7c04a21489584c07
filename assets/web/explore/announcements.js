// What a screen reader says about changes in the chart.

/** @import { Setting } from "../types.js" */

import { node } from "../base/dom.js";
import { t } from "../base/i18n.js";
import { FAMILIES } from "../base/registry.js";
import { words } from "../base/words.js";
import { figures, NAMES } from "./columns.js";

/** @type {HTMLElement | null} */
let region = null;
/** @type {string | null} */
let last = null; // the sentence on the rankings; null before the first one

/** @param {HTMLElement} chart */
export const makeRegion = (chart) => {
  region = node("p", "visually-hidden", chart);
  region.setAttribute("aria-live", "polite");
};

/** @param {string} sentence */
export const announce = (sentence) => {
  if (region) region.textContent = sentence;
};

/** The first badge of each constrained column, if one has changed. */
export const announceRankings = () => {
  const sentence = FAMILIES.map((family) => {
    const badge = figures[family].badges.firstElementChild?.firstElementChild;
    return `${t(NAMES[family])}: ${badge?.textContent ?? ""}`;
  }).join(". ");
  if (last !== null && last !== sentence) announce(sentence);
  last = sentence;
};

/**
 * A setting in words.
 *
 * @param {Setting} setting
 */
export const describe = ({ methods, settings }) =>
  FAMILIES.map((family) => words(methods[family], settings)).join("; ");

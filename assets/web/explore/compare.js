// Comparing two settings: A is pinned, B is what the controls say.

/** @import { Family, Setting } from "../types.js" */

import { find } from "../base/dom.js";
import { t } from "../base/i18n.js";
import { accepted, isUpper, keepOrder, openingSettings } from "../base/parameters.js";
import { FAMILIES, registry } from "../base/registry.js";
import { assign, changed, explore } from "../state.js";
import { announce, describe } from "./announcements.js";
import { grow, rescale, settle } from "./axes.js";
import { computeA, redraw, state } from "./state.js";

/**
 * A setting as it may come, from a link say, to one that is whole and within its ranges.
 *
 * @param {Setting} setting
 * @returns {Setting}
 */
const whole = ({ methods, settings }) => {
  /** @param {Family} family */
  const choice = (family) =>
    registry.methods[methods[family]]?.family === family ? methods[family] : registry.chosen[family];
  const values = openingSettings();
  for (const [key, parameter] of Object.entries(registry.parameters)) {
    values[key] = accepted(parameter, settings[key]) ?? values[key];
  }
  for (const key of Object.keys(values)) if (!isUpper(key)) keepOrder(values, key);
  return { methods: Object.fromEntries(FAMILIES.map((family) => [family, choice(family)])), settings: values };
};

/**
 * Keep a setting as A; null ends the comparison.
 *
 * @param {Setting | null} setting what the controls say, unless it is given
 */
export const pinA = (setting = state) => {
  if (!setting && !state.a) return;
  state.a = setting && whole(setting);
  state.before = {};
  computeA();
  grow();
  redraw();
  settle();
  announce(state.a ? t("Pinned as A: {setting}.", { setting: describe(state.a) }) : t("A is no longer pinned."));
  changed();
};

export const unpinA = () => {
  pinA(null);
  find("#pin-a").focus(); // the button that was pressed is gone
};

export const swap = () => {
  if (!state.a) return;
  const { a, family } = state;
  pinA(state);
  assign({ explore: { ...a.methods, ...a.settings, family } });
  announce(t("A and B are swapped. A: {a}. B: {b}.", { a: describe(state.a), b: describe(state) }));
};

/**
 * As the page opens.
 *
 * @template T
 * @param {T} opening what gradio's controls show then
 * @returns {T} the same, for them to go back to
 */
export const reset = (opening) => {
  pinA(null);
  rescale(true);
  return opening;
};

explore({
  subject: () => ({ image: state.image, model: state.model, labels: state.labels, a: state.a }),
  pin: pinA,
});

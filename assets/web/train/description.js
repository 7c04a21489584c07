// A training setting in words.

/** @import { TrainSetting } from "../types.js" */

import { short } from "../twins/formats.js";

/** @typedef {(text: string, values?: Record<string, string | number>) => string} Translate */

/**
 * @param {Pick<TrainSetting, "penalty">} setting
 * @param {Translate} t
 */
export const describePenalty = ({ penalty }, t) => t("{norm} penalty", { norm: penalty.toUpperCase() });

/**
 * A setting part by part: first its constraint, then whatever a reader may have chosen otherwise.
 *
 * @param {TrainSetting} setting
 * @param {object} facts
 * @param {string} facts.constraint in words, "" without one
 * @param {boolean} facts.tempered whether the constraint has a T, which can be learned
 * @param {number} facts.most examples that there are
 * @param {Translate} t
 */
export const describe = (setting, { constraint, tempered, most }, t) => {
  const { penalty, weight, noise, examples, epochs, learning_rate, batch, optimizer, seed } = setting;
  const first = constraint || t("no constraint");
  const parts = [setting.learned && tempered ? t("{constraint} at first, then learned", { constraint: first }) : first];
  if (penalty && weight) parts.push(`${describePenalty(setting, t)}, λ = ${short(weight)}`);
  if (noise) parts.push(t("{share} % wrong labels", { share: short(noise * 100) }));
  if (examples !== most) parts.push(t("{n} examples", { n: examples }));
  parts.push(t("{n} epochs", { n: epochs }), t("learning rate {rate}", { rate: short(learning_rate) }));
  if (batch) parts.push(t("batches of {n}", { n: batch }));
  if (optimizer === "sgd") parts.push("SGD");
  if (seed) parts.push(t("seed {n}", { n: seed }));
  return parts;
};

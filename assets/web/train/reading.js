// What the figures of a run say, as sentences to translate. Thresholds are where the point can be seen in the plots.

/** @import { Entry, TrainFigures, Run, TrainSetting } from "../types.js" */

import { phrase } from "../base/phrase.js";
import { percent, short } from "../twins/formats.js";

/** @typedef {[text: string, values: Record<string, string>]} Sentence */

const MANY = 0.3; // share of logits without gradient that is worth a sentence
const LARGE = 10; // mean |logit|

// Sentences that some constraints need: `idle` says why many logits get no gradient, `point` why they get none when lo
// equals hi, and `free` that nothing holds them back.
const CERTAIN = phrase(
  "{share} of the logits get no gradient: their probability is exactly what the label asks for, 0 or 1.",
);
const POINT = phrase("{share} of the logits get no gradient: the box is a single point.");
/** @type {Record<string, {idle?: string, point?: string, free?: string}>} */
const METHODS = {
  clamp: {
    idle: phrase("{share} of the logits are clipped and get no gradient: they cannot learn, whatever the label says."),
    point: POINT,
  },
  smooth_clamp: {
    idle: phrase("{share} of the logits get no gradient: so far outside the box, tanh is flat in floating point."),
    point: POINT,
  },
  clamp_inward: {
    idle: phrase(
      "{share} of the logits sit at a bound and would be pushed further out; the rest still learn, including any that need to move back in.",
    ),
  },
  clamp_straight_through: {
    free: phrase(
      "Nothing holds a clipped logit back: mean |logit| has grown to {size}. A straight-through gradient lets logits learn, but it is no cure.",
    ),
  },
  sparsemax: { idle: CERTAIN },
  entmax15: { idle: CERTAIN },
};
// Of any other constraint that makes exact zeros.
const FLAT = phrase(
  "{share} of the logits get no gradient: the map is flat there, either at an exact zero or where one class alone is above the threshold.",
);

/**
 * The NLL of a head; JSON has no infinity.
 *
 * @param {{nll?: number | null}} figures
 */
export const nllOf = ({ nll }) => nll ?? Infinity;

/**
 * @param {TrainFigures} last
 * @param {TrainSetting} setting
 * @param {boolean} zeros whether the constraint makes exact zeros
 * @returns {Sentence[]}
 */
const onConstraint = ({ size, dead }, { method, settings: { lo, hi } }, zeros) => {
  const { idle = zeros ? FLAT : "", point = "", free = "" } = METHODS[method] ?? {};
  if (free && size > LARGE && size > 2 * Math.max(Math.abs(lo), Math.abs(hi)))
    return [[free, { size: short(size, 3) }]];
  const text = lo === hi && point ? point : idle;
  return text && dead > MANY ? [[text, { share: percent(dead) }]] : [];
};

/**
 * @param {TrainFigures} last
 * @param {TrainSetting} setting
 * @returns {Sentence[]}
 */
const onNoise = ({ accuracy, train_accuracy }, setting) => {
  const noise = Math.round(setting.noise * setting.examples) / setting.examples; // as many as there are
  if (!noise) return [];
  const share = short(100 * noise);
  // More agree than are right: some of the wrong ones are among them.
  if (train_accuracy > 1 - noise + 0.001) {
    const text = phrase(
      "It agrees with {accuracy} of its training labels, {share} % of which are wrong: it has memorised some of the wrong ones.",
    );
    return [[text, { accuracy: percent(train_accuracy), share }]];
  }
  const text = phrase(
    "It is right on {accuracy} of the held-out examples, although {share} % of the labels it learned from are wrong.",
  );
  return [[text, { accuracy: percent(accuracy), share }]];
};

/**
 * @param {TrainFigures} last
 * @param {TrainSetting} setting
 * @param {boolean} constrained
 * @returns {Sentence[]}
 */
const onPenalty = ({ size }, { penalty, weight }, constrained) => {
  if (!penalty || !weight) return [];
  const norm = penalty === "l1" ? "‖z‖₁" : "‖z‖₂²";
  const text = phrase("The penalty is λ {norm}, averaged over the batch; mean |logit| is {size}.");
  /** @type {Sentence} */
  const sentence = [text, { norm, size: short(size, 3) }];
  if (!constrained) return [sentence];
  // The penalty reaches every logit, whatever the constraint does.
  return [
    [phrase("“No gradient” is measured with the penalty's gradient included, which no constraint blocks."), {}],
    sentence,
  ];
};

/**
 * What a run's last figures say; nothing before there are any, and of a run that failed.
 *
 * @param {Pick<Run, "state" | "points" | "setting">} run
 * @param {Pick<Entry, "zeros"> | undefined} entry of its constraint, if it has one
 * @returns {Sentence[]}
 */
export const reading = ({ state, points, setting }, entry) => {
  const last = points.at(-1);
  if (!last || state === "failed") return [];
  const sentences = onConstraint(last, setting, Boolean(entry?.zeros));
  if (last.impossible) {
    const text = phrase("NLL is infinite: {share} of the true classes got probability 0.");
    sentences.push([text, { share: percent(last.impossible) }]);
  }
  if (last.temperature !== null && setting.learned) {
    const text = phrase("T went from {from} to {to}; it is learned as log T, so it stays positive.");
    sentences.push([text, { from: short(setting.settings.temperature), to: short(last.temperature, 3) }]);
  }
  sentences.push(...onNoise(last, setting), ...onPenalty(last, setting, Boolean(entry)));
  return sentences;
};

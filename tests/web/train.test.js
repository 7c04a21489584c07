// What the Train tab says of a setting and of a run's figures.

/** @import { TrainFigures, TrainSetting } from "../../assets/web/types.js" */

import assert from "node:assert/strict";
import { test } from "node:test";
import { describe, describePenalty } from "../../assets/web/train/description.js";
import { nllOf, reading } from "../../assets/web/train/reading.js";

const MOST = 6000;
/** @type {TrainSetting} */
const SETTING = {
  method: "",
  settings: { lo: -2, hi: 4, temperature: 1, lam: 0.1, radius: 1 },
  learned: false,
  penalty: "",
  weight: 0,
  optimizer: "adamw",
  learning_rate: 0.01,
  epochs: 100,
  batch: 0,
  noise: 0,
  examples: MOST,
  seed: 0,
};
/** @type {TrainFigures} */
const FIGURES = {
  epoch: 100,
  train_loss: 0.5,
  train_accuracy: 0.9,
  loss: 0.5,
  accuracy: 0.85,
  nll: 0.5,
  impossible: 0,
  ece: 0.02,
  size: 3,
  dead: 0,
  temperature: null,
};

/** @type {(text: string, values?: Record<string, string | number>) => string} */
const english = (text, values = {}) => text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));

/**
 * @param {Partial<TrainSetting>} changes
 * @param {{constraint?: string, tempered?: boolean}} facts
 */
const described = (changes, { constraint = "", tempered = false } = {}) =>
  describe({ ...SETTING, ...changes }, { constraint, tempered, most: MOST }, english);

/**
 * The sentences about a run that ended with these figures.
 *
 * @param {Partial<TrainSetting>} setting
 * @param {Partial<TrainFigures>} figures
 * @param {{zeros: boolean} | undefined} entry
 */
const read = (setting, figures, entry = setting.method ? { zeros: false } : undefined) =>
  reading({ state: "done", points: [{ ...FIGURES, ...figures }], setting: { ...SETTING, ...setting } }, entry).map(
    ([text, values]) => english(text, values),
  );

test("a setting says its constraint, its epochs and its learning rate, and nothing that is as usual", () => {
  assert.deepEqual(described({}), ["no constraint", "100 epochs", "learning rate 0.01"]);
  assert.equal(described({}, { constraint: "Hard clamp [−2, 4]" })[0], "Hard clamp [−2, 4]");
});

test("a setting says whatever is not as usual, in the order of the controls", () => {
  const unusual = { noise: 0.3, examples: 600, batch: 64, optimizer: "sgd", seed: 7 };
  assert.deepEqual(described({ ...unusual, penalty: "l2", weight: 0.003 }), [
    "no constraint",
    "L2 penalty, λ = 0.003",
    "30 % wrong labels",
    "600 examples",
    "100 epochs",
    "learning rate 0.01",
    "batches of 64",
    "SGD",
    "seed 7",
  ]);
});

test("a penalty of weight 0 is none", () => {
  assert.deepEqual(described({ penalty: "l1", weight: 0 }), described({}));
  assert.equal(describePenalty({ penalty: "l1" }, english), "L1 penalty");
});

test("T is only learned where there is one", () => {
  const constraint = "Softmax, T = 2";
  assert.equal(
    described({ learned: true }, { constraint, tempered: true })[0],
    "Softmax, T = 2 at first, then learned",
  );
  assert.equal(described({ learned: true }, { constraint: "Hard clamp" })[0], "Hard clamp");
});

test("there is nothing to read before the first figures, or of a run that failed", () => {
  const clamp = { ...SETTING, method: "clamp" };
  const dead = { ...FIGURES, dead: 0.9 };
  assert.deepEqual(reading({ state: "running", points: [], setting: clamp }, { zeros: false }), []);
  assert.deepEqual(reading({ state: "failed", points: [dead], setting: clamp }, { zeros: false }), []);
  assert.equal(reading({ state: "stopped", points: [FIGURES, dead], setting: clamp }, { zeros: false }).length, 1);
  assert.deepEqual(reading({ state: "running", points: [dead, FIGURES], setting: clamp }, { zeros: false }), []);
});

test("logits without gradient are explained as the constraint has it", () => {
  /** @type {[string, boolean, RegExp | null][]} method, whether it makes exact zeros, what is said */
  const cases = [
    ["clamp", false, /^50\.0 % of the logits are clipped and get no gradient/],
    ["smooth_clamp", false, /^50\.0 % .* tanh is flat in floating point/],
    ["clamp_inward", false, /^50\.0 % .* sit at a bound/],
    ["sparsemax", true, /^50\.0 % .* exactly what the label asks for/],
    ["entmax15", true, /^50\.0 % .* exactly what the label asks for/],
    ["prox_l1", true, /^50\.0 % .* the map is flat there/],
    ["clamp_straight_through", false, null],
    ["softmax", false, null],
    ["", false, null],
  ];
  for (const [method, zeros, expected] of cases) {
    const sentences = read({ method }, { dead: 0.5 }, method ? { zeros } : undefined);
    assert.equal(sentences.length, expected ? 1 : 0, method);
    if (expected) assert.match(sentences[0], expected);
    assert.deepEqual(read({ method }, { dead: 0.3 }, { zeros }), [], `${method}: 30 % are not worth a sentence`);
  }
});

test("a box without width is the reason for its dead logits, where no other gradient is let through", () => {
  for (const method of ["clamp", "smooth_clamp"])
    assert.match(
      read({ method, settings: { lo: 1, hi: 1 } }, { dead: 1 })[0],
      /^100 % .* the box is a single point\.$/,
    );
  assert.match(read({ method: "clamp_inward", settings: { lo: 1, hi: 1 } }, { dead: 1 })[0], /sit at a bound/);
});

test("a straight-through gradient lets logits run away, far from both bounds", () => {
  const method = "clamp_straight_through";
  assert.match(read({ method }, { size: 12.345 })[0], /has grown to 12\.3\./);
  assert.deepEqual(read({ method }, { size: 10 }), []);
  assert.deepEqual(read({ method, settings: { lo: -8, hi: 4 } }, { size: 15 }), []);
  assert.deepEqual(read({ method: "softmax" }, { size: 50 }), []);
});

test("an infinite NLL says how many got probability 0", () => {
  const expected = ["NLL is infinite: 2.5 % of the true classes got probability 0."];
  assert.deepEqual(read({}, { nll: null, impossible: 0.025 }), expected);
  assert.equal(nllOf({ nll: null }), Infinity);
  assert.equal(nllOf({}), Infinity); // a fit of a sweep that diverged
  assert.equal(nllOf({ nll: 0 }), 0);
});

test("a learned T says where it came from", () => {
  const expected = ["T went from 2 to 0.412; it is learned as log T, so it stays positive."];
  assert.deepEqual(
    read({ method: "softmax", learned: true, settings: { temperature: 2 } }, { temperature: 0.4123 }),
    expected,
  );
  assert.deepEqual(read({ method: "softmax", settings: { temperature: 2 } }, { temperature: 2 }), []);
  assert.deepEqual(read({ method: "clamp", learned: true }, { temperature: null }), []);
});

test("of wrong labels, more agreement than there are right ones means learning by heart", () => {
  assert.match(read({ noise: 0.4 }, { train_accuracy: 0.7 })[0], /^It agrees with 70\.0 % .* 40 % of which are wrong/);
  assert.match(read({ noise: 0.4 }, { train_accuracy: 0.6 })[0], /^It is right on 85\.0 % .* although 40 % of/);
  // As many labels are wrong as there are: one of three at the least.
  assert.match(read({ noise: 0.4, examples: 3 }, { train_accuracy: 0.5 })[0], /although 33\.33 % of/);
  assert.deepEqual(read({ noise: 0.1, examples: 3 }, {}), []);
});

test("a penalty is explained, and what it means for logits without gradient", () => {
  const l1 = ["The penalty is λ ‖z‖₁, averaged over the batch; mean |logit| is 3."];
  assert.deepEqual(read({ penalty: "l1", weight: 0.1 }, {}), l1);
  assert.match(read({ penalty: "l2", weight: 0.1 }, {})[0], /λ ‖z‖₂²/);
  assert.deepEqual(read({ penalty: "l1", weight: 0 }, {}), []);
  const constrained = read({ method: "softmax", penalty: "l1", weight: 0.1 }, {});
  assert.match(constrained[0], /^“No gradient” is measured with the penalty's gradient included/);
  assert.deepEqual(constrained.slice(1), l1);
});

// What links.js knows of a page, as constrained/page/links.py writes it: each kind of control, and owners that have the same.

/** @import { ChoiceControl, FlagControl, LinkFacts, MaskControl, MaskParameter, RangeControl, RangeParameter, TextControl, VectorControl, VectorParameter } from "../../assets/web/types.js" */

/**
 * @param {string | number} opening
 * @param {(string | number)[]} values
 * @returns {ChoiceControl}
 */
const choice = (opening, values) => ({ kind: "choice", opening, values });
/** @returns {FlagControl} */
const flag = () => ({ kind: "flag", opening: false });
/**
 * @param {number} opening
 * @param {number} low
 * @param {number} high
 * @param {boolean} whole
 * @returns {RangeControl}
 */
const range = (opening, low, high, whole = false) => ({ kind: "number", opening, low, high, unit: 1, whole });

const bounded = ["clamp", "clamp_straight_through", "clamp_inward", "smooth_clamp"];
const probability = ["softmax", "sparsemax", "entmax15"];
const regularised = ["prox_l1", "prox_l2", "project_l1_ball", "project_l2_ball", "project_simplex"];
const all = [...bounded, ...probability, ...regularised];

/**
 * @param {string} key
 * @param {Partial<RangeParameter>} more
 * @returns {RangeParameter}
 */
const number = (key, more = {}) => ({
  ...{ kind: "number", key, symbol: key, name: key, link: key, shortcut: "", scale: "linear", whole: false, above: "" },
  ...{ neutral: null, default: 0, low: -20, high: 20, ...more },
});

/** @type {VectorParameter} */
export const offset = {
  ...{ kind: "vector", key: "offset", symbol: "b", name: "b, offset", link: "offset", shortcut: "" },
  ...{ default: 0, low: -5, high: 5 },
};
/** @type {MaskParameter} */
export const excluded = {
  ...{ kind: "mask", key: "excluded", symbol: "M", name: "M, excluded", link: "without", shortcut: "", default: false },
};

const parameters = () => ({
  lo: range(-2, -20, 20),
  hi: range(1.5, -20, 20),
  temperature: range(1, 0.05, 20),
  lam: range(0.5, 0, 10),
  radius: range(3, 0.1, 100),
});
/** @returns {{offset: VectorControl, excluded: MaskControl}} */
const ofClasses = () => ({
  offset: { kind: "vector", opening: "", scale: offset },
  excluded: { kind: "mask", opening: "", scale: excluded },
});

/** @type {TextControl} */
const target = { kind: "text", opening: "raw top-1" };

/** @type {LinkFacts} */
export const facts = {
  methods: Object.fromEntries([
    ...bounded.map((key) => [key, { family: "bounded", parameters: ["lo", "hi"] }]),
    ...probability.map((key) => [key, { family: "probability", parameters: ["temperature"] }]),
    ...regularised.map((key) => [
      key,
      { family: "regularised", parameters: [key.startsWith("prox") ? "lam" : "radius"] },
    ]),
  ]),
  parameters: {
    ...{ lo: number("lo"), hi: number("hi", { above: "lo" }), temperature: number("temperature", { link: "t" }) },
    ...{ lam: number("lam"), radius: number("radius"), offset, excluded },
  },
  families: ["bounded", "probability", "regularised"],
  controls: {
    explore: {
      bounded: choice("clamp", bounded),
      probability: choice("softmax", probability),
      regularised: choice("prox_l1", regularised),
      ...parameters(),
      ...ofClasses(),
      k: range(10, 2, 10, true),
      gradient: flag(),
      target,
    },
    train: {
      method: choice("", ["", ...all]),
      ...parameters(),
      learned: flag(),
      epochs: range(100, 10, 500, true),
      batch: choice(0, [0, 64, 256, 1024]),
      learning_rate: range(0.01, 0.0001, 1),
      noise: range(0, 0, 0.6),
    },
    calibrate: { method: choice("softmax", all), ...parameters() },
  },
  images: ["cat", "dog", "ship"],
  models: ["cifar10", "imagenet"],
  tabs: ["explore", "train", "calibrate", "lessons", "code"],
  hides: ["header", "samples", "model", "table"],
};

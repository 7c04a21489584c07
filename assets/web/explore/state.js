// What the Explore tab is about: a picture's logits, the setting of the constraints, and what they make of the logits.
// Nothing is drawn here: code that draws subscribes with `onChange`.

/** @import { Family, Methods, Output, Setting, Settings } from "../types.js" */
/** @import { Answer } from "./gradients.js" */
/** @import { Range } from "./ranges.js" */

import { openingSettings, valuesOf } from "../base/parameters.js";
import { FAMILIES, registry } from "../base/registry.js";
import * as twins from "../twins/constraints.js";

/**
 * @typedef {Output & {key: string, logits: Float64Array}} Result an output, and what it was made of
 *
 * @typedef {object} State
 * @property {string | null} model
 * @property {string | null} image the sample that is shown, by name; null for a visitor's own picture
 * @property {Family} family the column that a control touched last: the one that the generated code is about
 * @property {string[]} labels
 * @property {Float64Array} logits
 * @property {number[]} order classes by raw logit, highest first
 * @property {Methods} methods
 * @property {Settings} settings
 * @property {number} k how many classes have a row
 * @property {number} target class of the gradients' loss
 * @property {string | null} targetName null: the raw top-1
 * @property {boolean} gradientOn
 * @property {Answer["gradient"] | null} gradients
 * @property {number} steepest the largest of them, which the longest arrow stands for
 * @property {boolean} stale whether they are those of an older setting, or still to come
 * @property {Record<Family, Result>} outputs empty until there are logits
 * @property {Partial<Record<Family, Result>>} before outputs of the setting before the one being made
 * @property {Setting | null} a pinned to compare with; what the controls say is then B
 * @property {Partial<Record<Family, Result>>} aOutputs outputs of A; another object whenever they change
 * @property {Partial<Record<Family, number>>} changed time of each family's last change
 * @property {{logit: Range, probability: Range}} axes
 * @property {Range} base the logit axis before it follows what a constraint makes
 * @property {number | null} over the class under the pointer or focus
 * @property {number | null} pinned the class whose example stays
 */

/** @type {State} */
export const state = {
  model: null,
  image: null,
  family: "bounded",
  labels: [],
  logits: new Float64Array(0),
  order: [],
  methods: { ...registry.chosen },
  settings: openingSettings(),
  k: 10,
  target: 0,
  targetName: null,
  gradientOn: false,
  gradients: null,
  steepest: 1,
  stale: false,
  outputs: /** @type {Record<Family, Result>} */ ({}),
  before: {},
  a: null,
  aOutputs: {},
  changed: {},
  axes: { logit: [-8, 8], probability: [0, 1] },
  base: [-8, 8],
  over: null,
  pinned: null,
};

/** @type {(() => void)[]} */
const drawings = [];
/** @param {() => void} draw is called whenever what is shown has changed */
export const onChange = (draw) => {
  drawings.push(draw);
};
export const redraw = () => {
  for (const draw of drawings) draw();
};

/** The classes that have a row, from the top. */
export const visible = () => state.order.slice(0, state.k);
/** The others, which share the last row. */
export const remaining = () => state.order.slice(state.k);

/** @type {Record<string, (logits: Float64Array, settings: any) => Output>} */
const constrain = twins.methods;
for (const key of Object.keys(registry.methods))
  if (!Object.hasOwn(constrain, key)) throw new Error(`assets/web/twins/constraints.js has no ${key}.`);

/**
 * What a setting makes of the logits. An output stays the very same object while nothing changes that it depends on.
 *
 * @param {Setting} setting
 * @param {Partial<Record<Family, Result>>} last the outputs before
 */
const outputsOf = ({ methods, settings }, last = {}) => {
  const { logits, labels } = state;
  /** @type {(method: string, known: Result | undefined) => Result} */
  const of = (method, known) => {
    const { parameters } = registry.methods[method];
    const key = JSON.stringify([method, parameters.map((name) => settings[name])]);
    if (known?.key === key && known.logits === logits) return known;
    return { key, logits, ...constrain[method](logits, valuesOf(parameters, settings, labels)) };
  };
  const entries = FAMILIES.map((family) => [family, of(methods[family], last[family])]);
  return /** @type {Record<Family, Result>} */ (Object.fromEntries(entries));
};

export const compute = () => {
  state.outputs = outputsOf(state, state.outputs);
  state.target = state.targetName === null ? state.order[0] : state.labels.indexOf(state.targetName);
};

export const computeA = () => {
  state.aOutputs = state.a && state.logits.length ? outputsOf(state.a) : {};
};

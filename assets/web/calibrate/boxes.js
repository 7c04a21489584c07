// Which bounds are best: a bounded constraint with many boxes, on all rows of the set and on the half that chooses.
//
// The map is about all rows. The best box is chosen on one half of them and reported on the other: otherwise the figures
// would include the luck of the rows that chose it.

/** @import { LabelledLogits } from "../types.js" */
/** @import { Best, Sweep } from "./state.js" */

import { boundsOf } from "../base/parameters.js";
import { registry } from "../base/registry.js";
import { max, min } from "../twins/constraints.js";
import { evaluate, measure } from "./measure.js";
import { state } from "./state.js";

export const LOS = [-20, -10, -5, -3, -2, -1, -0.5, 0, 1, 2];
export const HIS = [0, 0.5, 1, 2, 3, 4, 6, 8, 12, 20];

/** @typedef {"accuracy" | "nll" | "ece"} Metric by which boxes are compared */

/**
 * 1 where more is better.
 *
 * @type {Record<Metric, 1 | -1>}
 */
export const SIGN = { accuracy: 1, nll: -1, ece: -1 };

const methodToSweep = () =>
  boundsOf(state.method, state.settings)?.every(Number.isFinite) ? state.method : registry.chosen.bounded;

/** The key of a sweep of the setting. */
export const sweepKey = () => JSON.stringify([methodToSweep(), state.settings.temperature]);

/** @returns {Sweep} nothing of which is done yet */
export const newSweep = () => {
  const cells = LOS.map((lo) => HIS.map((hi) => (lo < hi ? null : undefined)));
  return {
    of: sweepKey(),
    method: methodToSweep(),
    settings: { ...state.settings },
    cells,
    chosen: LOS.map(() => []),
    best: {},
    total: cells.flat().filter((cell) => cell === null).length,
    done: 0,
  };
};

/**
 * Every second row of a set.
 *
 * @param {LabelledLogits} set
 * @param {0 | 1} first
 * @returns {LabelledLogits}
 */
const half = ({ logits, labels, width, classes }, first) => {
  const rows = Array.from(labels.keys()).filter((row) => row % 2 === first);
  const part = new Float64Array(rows.length * width);
  for (const [at, row] of rows.entries()) part.set(logits.subarray(row * width, (row + 1) * width), at * width);
  return { logits: part, labels: Int32Array.from(rows, (row) => labels[row]), rows: rows.length, width, classes };
};

/**
 * Fill a sweep, box by box.
 *
 * @param {LabelledLogits} set
 * @param {Sweep} into
 * @param {() => void} draw
 */
export const sweeping = function* (set, into, draw) {
  const choosing = half(set, 0);
  for (const [r, lo] of LOS.entries()) {
    for (const [c, hi] of HIS.entries()) {
      if (lo >= hi) continue;
      const box = { ...into.settings, lo, hi };
      into.chosen[r][c] = yield* evaluate(choosing, into.method, box);
      into.cells[r][c] = yield* evaluate(set, into.method, box);
      into.done += 1;
      if (into.done % 4 === 0) draw();
    }
  }
};

/**
 * @param {number} r
 * @param {number} c
 */
const inner = (r, c) => r > 0 && r < LOS.length - 1 && c > 0 && c < HIS.length - 1;

/**
 * @param {LabelledLogits} set
 * @param {Sweep} sweep a finished one
 * @param {Metric} metric
 * @returns {Best}
 */
const choose = (set, { chosen, method, settings }, metric) => {
  const cells = chosen.flatMap((row, r) => row.map((figures, c) => ({ r, c, score: SIGN[metric] * figures[metric] })));
  const top = max(cells.map(({ score }) => (Number.isFinite(score) ? score : -Infinity)));
  const best = cells.filter(({ score }) => score === top);
  const { r, c } = best.find((cell) => inner(cell.r, cell.c)) ?? best[0];
  const [lo, hi] = [LOS[r], HIS[c]];
  const others = half(set, 1);
  // Beyond an edge that clips nothing, a clamp is the same map.
  const { clips } = registry.methods[method];
  const [below, above] = [clips && lo <= min(set.logits), clips && hi >= max(set.logits)];
  return {
    lo,
    hi,
    box: measure(others, method, { ...settings, lo, hi }),
    plain: measure(others, "softmax", settings),
    idle: below && above,
    edge: (r === 0 && !below) || r === LOS.length - 1 || c === 0 || (c === HIS.length - 1 && !above),
    all: new Set(best.map((cell) => `${cell.r} ${cell.c}`)),
  };
};

/**
 * The best box of a finished sweep; worked out once.
 *
 * @param {LabelledLogits} set
 * @param {Sweep} sweep
 * @param {Metric} metric
 * @returns {Best}
 */
export const bestBox = (set, sweep, metric) => {
  const known = sweep.best[metric] ?? choose(set, sweep, metric);
  sweep.best[metric] = known;
  return known;
};

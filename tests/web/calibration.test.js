// assets/web/twins/calibration.js on small sets, against numbers worked out by hand and against a plain second way.

/** @import { Entry, Figures, LabelledLogits, Numbers, Predicted } from "../../assets/web/types.js" */

import assert from "node:assert/strict";
import { test } from "node:test";
import { atOnce } from "../../assets/web/calibrate/work.js";
import { asLogits, BINS, figures, reliability } from "../../assets/web/twins/calibration.js";

/**
 * @param {number[][]} rows
 * @param {number[]} labels
 * @returns {LabelledLogits}
 */
const setOf = (rows, labels) => ({
  logits: Float64Array.from(rows.flat()),
  labels: Int32Array.from(labels),
  rows: rows.length,
  width: rows[0].length,
  classes: rows[0].map((_, i) => `class ${i}`),
});

/** @typedef {Pick<Entry, "family" | "sparse" | "elementwise">} Facts */
/** @type {Record<string, Facts>} */
const ENTRIES = {
  softmax: { family: "probability", sparse: false, elementwise: false },
  sparsemax: { family: "probability", sparse: true, elementwise: false },
  entmax15: { family: "probability", sparse: true, elementwise: false },
  clamp: { family: "bounded", sparse: false, elementwise: true },
  prox_l1: { family: "regularised", sparse: false, elementwise: true },
  project_l2_ball: { family: "regularised", sparse: false, elementwise: false },
};

/**
 * @param {LabelledLogits} set
 * @param {string} method
 * @param {Numbers} settings
 */
const predict = (set, method, settings) => atOnce(asLogits(set, method, settings, ENTRIES[method]));
/**
 * @param {LabelledLogits} set
 * @param {number} divisor
 */
const measure = (set, divisor = 1) => atOnce(figures(set, { values: set.logits, divisor }));

/**
 * @param {number} got
 * @param {number} wanted
 * @param {string} [what]
 */
const near = (got, wanted, what = "") =>
  assert.ok(Math.abs(got - wanted) <= 1e-12 + 1e-9 * Math.abs(wanted), `${what} ${got}, not ${wanted}`);

/** The logits of a row with these probabilities. @param {number[]} p */
const logs = (...p) => p.map(Math.log);

test("figures of three rows, by hand", () => {
  // Right and sure, wrong and less sure, right and hardly sure.
  const set = setOf([logs(0.9, 0.1), logs(0.3, 0.7), logs(0.45, 0.55)], [0, 0, 1]);
  const { table, ...found } = measure(set);
  near(found.accuracy, 2 / 3, "accuracy");
  near(found.nll, -(Math.log(0.9) + Math.log(0.3) + Math.log(0.55)) / 3, "nll");
  near(found.brier, (0.02 + 0.98 + 0.405) / 3, "brier");
  near(found.confidence, (0.9 + 0.7 + 0.55) / 3, "confidence");
  near(found.ece, (0.1 + 0.7 + 0.45) / 3, "ece");
  assert.equal(found.impossible, 0);
  // Bins are a fifteenth wide: 0.55 lies in the 9th, 0.7 in the 11th, 0.9 in the 14th.
  const wanted = new Array(BINS).fill(0);
  wanted[8] = wanted[10] = wanted[13] = 1;
  assert.deepEqual(Array.from(table.count), wanted);
  near(table.confidence[10], 0.7);
  assert.equal(table.accuracy[10], 0);
  assert.equal(table.accuracy[13], 1);
});

test("an empty bin has no mean, and no part in the ECE", () => {
  const { table, ece } = measure(setOf([logs(0.9, 0.1)], [0]));
  for (const [bin, count] of table.count.entries()) {
    assert.equal(Number.isNaN(table.confidence[bin]), count === 0);
    assert.equal(Number.isNaN(table.accuracy[bin]), count === 0);
  }
  near(ece, 0.1);
});

test("tied classes at the top count as a guess", () => {
  const two = [3, 3, 0];
  assert.equal(measure(setOf([two], [0])).accuracy, 1 / 2);
  assert.equal(measure(setOf([two], [1])).accuracy, 1 / 2);
  assert.equal(measure(setOf([two], [2])).accuracy, 0);
  assert.equal(measure(setOf([[1, 1, 1, 1]], [3])).accuracy, 1 / 4);
  // A difference by rounding is none; a larger one counts.
  assert.equal(measure(setOf([[3, 3 + 1e-14, 0]], [0])).accuracy, 1 / 2);
  assert.equal(measure(setOf([[3, 3 + 1e-9, 0]], [0])).accuracy, 0);
});

test("a bin is (lower edge, upper edge], but for rounding", () => {
  /** @param {number} confidence */
  const binOf = (confidence) => reliability(Float64Array.of(confidence), Float64Array.of(1)).count.indexOf(1);
  assert.equal(binOf(0), 0);
  assert.equal(binOf(1), BINS - 1);
  for (let edge = 1; edge < BINS; edge++) {
    for (const off of [0, 1e-15, -1e-15, 9e-7]) assert.equal(binOf(edge / BINS + off), edge - 1, `${edge} ${off}`);
    assert.equal(binOf(edge / BINS + 2e-6), edge);
  }
});

test("probability 0 of a label makes the NLL infinite, and is counted", () => {
  const set = setOf(
    [
      [5, 0, 0],
      [5, 0, 0],
      [1, 1, 1],
      [0, 5, 0],
    ],
    [0, 1, 2, 1],
  );
  for (const method of ["sparsemax", "entmax15"]) {
    const predicted = predict(set, method, { temperature: 1 });
    assert.equal(predicted.values[1], -Infinity);
    const { nll, impossible, accuracy, brier, confidence } = atOnce(figures(set, predicted));
    assert.equal(nll, Infinity);
    assert.equal(impossible, 1 / 4);
    near(accuracy, (1 + 0 + 1 / 3 + 1) / 4);
    near(brier, (0 + 2 + 2 / 3 + 0) / 4);
    near(confidence, (1 + 1 + 1 / 3 + 1) / 4);
  }
});

test("a probability that a float rounds to 0 is not impossible", () => {
  const { nll, impossible } = measure(setOf([[0, -2000]], [1]));
  assert.equal(impossible, 0);
  near(nll, 2000);
});

test("each row less its largest: huge logits stay finite", () => {
  const { nll, brier, accuracy } = measure(
    setOf(
      [
        [1e300, 1e300],
        [-1e300, -1e300],
      ],
      [0, 1],
    ),
  );
  near(nll, Math.log(2));
  near(brier, 1 / 2);
  assert.equal(accuracy, 1 / 2);
});

test("T acts before a sparse map and after all others", () => {
  const set = setOf([[2, 1, -1]], [0]);
  const settings = { temperature: 4, lo: -1.5, hi: 1.5, lam: 0.5, radius: 1 };
  assert.deepEqual(predict(set, "softmax", settings), { values: set.logits, divisor: 4 });
  const clamped = predict(set, "clamp", settings);
  assert.deepEqual([Array.from(clamped.values), clamped.divisor], [[1.5, 1, -1], 4]);
  const shrunk = predict(set, "prox_l1", settings);
  assert.deepEqual([Array.from(shrunk.values), shrunk.divisor], [[1.5, 0.5, -0.5], 4]);
  const projected = predict(set, "project_l2_ball", settings);
  near(Math.hypot(...projected.values), 1);
  // z / 4 is 0.5, 0.25, -0.25, of which two are above τ = (0.75 - 1) / 2.
  const sparse = predict(set, "sparsemax", settings);
  assert.equal(sparse.divisor, 1);
  near(Math.exp(sparse.values[0]), 5 / 8);
  near(Math.exp(sparse.values[1]), 3 / 8);
  assert.equal(sparse.values[2], -Infinity);
});

// A second way: one row at a time, with arrays, and bins as a comparison with their edges.
/**
 * @param {LabelledLogits} set
 * @param {Predicted} predicted
 */
const plainFigures = ({ labels, width, rows }, { values, divisor }) => {
  const each = Array.from({ length: rows }, (_, row) => {
    const z = Array.from(values.subarray(row * width, (row + 1) * width), (v) => v / divisor);
    const top = Math.max(...z);
    const total = z.reduce((sum, v) => sum + Math.exp(v - top), 0);
    const p = z.map((v) => Math.exp(v - top) / total);
    const confidence = Math.max(...p);
    const tied = p.filter((v) => v >= confidence * (1 - 1e-12)).length;
    const label = labels[row];
    return {
      confidence,
      hit: p[label] >= confidence * (1 - 1e-12) ? 1 / tied : 0,
      nll: -(z[label] - top - Math.log(total)),
      brier: p.reduce((sum, v, i) => sum + (v - Number(i === label)) ** 2, 0),
      impossible: Number(z[label] === -Infinity),
    };
  });
  /** @param {number[]} list */
  const mean = (list) => list.reduce((sum, v) => sum + v, 0) / list.length;
  const bins = Array.from({ length: BINS }, (_, bin) => {
    /** @param {number} edge */
    const above =
      (edge) =>
      (/** @type {{confidence: number}} */ { confidence }) =>
        confidence > edge / BINS + 1e-6;
    return each.filter((one) => (bin === 0 || above(bin)(one)) && (bin === BINS - 1 || !above(bin + 1)(one)));
  });
  const gaps = bins.map((bin) => Math.abs(bin.reduce((sum, { hit, confidence }) => sum + hit - confidence, 0)));
  return {
    accuracy: mean(each.map(({ hit }) => hit)),
    nll: mean(each.map(({ nll }) => nll)),
    ece: gaps.reduce((sum, gap) => sum + gap, 0) / rows,
    brier: mean(each.map(({ brier }) => brier)),
    impossible: mean(each.map(({ impossible }) => impossible)),
    confidence: mean(each.map(({ confidence }) => confidence)),
    count: bins.map((bin) => bin.length),
  };
};

let seed = 1;
/** A number from 0 to 1 that is the same in every run (Park and Miller). */
const random = () => {
  seed = (seed * 48271) % 2147483647;
  return seed / 2147483647;
};

for (const method of Object.keys(ENTRIES)) {
  test(`${method}: figures as a second way has them`, () => {
    for (const [rows, width, round] of [
      [200, 10, false],
      [60, 2, false],
      [150, 5, true], // with ties
      [7, 6000, false], // a row is more than the numbers between two stops
    ]) {
      const logits = Array.from({ length: Number(rows) }, () =>
        Array.from({ length: Number(width) }, () => {
          const v = 8 * (random() + random() - 1);
          return round ? Math.round(v) : v;
        }),
      );
      const set = setOf(
        logits,
        logits.map((row) => (random() < 0.5 ? row.indexOf(Math.max(...row)) : Math.floor(random() * row.length))),
      );
      for (const temperature of [0.3, 1, 3]) {
        const settings = { temperature, lo: -2, hi: 1.5, lam: 0.5, radius: 3 };
        const predicted = predict(set, method, settings);
        const { table, ...found } = atOnce(figures(set, predicted));
        const { count, ...wanted } = plainFigures(set, predicted);
        assert.deepEqual(Array.from(table.count), count);
        for (const [key, value] of Object.entries(wanted)) {
          const got = found[/** @type {Exclude<keyof Figures, "table">} */ (key)];
          if (Number.isFinite(value)) near(got, value, key);
          else assert.equal(got, value, key);
        }
      }
    }
  });
}

test("long work stops in between", () => {
  const set = setOf(
    Array.from({ length: 3000 }, (_, row) => [row % 7, row % 5, row % 3, 0, 1]),
    Array.from({ length: 3000 }, (_, row) => row % 5),
  );
  /** @param {Iterator<unknown, unknown>} steps */
  const stops = (steps) => {
    let count = 0;
    while (!steps.next().done) count += 1;
    return count;
  };
  assert.equal(stops(figures(set, { values: set.logits, divisor: 1 })), 3);
  assert.equal(stops(asLogits(set, "clamp", { lo: 0, hi: 1, temperature: 1 }, ENTRIES.clamp)), 3);
  assert.equal(stops(asLogits(set, "softmax", { temperature: 1 }, ENTRIES.softmax)), 0, "there is nothing to work out");
});

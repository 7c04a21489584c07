// The browser's twin of constrained/calibration.py: how far the confidences of a labelled set can be trusted. It needs
// no document, so it runs in Node too.
//
// Long work is a generator that stops every few thousand numbers, so that the page can draw in between.
//
// tests/browser/test_calibrate.py compares `figures` with PyTorch to 1e-6 relative; tests/web/calibration.test.js works
// small sets out in another way.

/** @import { Entry, Figures, LabelledLogits, Numbers, Predicted, Reliability } from "../types.js" */

import { methods } from "./constraints.js";

export const BINS = 15;
const ROUNDING = 1e-12; // of a share, between tied classes
const EDGE = 1e-6; // of a confidence, around the edge of a bin
const CHUNK = 5000; // numbers between two stops

/** @param {number} width numbers in a row */
const rowsInChunk = (width) => Math.max(1, Math.floor(CHUNK / width));

/**
 * Logits whose softmax is what a constrained model predicts, but for the last division. It is left to `figures`: where
 * the temperature acts after the constraint, it can move without the constraint being worked out again.
 *
 * @param {LabelledLogits} set
 * @param {string} method key of the constraint
 * @param {Numbers} settings
 * @param {Pick<Entry, "family" | "sparse" | "elementwise">} entry the constraint's
 * @returns {Generator<undefined, Predicted>}
 */
export const asLogits = function* ({ logits, width, rows }, method, settings, { family, sparse, elementwise }) {
  const { temperature } = settings;
  if (family === "probability" && !sparse) return { values: logits, divisor: temperature };
  const map = methods[method];
  const values = new Float64Array(logits.length);
  const step = rowsInChunk(width);
  for (let from = 0; from < rows; from += step) {
    const to = Math.min(from + step, rows);
    if (elementwise) {
      values.set(map(logits.subarray(from * width, to * width), settings).y, from * width);
    } else {
      for (let row = from; row < to; row++) {
        const { y } = map(logits.subarray(row * width, (row + 1) * width), settings);
        values.set(sparse ? y.map(Math.log) : y, row * width);
      }
    }
    yield;
  }
  return { values, divisor: sparse ? 1 : temperature };
};

// A bin is (lower edge, upper edge], and what lies on an edge but for rounding lies on it.
/** @param {number} confidence */
const binOf = (confidence) => {
  let bin = Math.min(Math.floor(confidence * BINS), BINS - 1);
  while (bin > 0 && confidence <= bin / BINS + EDGE) bin -= 1;
  return bin;
};

/**
 * Rows sorted into bins of equal width by the confidence of their top class.
 *
 * @param {Float64Array} confidences of each row
 * @param {Float64Array} hits of each row: 1, 0, or the chance to guess right among tied classes
 * @returns {Reliability}
 */
export const reliability = (confidences, hits) => {
  const count = new Float64Array(BINS);
  const confidence = new Float64Array(BINS);
  const accuracy = new Float64Array(BINS);
  for (let row = 0; row < hits.length; row++) {
    const bin = binOf(confidences[row]);
    count[bin] += 1;
    confidence[bin] += confidences[row];
    accuracy[bin] += hits[row];
  }
  for (let bin = 0; bin < BINS; bin++) {
    confidence[bin] /= count[bin]; // NaN in an empty one
    accuracy[bin] /= count[bin];
  }
  return { count, confidence, accuracy };
};

/**
 * The expected calibration error: the mean gap between confidence and accuracy over the bins, by count.
 *
 * @param {Reliability} table
 * @param {number} rows
 */
const expectedError = ({ count, confidence, accuracy }, rows) => {
  let total = 0;
  for (let bin = 0; bin < BINS; bin++) {
    if (count[bin]) total += (count[bin] / rows) * Math.abs(accuracy[bin] - confidence[bin]);
  }
  return total;
};

/**
 * All figures of the predictions softmax(values / divisor).
 *
 * @param {LabelledLogits} set
 * @param {Predicted} predicted
 * @returns {Generator<undefined, Figures>}
 */
export const figures = function* ({ labels, width, rows }, { values, divisor }) {
  const confidences = new Float64Array(rows);
  const hits = new Float64Array(rows);
  const e = new Float64Array(width);
  let [nll, brier, right, sure, impossible] = [0, 0, 0, 0, 0];
  const step = rowsInChunk(width);
  for (let row = 0; row < rows; row++) {
    if (row % step === step - 1) yield;
    const at = row * width;
    const label = labels[row];
    let top = -Infinity;
    for (let i = at; i < at + width; i++) if (values[i] > top) top = values[i];
    let total = 0;
    for (let i = 0; i < width; i++) {
      e[i] = Math.exp((values[at + i] - top) / divisor);
      total += e[i];
    }
    const confidence = 1 / total;
    const least = confidence * (1 - ROUNDING);
    let tied = 0;
    for (let i = 0; i < width; i++) {
      const p = e[i] / total;
      if (p >= least) tied += 1;
      brier += (p - (i === label ? 1 : 0)) ** 2;
    }
    const hit = e[label] / total >= least ? 1 / tied : 0;
    // A probability that a float rounds to 0 is none: the logarithm tells them apart.
    if (values[at + label] === -Infinity) impossible += 1;
    nll += Math.log(total) - (values[at + label] - top) / divisor;
    confidences[row] = confidence;
    hits[row] = hit;
    right += hit;
    sure += confidence;
  }
  const table = reliability(confidences, hits);
  return {
    accuracy: right / rows,
    nll: nll / rows,
    ece: expectedError(table, rows),
    brier: brier / rows,
    impossible: impossible / rows,
    confidence: sure / rows,
    table,
  };
};

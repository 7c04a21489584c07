// Scales: a slider's position and its value, and steps of an axis.

/** @import { Scale } from "../../assets/web/types.js" */

import assert from "node:assert/strict";
import { test } from "node:test";

import { inRange, niceStep, position, STEPS, valueAt } from "../../assets/web/base/scales.js";
import { uniform } from "./random.js";

/**
 * Those of constrained/registry.py and constrained/training.py.
 *
 * @satisfies {Record<string, Scale>}
 */
const SCALES = {
  temperature: { low: 0.05, high: 20 },
  lam: { low: 0.001, high: 10, zero: true },
  radius: { low: 0.1, high: 100 },
  weight: { low: 1e-5, high: 10, zero: true },
  learning_rate: { low: 1e-4, high: 1 },
};
const ROUNDING = 0.0051; // of three significant digits, at most, as a share: half a unit of 1.00

for (const [name, scale] of Object.entries(/** @type {Record<string, Scale>} */ (SCALES))) {
  const first = scale.zero ? 1 : 0; // at 0 there is the zero
  const step = Math.log(scale.high / scale.low) / STEPS;

  test(`${name}: the ends of the slider are the ends of the range`, () => {
    assert.equal(valueAt(scale, STEPS), scale.high);
    assert.equal(position(scale, scale.high), STEPS);
    assert.equal(position(scale, scale.low), 0);
    assert.equal(valueAt(scale, 0), scale.zero ? 0 : scale.low);
  });

  test(`${name}: a position comes back from its value, within the value's rounding`, () => {
    for (let at = first; at <= STEPS; at += 0.25)
      assert.ok(Math.abs(position(scale, valueAt(scale, at)) - at) <= ROUNDING / step, String(at));
  });

  test(`${name}: a value comes back from its position, within its rounding`, () => {
    const draw = uniform(1);
    for (let round = 0; round < 500; round++) {
      const value = scale.low * (scale.high / scale.low) ** draw();
      const back = valueAt(scale, position(scale, value));
      assert.ok(Math.abs(back - value) <= ROUNDING * value, String(value));
      assert.equal(valueAt(scale, position(scale, back)), back); // a rounded one exactly
    }
  });

  test(`${name}: the value rises with the position, and has three digits at most`, () => {
    for (let at = first; at <= STEPS; at++) {
      const value = valueAt(scale, at);
      if (at > 0) assert.ok(value > valueAt(scale, at - 1), String(at));
      assert.equal(Number(value.toPrecision(3)), value);
      assert.ok(value >= scale.low && value <= scale.high, String(at));
    }
  });

  test(`${name}: what is out of range goes to the nearer end`, () => {
    assert.equal(inRange(scale, scale.high * 2), scale.high);
    assert.equal(inRange(scale, Infinity), scale.high);
    assert.equal(inRange(scale, -1), scale.zero ? 0 : scale.low);
    assert.equal(inRange(scale, scale.low / 2), scale.zero ? scale.low / 2 : scale.low); // from 0 on, all are allowed
    assert.equal(inRange(scale, scale.low), scale.low);
    assert.equal(inRange(scale, 0.5), 0.5);
  });
}

test("zero stands at the slider's left end, and only where there is one", () => {
  assert.equal(position(SCALES.lam, 0), 0);
  assert.equal(valueAt(SCALES.lam, 0), 0);
  assert.equal(position(SCALES.lam, 0.0005), 0); // it has no position of its own
  assert.equal(valueAt(SCALES.radius, 0), 0.1);
});

test("the middle of T's slider is 1", () => {
  assert.equal(valueAt(SCALES.temperature, STEPS / 2), 1);
  assert.ok(Math.abs(position(SCALES.temperature, 1) - STEPS / 2) < 1e-12);
});

test("a step of an axis is 1, 2 or 5 times a power of ten, and the least that is large enough", () => {
  const draw = uniform(3);
  for (let round = 0; round < 1000; round++) {
    const raw = 10 ** (12 * draw() - 6);
    const step = niceStep(raw);
    assert.ok(step >= raw && step < 2.5000001 * raw, `${raw} -> ${step}`);
    const digit = Number(step.toExponential(6).split("e")[0]);
    assert.ok([1, 2, 5].includes(digit), `${raw} -> ${step}`);
  }
  for (const exact of [1, 2, 5, 10, 20, 50, 100]) assert.equal(niceStep(exact), exact);
});

// The pure parts of the Explore tab: what badges measure, and the arithmetic of an axis.

/** @import { Family, Output, Setting } from "../../assets/web/types.js" */

import assert from "node:assert/strict";
import { test } from "node:test";
import { entropy, isSame, isTop, measure } from "../../assets/web/explore/measures.js";
import {
  along,
  grown,
  misfits,
  rangeAround,
  roundTop,
  span,
  ticksFor,
  tickValues,
} from "../../assets/web/explore/ranges.js";

/** @type {(a: number, b: number) => void} */
const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-12 * Math.max(1, Math.abs(b)), `${a} is not ${b}`);

/** @type {Setting} */
const SETTING = {
  methods: { bounded: "clamp", probability: "softmax", regularised: "project_simplex" },
  settings: { lo: -2, hi: 1.5, temperature: 1, lam: 0.5, radius: 3 },
};
/** @type {(y: number[], dead?: number[]) => Output} */
const output = (y, dead = y.map(() => 0)) => ({ y: Float64Array.from(y), dead: Uint8Array.from(dead), named: {} });
/** @type {(logits: number[], y: number[], column?: Family, setting?: Setting, dead?: number[]) => any} */
const measured = (logits, y, column = "bounded", setting = SETTING, dead = undefined) =>
  measure(column, Float64Array.from(logits), setting, output(y, dead), [setting.settings.lo, setting.settings.hi]);

// Measures ---------------------------------------------------------------------------------------------------------

test("a clamp is measured", () => {
  const found = measured([-5, 0, 1, 4], [-2, 0, 1, 1.5], "bounded", SETTING, [1, 0, 0, 1]);
  assert.equal(found.method, "clamp");
  assert.deepEqual(found.best, [3]);
  assert.deepEqual([found.low, found.top, found.sum], [-2, 1.5, 0.5]);
  assert.deepEqual([found.clipped, found.zeros, found.flat], [2, 1, 2]);
  near(found.moved, Math.hypot(3, 2.5));
  assert.equal(found.entropy, null, "bounded logits are no distribution");
});

test("a logit on a bound is not clipped", () => {
  assert.equal(measured([-2, 1.5], [-2, 1.5]).clipped, 0);
});

test("all classes with the largest output are the best ones", () => {
  const found = measured([5, 2, 3], [1.5, 1.5, 0]);
  assert.deepEqual(found.best, [0, 1]);
  assert.equal(isTop(found, 0), false, "a tie is not kept");
  assert.equal(isTop(measured([5, 2], [1.5, 1]), 0), true);
  assert.equal(isTop(measured([5, 2], [1, 1.5]), 0), false);
});

test("an output that is no number has no best class", () => {
  const found = measured([1, 2], [NaN, NaN], "bounded", SETTING, [1, 1]);
  assert.deepEqual(found.best, []);
  assert.ok(Number.isNaN(found.top));
  assert.equal(isTop(found, 0), false);
});

test("−0 is an exact zero, and the smallest number is none", () => {
  assert.equal(measured([1, 2, 3], [0, -0, Number.MIN_VALUE]).zeros, 2);
});

test("one class is measured", () => {
  const found = measured([3], [1], "probability");
  assert.deepEqual(found.best, [0]);
  near(found.entropy, 0);
  assert.equal(found.moved, 2);
});

test("only distributions have an entropy", () => {
  const simplex = { ...SETTING, settings: { ...SETTING.settings, radius: 1 } };
  near(measured([1, 1], [0.5, 0.5], "probability").entropy, Math.log(2));
  near(measured([1, 1], [0.5, 0.5], "regularised", simplex).entropy, Math.log(2));
  assert.equal(measured([1, 1], [1.5, 1.5], "regularised").entropy, null);
});

test("the entropy of a certain class is 0, and exact zeros add nothing", () => {
  near(entropy(Float64Array.of(0, 1, 0)), 0);
  near(entropy(Float64Array.of(0.25, 0.25, 0.25, 0.25, 0)), Math.log(4));
  assert.ok(Number.isNaN(entropy(Float64Array.of(NaN, NaN))), "no answer has no entropy");
});

test("an output is measured once", () => {
  const [logits, of] = [Float64Array.of(1, 2), output([1, 1.5])];
  assert.equal(measure("bounded", logits, SETTING, of), measure("bounded", logits, SETTING, of));
});

test("what differs by rounding alone is the same", () => {
  assert.ok(isSame(0.1 + 0.2, 0.3));
  assert.ok(isSame(0, 0));
  assert.ok(isSame(NaN, NaN));
  assert.ok(isSame(-Infinity, -Infinity));
  assert.ok(!isSame(0, 1e-300));
  assert.ok(!isSame(1, 1 + 1e-8));
  assert.ok(!isSame(1, -1));
});

// Axes -------------------------------------------------------------------------------------------------------------

test("an axis has 0 on it, round ends and room for all values", () => {
  assert.deepEqual(rangeAround([-3.2, 7.9]), [-5, 10]);
  assert.deepEqual(rangeAround([2, 3, 4]), [0, 5]);
  assert.deepEqual(rangeAround([-4, -1]).map(Math.abs), [5, 0]);
  for (const values of [[-3.2, 7.9], [0.001], [-1e6, 3], [1e-9, -1e-9], [19.99, 0.1]]) {
    const [low, high] = rangeAround(values);
    for (const v of [0, ...values]) assert.ok(low <= v && v <= high, `${values}: ${low}, ${high}`);
  }
});

test("zeros, and no values at all, have an axis too", () => {
  for (const values of [[0], [0, 0, 0], []]) {
    const [low, high] = rangeAround(values);
    assert.ok(low <= 0 && high > 0 && Number.isFinite(high), `${low}, ${high}`);
  }
});

test("an axis grows only where a value leaves it", () => {
  /** @type {[number, number]} */
  const range = [-5, 10];
  assert.equal(grown(range, []), range);
  assert.equal(grown(range, [-5, 10]), range);
  const [low, high] = grown(range, [12]);
  assert.equal(low, -5);
  assert.ok(high >= 12 && high < 18);
  const [lower, same] = grown(range, [-7, 2]);
  assert.ok(lower <= -7);
  assert.equal(same, 10);
});

test("an axis is kept for the next picture unless it leaves it or would be tiny", () => {
  assert.equal(misfits([-5, 10], [-3, 8]), false);
  assert.equal(misfits([-5, 10], [-3, 11]), true);
  assert.equal(misfits([-5, 10], [-9, 8]), true);
  assert.equal(misfits([-50, 100], [-3, 8]), true);
});

test("an axis of probabilities ends at a round number, at 1 at most", () => {
  assert.equal(roundTop([0.97, 0.01]), 1);
  assert.equal(roundTop([1]), 1);
  near(roundTop([0.031, 0.02]), 0.04);
  assert.ok(roundTop([1e-7]) >= 1e-7);
});

test("ticks are as many as fit, and three at least", () => {
  /** @type {(room: number, text?: {percent?: boolean, letters?: number}) => number} */
  const count = (room, text) => tickValues([-8, 8], ticksFor([-8, 8], room, text).step).length;
  assert.ok(count(400) > count(150));
  assert.ok(count(400, { letters: 2 }) < count(400));
  for (const room of [1, 44, 150, 400]) assert.ok(count(room) >= 3, `${count(room)} in ${room} px`);
});

test("texts of ticks have the digits that their step needs", () => {
  assert.equal(ticksFor([0, 1], 200, { percent: true }).digits, 0);
  assert.equal(ticksFor([0, 0.001], 200, { percent: true }).digits, 2);
  assert.equal(ticksFor([-8, 8], 200).digits, 0);
  const { step, digits } = ticksFor([0, 0.4], 300);
  for (const v of tickValues([0, 0.4], step)) near(Number(v.toFixed(digits)), Number(v.toFixed(10)));
});

test("ticks have an exact zero and both ends", () => {
  const values = tickValues([-0.3, 0.3], 0.1);
  assert.equal(values.length, 7);
  assert.ok(Object.is(values[3], 0));
  near(values[0], -0.3);
  near(values[6], 0.3);
});

test("numbers lie along an axis, those off it at its ends", () => {
  const x = along([-5, 10], 100, 400);
  assert.deepEqual([-5, 0, 10].map(x), [100, 200, 400]);
  assert.deepEqual([-Infinity, -6, 11, Infinity].map(x), [100, 100, 400, 400]);
});

test("a bar goes from the smaller number to the larger one, and is seen unless it is nothing", () => {
  const x = along([-5, 10], 100, 400);
  assert.deepEqual(span(x, 0, 5), { x: 200, width: 100 });
  assert.deepEqual(span(x, 0, -5), { x: 100, width: 100 });
  assert.deepEqual(span(x, 0, 1e-9), { x: 200, width: 1 });
  assert.deepEqual(span(x, 0, 0), { x: 200, width: 0 });
  assert.deepEqual(span(x, 0, NaN), { x: 200, width: 0 });
});

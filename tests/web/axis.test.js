// assets/web/plots/axis.js and places.js: ends, ticks and positions, also of what fits no axis.

import assert from "node:assert/strict";
import { test } from "node:test";
import { axis, scale } from "../../assets/web/plots/axis.js";
import { beside } from "../../assets/web/plots/places.js";

/** @param {ReturnType<typeof axis>} of */
const texts = ({ ticks }) => ticks.map(([, text]) => text);
/** @param {ReturnType<typeof axis>} of */
const ends = ({ from, to }) => [from, to];

/**
 * @param {number} got
 * @param {number} wanted
 */
const near = (got, wanted) => assert.ok(Math.abs(got - wanted) < 1e-9, `${got}, not ${wanted}`);

test("a linear axis ends on ticks", () => {
  const found = axis([0.13, 1.9], {}, 4);
  assert.deepEqual(ends(found), [0, 2]);
  assert.deepEqual(texts(found), ["0.0", "0.5", "1.0", "1.5", "2.0"]);
});

test("ends that are given stay, and ticks lie inside", () => {
  const found = axis([-100, 100], { low: 0.3, high: 2.2 }, 4);
  assert.deepEqual(ends(found), [0.3, 2.2]);
  assert.deepEqual(texts(found), ["0.5", "1.0", "1.5", "2.0"]);
});

test("0 is kept where that is wanted", () => {
  assert.deepEqual(ends(axis([3, 4], { zero: true }, 4)), [0, 4]);
  assert.equal(axis([3, 4], {}, 4).from, 3);
});

test("negative ticks have a minus, and 0 has none", () => {
  assert.deepEqual(texts(axis([-1, 1], {}, 4)), ["−1.0", "−0.5", "0.0", "0.5", "1.0"]);
  for (const width of [0.3, 0.7, 3e-5, 700]) {
    assert.ok(!texts(axis([-width, width], {}, 6)).some((text) => /^−0(\.0*)?$/.test(text)), String(width));
  }
});

test("ticks of a small step have the digits that tell them apart", () => {
  const found = texts(axis([0.9001, 0.9004], {}, 4));
  assert.equal(new Set(found).size, found.length);
  assert.deepEqual(found, ["0.9001", "0.9002", "0.9003", "0.9004"]);
});

test("a tick's own format", () => {
  assert.deepEqual(texts(axis([0, 1], { format: (v) => `${100 * v} %` }, 2)), ["0 %", "50 %", "100 %"]);
});

test("constant data lies in the middle", () => {
  for (const value of [0, 5, -3, 1e-6, 1e6]) {
    const { from, to, ticks } = axis([value, value], {}, 4);
    assert.ok(from < value && value < to, `${from} ${value} ${to}`);
    assert.ok(ticks.length >= 2);
  }
  const { from, to } = axis([7], { log: true }, 4);
  assert.deepEqual([from, to], [3.5, 14]);
});

test("without data there is an axis all the same", () => {
  for (const values of [[], [NaN, Infinity, -Infinity]]) {
    assert.deepEqual(ends(axis(values, {}, 4)), [0, 1]);
    assert.deepEqual(ends(axis(values, { log: true }, 4)), [0.1, 10]);
  }
  assert.deepEqual(ends(axis([0, -1], { log: true }, 4)), [0.1, 10], "a log axis has no place for these");
});

test("what is not finite does not count", () => {
  assert.deepEqual(ends(axis([1, Infinity, 2, NaN], {}, 1)), [1, 2]);
});

test("a log axis has powers of ten, fewer where they are many", () => {
  assert.deepEqual(texts(axis([0.001, 10], { log: true }, 8)), ["0.001", "0.01", "0.1", "1", "10"]);
  assert.deepEqual(
    axis([1e-4, 1e4], { log: true }, 4).ticks.map(([v]) => v),
    [1e-4, 1e-2, 1, 1e2, 1e4],
  );
});

test("a short log axis has 2 and 5 as well", () => {
  assert.deepEqual(texts(axis([], { log: true, low: 0.5, high: 5 }, 4)), ["0.5", "1", "2", "5"]);
  assert.deepEqual(texts(axis([], { log: true, low: 0.05, high: 20 }, 8)), ["0.1", "1", "10"]);
});

test("every tick lies on its axis", () => {
  for (const log of [false, true]) {
    for (const width of [1e-9, 0.03, 1, 7, 12345, 1e9]) {
      for (const start of [1e-3, 0.7, 1, 33]) {
        const { from, to, ticks } = axis([start, start + width], { log }, 5);
        const slack = (to - from) * 1e-5;
        for (const [v] of ticks) assert.ok(v >= from - slack && v <= to + slack, `${v} in ${from} to ${to}`);
      }
    }
  }
});

test("a scale goes from end to end, also downwards", () => {
  const x = scale({ from: 2, to: 4 }, {}, 40, 140);
  assert.deepEqual([2, 3, 4].map(x), [40, 90, 140]);
  const y = scale({ from: 0, to: 1 }, {}, 150, 10);
  assert.deepEqual([0, 0.5, 1].map(y), [150, 80, 10]);
});

test("on a log scale equal factors are equal steps", () => {
  const x = scale({ from: 0.1, to: 10 }, { log: true }, 0, 100);
  near(x(0.1), 0);
  near(x(1), 50);
  near(x(10), 100);
});

test("a log scale that shows 0 has it left of its lowest decade", () => {
  const x = scale({ from: 0.1, to: 10 }, { log: true }, 0, 138, true);
  near(x(0), 6);
  near(x(0.1), 38);
  near(x(10), 138);
});

test("what lies far outside stays a number", () => {
  const linear = scale({ from: 0, to: 1 }, {}, 0, 100);
  assert.deepEqual([linear(1e300), linear(-Infinity)], [900, -900]);
  assert.equal(scale({ from: 1, to: 10 }, { log: true }, 0, 100)(0), -900);
});

const ROOM = { left: 0, right: 200, top: 0, bottom: 100 };

test("a text stands right of its point, where nothing is in the way", () => {
  assert.deepEqual(beside([50, 50], 40, ROOM, []), { x: 59, y: 54, "text-anchor": "start" });
});

test("at the right end it stands left", () => {
  assert.deepEqual(beside([190, 50], 40, ROOM, []), { x: 181, y: 54, "text-anchor": "end" });
});

test("it keeps clear of lines", () => {
  /** @type {[number, number][]} */
  const level = [
    [0, 50],
    [200, 50],
  ];
  const { y } = beside([100, 50], 40, ROOM, [level]);
  assert.equal(y, 50 - 15 + 4, "above the line");
});

test("without any room it stands right of the point", () => {
  assert.deepEqual(beside([50, 50], 500, ROOM, []), { x: 59, y: 54, "text-anchor": "start" });
});

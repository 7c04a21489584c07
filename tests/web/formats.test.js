// Numbers as text are never rounded to something false.

import assert from "node:assert/strict";
import { test } from "node:test";

import { logit, minus, percent, short } from "../../assets/web/twins/formats.js";
import { normal, uniform } from "./random.js";

/**
 * The number that a text says.
 *
 * @param {string} text
 */
const numberOf = (text) => {
  const plain = text.replaceAll("−", "-").replace("∞", "Infinity");
  const rest = plain.match(/^100 % - (.*)$/);
  if (rest) return 1 - Number(rest[1]) / 100;
  return plain.endsWith(" %") ? Number(plain.slice(0, -2)) / 100 : Number(plain);
};

/** Numbers of every size and sign. */
const sizes = () => {
  const draw = uniform(1);
  const gauss = normal(draw);
  return Array.from({ length: 2000 }, () => gauss() * 10 ** Math.floor(17 * draw() - 9));
};

/** Shares from 0 to 1, most of them near an end. */
const shares = () => {
  const draw = uniform(2);
  const small = Array.from({ length: 1000 }, () => 10 ** (-15 * draw()));
  const hairs = Array.from({ length: 40 }, (_, at) => 1 - (at + 1) * 2 ** -53);
  return [...small, ...small.map((p) => 1 - p), ...hairs, ...Array.from({ length: 1000 }, draw)];
};

/**
 * @param {(v: number) => string} write
 * @param {[number, string][]} table
 */
const writes = (write, table) => {
  for (const [value, text] of table) assert.equal(write(value), text, String(value));
};

test("a minus is one, also in an exponent", () => {
  assert.deepEqual(["-1", "1e-7", "-1e-7", "-2.5e+9", "5-3"].map(minus), ["−1", "1e−7", "−1e−7", "−2.5e+9", "5-3"]);
});

test("logits", () => {
  writes(logit, [
    [0, "0"],
    [-0, "0"],
    [5.2, "+5.20"],
    [-5.2, "−5.20"],
    [12345.678, "+12345.68"],
    [99999.99, "+99999.99"],
    [100000, "+1.0e+5"],
    [-123456, "−1.2e+5"],
    [0.1, "+0.10"],
    [0.099, "+0.099"],
    [0.0999, "+0.10"],
    [-0.00123, "−0.0012"],
    [0.0001, "+0.00010"],
    [0.00001, "+1.0e−5"],
    [-4.94e-324, "−4.9e−324"],
    [NaN, "NaN"],
  ]);
});

test("a logit has its sign, and two digits of it are true", () => {
  for (const value of sizes().filter(Boolean)) {
    const text = logit(value);
    assert.equal(text[0], value > 0 ? "+" : "−");
    assert.ok(!text.includes("-"), text);
    assert.ok(Math.abs(numberOf(text) - value) <= 0.0501 * Math.abs(value), `${value} -> ${text}`);
    assert.notEqual(numberOf(text), 0, String(value));
  }
});

test("short numbers", () => {
  writes(short, [
    [0, "0"],
    [-0, "0"],
    [NaN, "NaN"],
    [Infinity, "∞"],
    [-Infinity, "−∞"],
    [1.5, "1.5"],
    [-2, "−2"],
    [1.50649, "1.506"],
    [12344, "12340"],
    [99999, "100000"],
    [100000, "1e+5"],
    [-123456, "−1.235e+5"],
    [0.001, "0.001"],
    [0.000999, "9.99e−4"],
    [-1e-7, "−1e−7"],
    [1e21, "1e+21"],
  ]);
  assert.equal(short(1.50649, 2), "1.5");
  assert.equal(short(1.50649, 6), "1.50649");
});

test("a short number is within half a unit of its fourth digit, without trailing zeros", () => {
  for (const value of sizes().filter(Boolean)) {
    const text = short(value);
    assert.ok(Math.abs(numberOf(text) - value) <= 5.001e-4 * Math.abs(value), `${value} -> ${text}`);
    assert.equal(text[0] === "−", value < 0, text);
    assert.doesNotMatch(text, /\.\d*0(e|$)|-/);
  }
});

test("percents", () => {
  writes(percent, [
    [0, "0 %"],
    [1, "100 %"],
    [0.5, "50.0 %"],
    [0.123456, "12.3 %"],
    [0.01, "1.0 %"],
    [0.00995, "1.0 %"],
    [0.00994, "0.99 %"],
    [0.00123, "0.12 %"],
    [1.1e-7, "0.000011 %"],
    [1.234e-9, "1.2e−7 %"],
    [5e-324, "4.9e−322 %"],
    [0.999, "99.9 %"],
    [0.9994, "99.9 %"],
    [0.9995, "99.95 %"],
    [0.9999, "99.990 %"],
    [0.99996, "99.996 %"],
    [1 - 2 ** -33, "99.99999999 %"],
    [1 - 2 ** -53, "100 % − 1.1e-14"],
    [NaN, "NaN"],
  ]);
});

test("nothing but 1 is said to be 100 %, and nothing but 0 to be 0 %", () => {
  for (const share of shares()) {
    const text = percent(share);
    if (share === 1) continue;
    assert.notEqual(text, "100 %", String(share));
    assert.notEqual(numberOf(text), 0, String(share));
    assert.ok(text.includes("100 % −") || numberOf(text) < 1, `${share} -> ${text}`);
  }
});

test("a percent is true to two digits of what is there, and of what is missing to 100 %", () => {
  for (const share of shares()) {
    const text = percent(share);
    const off = Math.abs(numberOf(text) - share);
    assert.ok(off <= 0.0501 * share, `${share} -> ${text}`);
    assert.ok(off <= 0.0005 + 1e-12, `${share} -> ${text}`);
    if (share > 0.9995 && share < 1) assert.ok(off <= 0.5001 * (1 - share) + 1e-16, `${share} -> ${text}`);
  }
});

test("what is larger is never said to be smaller", () => {
  for (const [write, values] of /** @type {const} */ ([
    [logit, sizes()],
    [short, sizes()],
    [percent, shares()],
  ])) {
    const said = values.toSorted((a, b) => a - b).map((value) => numberOf(write(value)));
    for (let at = 1; at < said.length; at++)
      assert.ok(said[at] >= said[at - 1] - 1e-17, `${write.name}: ${said[at - 1]}, ${said[at]}`);
  }
});

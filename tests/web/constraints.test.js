// The browser's twins against plain definitions: formulas as they are written, a search of all supports, and the conditions
// that a nearest point fulfils. tests/browser/test_parity.py compares the same functions with PyTorch.

/** @import { Logits, Numbers } from "../../assets/web/types.js" */

import assert from "node:assert/strict";
import { test } from "node:test";

import { max, methods, min, sum } from "../../assets/web/twins/constraints.js";
import { normal, pick, uniform } from "./random.js";

const SIMPLEX = ["softmax", "sparsemax", "entmax15", "project_simplex"];
const CLAMPS = ["clamp", "clamp_straight_through", "clamp_inward"];
const PROJECTIONS = ["project_l1_ball", "project_l2_ball", "project_simplex"];
const SETTINGS = { lo: -2, hi: 1.5, temperature: 0.7, lam: 0.5, radius: 3 };

/**
 * @param {ArrayLike<number>} found
 * @param {number[]} wanted
 * @param {string} [about]
 * @param {number} [tolerance]
 */
const near = (found, wanted, about = "", tolerance = 1e-12) => {
  assert.equal(found.length, wanted.length, about);
  const scale = Math.max(1, ...wanted.map(Math.abs).filter(Number.isFinite));
  wanted.forEach((value, at) => {
    assert.ok(Math.abs(found[at] - value) <= tolerance * scale, `${about} [${at}]: ${found[at]}, not ${value}`);
  });
};

/**
 * @param {string} method
 * @param {number[]} z
 * @param {Numbers} settings
 */
const outputs = (method, z, settings = SETTINGS) => Array.from(methods[method](z, settings).y);

/** Logits of two to seven classes, a third of them with ties. */
const cases = () => {
  const draw = uniform(1);
  const gauss = normal(draw);
  return Array.from({ length: 300 }, (_, round) => {
    const size = 2 + Math.floor(6 * draw());
    const spread = pick(draw, [0.1, 1, 4]);
    return Array.from({ length: size }, () => (round % 3 ? spread * gauss() : Math.round(spread * gauss())));
  });
};

/** @param {number} n */
const subsets = (n) =>
  Array.from({ length: 2 ** n - 1 }, (_, bits) => Array.from({ length: n }, (_, i) => ((bits + 1) >> i) & 1));

/** @param {number[]} list */
const total = (list) => list.reduce((all, v) => all + v, 0);
/**
 * @param {number[]} a
 * @param {number[]} b
 */
const distance = (a, b) => Math.hypot(...a.map((v, i) => v - b[i]));

/**
 * The nearest point of a simplex: of all supports, each with the shift that makes its sum the radius, the nearest one
 * without negative numbers.
 *
 * @param {number[]} z
 * @param {number} radius
 */
const nearestOnSimplex = (z, radius) => {
  let best = z;
  let least = Infinity;
  for (const inside of subsets(z.length)) {
    const shift = (total(z.filter((_, i) => inside[i])) - radius) / total(inside);
    const y = z.map((v, i) => (inside[i] ? v - shift : 0));
    const far = distance(y, z);
    if (Math.min(...y) >= 0 && far < least) [best, least] = [y, far];
  }
  return best;
};

test("sum, max and min", () => {
  assert.deepEqual([sum([1, 2, 3.5]), max([1, -2, 0.5]), min([1, -2, 0.5])], [6.5, 1, -2]);
  assert.deepEqual([sum([]), max([]), min([])], [0, -Infinity, Infinity]);
  assert.deepEqual([max([1, NaN, 2]), min([NaN])], [NaN, NaN]);
  assert.deepEqual([max([-Infinity, 3]), min([-Infinity, 3])], [3, -Infinity]);
});

test("clamps: the nearest point between the bounds, flat outside only where no gradient passes", () => {
  for (const z of [...cases(), [-2, 1.5, -2.1, 1.6, 0]]) {
    for (const method of CLAMPS) {
      const { y, dead } = methods[method](z, SETTINGS);
      assert.deepEqual(
        Array.from(y),
        z.map((v) => [-2, v, 1.5].sort((a, b) => a - b)[1]),
      );
      assert.deepEqual(
        Array.from(dead),
        z.map((v) => Number(method === "clamp" && (v < -2 || v > 1.5))),
      );
    }
  }
});

test("smooth clamp: inside the bounds, in order, and the identity in the middle", () => {
  for (const z of cases()) {
    const y = outputs("smooth_clamp", z);
    near(
      y,
      z.map((v) => -0.25 + 1.75 * Math.tanh((v + 0.25) / 1.75)),
    );
    for (const value of y) assert.ok(value >= -2 && value <= 1.5);
    const order = Array.from(z.keys()).sort((i, j) => z[i] - z[j]);
    for (let at = 1; at < order.length; at++) assert.ok(y[order[at]] >= y[order[at - 1]]);
  }
  const { dead, named } = methods.smooth_clamp([-0.25, 100, -100], SETTINGS);
  assert.deepEqual([Array.from(dead), named], [[0, 1, 1], { middle: -0.25, half: 1.75 }]);
  assert.deepEqual(outputs("smooth_clamp", [-3, 0, 7], { lo: 2, hi: 2 }), [2, 2, 2]);
});

test("softmax: exponentials over their sum", () => {
  for (const z of cases()) {
    const e = z.map((v) => Math.exp(v / 0.7));
    near(
      outputs("softmax", z),
      e.map((v) => v / total(e)),
    );
  }
});

test("softmax: neither overflow nor underflow of the sum", () => {
  near(outputs("softmax", [1e6, 1e6 - 1, -1e6], { temperature: 1 }), [1 / (1 + 1 / Math.E), 1 / (1 + Math.E), 0]);
  near(outputs("softmax", [-1e6, -1e6], { temperature: 0.05 }), [0.5, 0.5]);
});

test("sparsemax: the nearest distribution, found among all supports", () => {
  for (const z of cases()) {
    const wanted = nearestOnSimplex(
      z.map((v) => v / 0.7),
      1,
    );
    near(outputs("sparsemax", z), wanted, `sparsemax of ${z}`, 1e-9);
  }
});

test("projection onto the simplex: the nearest point, found among all supports", () => {
  for (const z of cases()) near(outputs("project_simplex", z), nearestOnSimplex(z, 3), `project_simplex of ${z}`, 1e-9);
});

test("1.5-entmax: a distribution of the form max(z / 2T − τ, 0)², with one τ", () => {
  for (const z of cases()) {
    const { y, named } = methods.entmax15(z, SETTINGS);
    near([sum(y)], [1], `sum for ${z}`);
    near(
      y,
      z.map((v) => Math.max(v / 1.4 - named.tau, 0) ** 2),
      `entmax15 of ${z}`,
      1e-9,
    );
  }
});

test("1.5-entmax has zeros between those of softmax, which has none, and sparsemax", () => {
  for (const z of cases()) {
    const zeros = ["softmax", "entmax15", "sparsemax"].map((method) => outputs(method, z).map((v) => v === 0));
    const [softmax, entmax, sparsemax] = zeros;
    assert.ok(!softmax.includes(true), `${z}`);
    assert.ok(!entmax.some((zero, i) => zero && !sparsemax[i]), `${z}`);
  }
});

test("L1 step: no other point has less of ½(y − z)² + λ|y|", () => {
  for (const z of cases()) {
    const y = outputs("prox_l1", z);
    z.forEach((v, i) => {
      /** @param {number} y */
      const cost = (y) => (y - v) ** 2 / 2 + 0.5 * Math.abs(y);
      for (const other of [0, v, y[i] + 1e-3, y[i] - 1e-3, v + 0.5, v - 0.5])
        assert.ok(cost(y[i]) <= cost(other) + 1e-12);
      // The condition of an optimum: z − y is λ · sign(y), or at most λ where y is 0.
      if (y[i] !== 0) near([v - y[i]], [0.5 * Math.sign(y[i])]);
      else assert.ok(Math.abs(v) <= 0.5);
    });
  }
  assert.deepEqual(Array.from(methods.prox_l1([0.4, -0.4, 0.6, 0], SETTINGS).dead), [1, 1, 0, 1]);
  assert.deepEqual(outputs("prox_l1", [1.5, -2, 0], { lam: 0 }), [1.5, -2, 0]);
});

test("L2 step: z − y is 2λy", () => {
  for (const z of cases()) {
    const y = outputs("prox_l2", z);
    near(
      y.map((v) => v + 2 * 0.5 * v),
      z,
    );
  }
});

test("projection onto the L1 ball: the conditions of the nearest point", () => {
  for (const z of cases()) {
    const { y, named } = methods.project_l1_ball(z, SETTINGS);
    const size = total(z.map(Math.abs));
    near([total(Array.from(y, Math.abs))], [Math.min(size, 3)], `size for ${z}`, 1e-9);
    assert.ok(size <= 3 ? named.theta === 0 : named.theta > 0);
    // All that is left moved by the same θ towards 0, with its sign; what is 0 was no further from it than θ.
    z.forEach((v, i) => {
      if (y[i] !== 0) near([v - y[i]], [named.theta * Math.sign(v)], `${z}`, 1e-9);
      else assert.ok(Math.abs(v) <= named.theta + 1e-9);
      assert.ok(y[i] * v >= 0);
    });
  }
});

test("projection onto the L2 ball: z itself, or its direction at the radius", () => {
  for (const z of cases()) {
    const { y, named } = methods.project_l2_ball(z, SETTINGS);
    const size = Math.hypot(...z);
    near([named.norm], [size]);
    near(
      y,
      z.map((v) => (size > 3 ? (v * 3) / size : v)),
    );
  }
});

test("a projection leaves what is in the set, and its own outputs", () => {
  for (const method of PROJECTIONS) {
    for (const z of cases()) {
      const y = outputs(method, z);
      near(outputs(method, y), y, method, 1e-9);
    }
  }
  assert.deepEqual(outputs("project_l1_ball", [1, -1.5, 0.25]), [1, -1.5, 0.25]);
  assert.deepEqual(outputs("project_l2_ball", [1, -1.5, 0.25]), [1, -1.5, 0.25]);
});

test("a projection brings two points no further apart", () => {
  const all = cases();
  for (const method of PROJECTIONS) {
    for (const z of all) {
      const other = z.map((v, i) => v + ((i % 2) - 0.5));
      assert.ok(distance(outputs(method, z), outputs(method, other)) <= distance(z, other) + 1e-9, method);
    }
  }
});

test("huge logits are projected without overflow", () => {
  near(outputs("project_l2_ball", [3e200, -4e200]), [1.8, -2.4]);
  near(outputs("project_l1_ball", [1e300, 1]), [3, 0]);
  near(outputs("project_l1_ball", [1e17, -1e17]), [1.5, -1.5]);
  near(outputs("project_simplex", [1e300, -1e300]), [3, 0]);
});

test("an excluded class gets exactly 0, and the others what they get without it", () => {
  for (const method of SIMPLEX) {
    for (const z of cases()) {
      const with_ = [z[0], -Infinity, ...z.slice(1), -Infinity];
      const without = outputs(method, z);
      const { y, dead } = methods[method](with_, SETTINGS);
      near(y, [without[0], 0, ...without.slice(1), 0], method);
      assert.equal(y[1], 0);
      assert.deepEqual([dead[1], dead.at(-1)], [1, 1], method);
    }
  }
});

test("there is no answer where all classes are excluded, or a logit is no number or endless", () => {
  const bad = [
    [-Infinity, -Infinity],
    [1, NaN, 2],
    [1, Infinity, 2],
  ];
  for (const method of SIMPLEX) {
    for (const z of bad) {
      const { y, dead, named } = methods[method](z, SETTINGS);
      assert.deepEqual([Array.from(y), Array.from(dead), named], [z.map(() => NaN), z.map(() => 1), {}], method);
    }
  }
});

test("equal logits get equal outputs", () => {
  for (const z of [
    [1.5, 1.5, 1.5],
    [0, 0],
    [2, 2, -7, 2, -7],
    [-3, -3, -3, -3],
  ]) {
    for (const [method, twin] of Object.entries(methods)) {
      const { y, dead } = twin(z, SETTINGS);
      z.forEach((v, i) => {
        assert.equal(y[i], y[z.indexOf(v)], method);
        assert.equal(dead[i], dead[z.indexOf(v)], method);
      });
    }
  }
  for (const method of ["softmax", "sparsemax", "entmax15"])
    near(outputs(method, [4, 4, 4, 4]), [0.25, 0.25, 0.25, 0.25]);
  near(outputs("project_simplex", [4, 4, 4, 4]), [0.75, 0.75, 0.75, 0.75]);
});

test("equal logits exactly on the threshold stay out", () => {
  // sparsemax of (1, 0, 0): τ is 0, and both zeros sit on it.
  assert.deepEqual(outputs("sparsemax", [1, 0, 0], { temperature: 1 }), [1, 0, 0]);
  // 1.5-entmax of (2, 0, 0): the gap to the next is 1 in z / 2, where the support ends.
  assert.deepEqual(outputs("entmax15", [2, 0, 0], { temperature: 1 }), [1, 0, 0]);
});

test("one class", () => {
  for (const v of [3, 0, -7, 1e6]) {
    for (const method of ["softmax", "sparsemax", "entmax15"]) {
      const { y, dead } = methods[method]([v], SETTINGS);
      assert.deepEqual([Array.from(y), Array.from(dead)], [[1], [1]], method); // it has all, whatever its logit
    }
    near(outputs("project_simplex", [v]), [3]);
    for (const method of ["project_l1_ball", "project_l2_ball"])
      near(outputs(method, [v]), [Math.min(Math.max(v, -3), 3)]);
  }
});

test("an output is dead exactly where a small change of its logit changes no output", () => {
  const step = 1e-6;
  for (const z of cases().filter((_, round) => round % 3)) {
    for (const method of ["clamp", ...SIMPLEX, "prox_l1", "prox_l2", ...PROJECTIONS]) {
      const { y, dead } = methods[method](z, SETTINGS);
      z.forEach((v, i) => {
        const moved = outputs(method, z.with(i, v + step));
        const change = Math.max(...moved.map((w, j) => Math.abs(w - y[j])));
        if (dead[i]) assert.ok(change <= 1e-9, `${method} of ${z}, class ${i}: ${change}`);
        else assert.ok(change > 0, `${method} of ${z}, class ${i}`);
      });
    }
  }
});

test("the logits are left as they are", () => {
  const z = [3, -1, 0.5, 2];
  for (const [method, twin] of Object.entries(methods)) {
    /** @type {Logits} */
    const given = Float64Array.from(z);
    twin(given, SETTINGS);
    assert.deepEqual(Array.from(given), z, method);
  }
});

test("no class at all is no error", () => {
  for (const [method, twin] of Object.entries(methods)) assert.equal(twin([], SETTINGS).y.length, 0, method);
});

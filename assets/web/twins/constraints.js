// The browser's twin of constrained/functional.py, so that a slider needs no server. One function an entry of
// constrained/registry.py, under the same key: (z, parameters) -> {y, dead, named}.
//
//   z      array of logits, all classes; numbers, -Infinity allowed where the Python side allows it
//   y      Float64Array of outputs
//   dead   Uint8Array, 1 where the map is locally flat in the class, so that no output passes a gradient to it
//   named  the numbers that the formula shows beside the parameters: thresholds, sums, norms
//
// tests/browser/test_parity.py compares every function with PyTorch to 1e-6 relative.

/** @import { Logits, Numbers, Output } from "../types.js" */

/**
 * @param {number} n
 * @param {number} value
 */
const fill = (n, value) => new Float64Array(n).fill(value);
// Loops, since `from` with a function is several times slower, and a slider asks for this at every step.
/**
 * @param {Logits} z
 * @param {(v: number) => number} f
 */
const map = (z, f) => {
  const y = new Float64Array(z.length);
  for (let i = 0; i < y.length; i++) y[i] = f(z[i]);
  return y;
};
/**
 * @param {Logits} z
 * @param {(v: number) => boolean} f
 */
const where = (z, f) => {
  const y = new Uint8Array(z.length);
  for (let i = 0; i < y.length; i++) y[i] = f(z[i]) ? 1 : 0;
  return y;
};
/** @param {Logits} z */
export const sum = (z) => {
  let total = 0;
  for (const v of z) total += v;
  return total;
};
/** @param {Logits} z */
export const max = (z) => {
  let top = -Infinity;
  for (const v of z) {
    if (Number.isNaN(v)) return NaN;
    if (v > top) top = v;
  }
  return top;
};
/** @param {Logits} z */
export const min = (z) => -max(map(z, (v) => -v));

/**
 * @param {Logits} z
 * @returns {Output}
 */
const nothing = (z) => ({ y: fill(z.length, NaN), dead: where(z, () => true), named: {} });

// Flat outside the support; and where it is a single class, that one too: it has all there is, whatever its logit.
/**
 * @param {Logits} z
 * @param {(v: number) => boolean} inside
 */
const flatOutside = (z, inside) => {
  const alone = sum(where(z, inside)) === 1;
  return where(z, (v) => alone || !inside(v));
};

// The threshold of the projection onto the simplex of the given radius (Duchi et al. 2008, figure 1); z is centred
// on its maximum by the caller, as in Python.
/**
 * @param {Logits} z
 * @param {number} radius
 */
const threshold = (z, radius) => {
  // Nothing further than the radius below the maximum is in the support: cutting there is exact.
  const ordered = map(z, (v) => Math.max(v, -2 * radius))
    .sort()
    .reverse();
  let total = 0;
  let tau = NaN;
  for (let k = 1; k <= ordered.length; k++) {
    total += ordered[k - 1];
    if (k * ordered[k - 1] >= total - radius) tau = (total - radius) / k;
    else break;
  }
  return tau;
};

/**
 * @param {Logits} z
 * @param {number} radius
 * @param {number} scale
 * @returns {Output}
 */
const simplex = (z, radius, scale) => {
  const top = max(z);
  if (!Number.isFinite(top)) return nothing(z);
  const centred = map(z, (v) => (v - top) / scale);
  const tau = threshold(centred, radius);
  /** @param {number} v */
  const support = (v) => v >= tau;
  return {
    y: map(centred, (v) => (support(v) ? Math.max(v - tau, 0) : 0)),
    dead: flatOutside(centred, support),
    named: { tau: tau + top / scale },
  };
};

/** @type {(flat: boolean) => (z: Logits, settings: Numbers) => Output} */
const clamp =
  (flat) =>
  (z, { lo, hi }) => ({
    y: map(z, (v) => Math.min(Math.max(v, lo), hi)),
    dead: where(z, (v) => flat && (v < lo || v > hi)),
    named: {},
  });

/** @param {number} v log(1 + exp(v)) */
const bend = (v) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)));

/** @type {Record<string, (z: Logits, settings: Numbers) => Output>} key of a constraint -> its function */
export const methods = {
  clamp: clamp(true),
  clamp_straight_through: clamp(false),
  // What reaches a clipped logit depends on the sign of the gradient, so none is dead for every loss.
  clamp_inward: clamp(false),

  smooth_clamp: (z, { lo, hi }) => {
    const middle = lo / 2 + hi / 2;
    const half = hi / 2 - lo / 2;
    const t = map(z, (v) => Math.tanh((v - middle) / Math.max(half, Number.MIN_VALUE)));
    return {
      y: map(t, (v) => Math.min(Math.max(middle + half * v, lo), hi)),
      dead: where(t, (v) => half === 0 || 1 - v * v === 0),
      named: { middle, half },
    };
  },

  scaled_sigmoid: (z, { lo, hi }) => {
    const half = hi / 2 - lo / 2;
    const share = map(z, (v) => 1 / (1 + Math.exp(-v)));
    return {
      y: map(share, (v) => (v < 0.5 ? lo + 2 * half * v : hi - 2 * half * (1 - v))), // from the nearer bound, as in Python
      dead: where(share, (v) => half === 0 || v * (1 - v) === 0),
      named: {},
    };
  },

  softplus: (z, { lo, beta }) => ({
    y: map(z, (v) => lo + bend(beta * (v - lo)) / beta),
    dead: where(z, (v) => !(Math.exp(beta * (v - lo)) > 0)),
    named: {},
  }),

  softplus_upper: (z, { hi, beta }) => ({
    y: map(z, (v) => hi - bend(beta * (hi - v)) / beta),
    dead: where(z, (v) => !(Math.exp(beta * (hi - v)) > 0)),
    named: {},
  }),

  softmax: (z, { temperature }) => {
    const top = max(z);
    if (!Number.isFinite(top)) return nothing(z);
    const e = map(z, (v) => Math.exp((v - top) / temperature));
    const total = sum(e);
    return { y: map(e, (v) => v / total), dead: flatOutside(e, (v) => v > 0), named: { top, sum: total } };
  },

  sparsemax: (z, { temperature }) => simplex(z, 1, temperature),

  entmax15: (z, { temperature }) => {
    const top = max(z);
    if (!Number.isFinite(top)) return nothing(z);
    const centred = map(z, (v) => (v - top) / temperature / 2);
    // Nothing further than 1 below the maximum gets probability: cutting there is exact and cannot overflow.
    const ordered = map(centred, (v) => Math.max(v, -2))
      .sort()
      .reverse();
    // How far the k largest are above the next, and the squares of that: only sums of what is positive, so that
    // classes right on the threshold, which are left out, are told from those inside as in Python.
    let above = 0;
    let squares = 0;
    let size = 1;
    for (let k = 1; k < ordered.length; k++) {
      const gap = ordered[k - 1] - ordered[k];
      squares += 2 * gap * above + k * gap * gap;
      above += k * gap;
      if (squares < 1) size = k + 1;
      else break;
    }
    const support = ordered.subarray(0, size);
    const mean = sum(support) / size;
    const spread = sum(map(support, (v) => (v - mean) ** 2));
    const tau = mean - Math.sqrt((1 - spread) / size);
    return {
      y: map(centred, (v) => Math.max(v - tau, 0) ** 2),
      dead: flatOutside(centred, (v) => v > tau),
      named: { tau: tau + top / temperature / 2 },
    };
  },

  prox_l1: (z, { lam }) => ({
    y: map(z, (v) => (Math.abs(v) < lam ? 0 : v - Math.sign(v) * lam)),
    dead: where(z, (v) => Math.abs(v) < lam),
    named: {},
  }),

  prox_l2: (z, { lam }) => ({ y: map(z, (v) => v / (1 + 2 * lam)), dead: where(z, () => false), named: {} }),

  project_l1_ball: (z, { radius }) => {
    const size = map(z, Math.abs);
    const top = max(size);
    if (!Number.isFinite(top)) return nothing(z);
    if (sum(size) <= radius) return { y: map(z, (v) => v), dead: where(z, () => false), named: { theta: 0 } };
    // Over the largest one, as in Python: of huge logits θ itself would be rounded to the largest one.
    const above = map(size, (v) => v - top);
    const tau = threshold(above, radius);
    return {
      y: map(z, (v) => Math.sign(v) * Math.max(Math.abs(v) - top - tau, 0)),
      dead: flatOutside(above, (v) => v >= tau),
      named: { theta: tau + top },
    };
  },

  project_l2_ball: (z, { radius }) => {
    const top = max(map(z, Math.abs));
    if (!Number.isFinite(top)) return nothing(z);
    const unit = Math.max(top, radius);
    const norm = unit * Math.sqrt(sum(map(z, (v) => (v / unit) ** 2)));
    const factor = Math.min(1, radius / norm);
    // On the sphere a logit that is not 0 alone cannot move: the radius is all there is.
    const alone = norm > radius && sum(where(z, (v) => v !== 0)) === 1;
    return {
      y: map(z, (v) => (norm === 0 ? v : v * factor)),
      dead: where(z, (v) => alone && v !== 0),
      named: { norm },
    };
  },

  project_simplex: (z, { radius }) => simplex(z, radius, 1),
};

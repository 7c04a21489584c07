// Numbers as text, never rounded to something false: the twin of constrained/page/formats.py.

/** @param {string} text */
export const minus = (text) => text.replace(/^-/, "−").replace("e-", "e−");

/**
 * At least two significant digits, and 0 only for 0.
 *
 * @param {number} v
 */
export const logit = (v) => {
  if (v === 0) return "0";
  if (!Number.isFinite(v)) return minus(String(v));
  const size = Math.abs(v);
  const text = size >= 1e5 || size < 1e-4 ? v.toExponential(1) : size < 0.1 ? v.toPrecision(2) : v.toFixed(2);
  return minus(v > 0 ? `+${text}` : text);
};

/**
 * Up to so many significant digits, without trailing zeros.
 *
 * @param {number} v
 * @param {number} digits
 */
export const short = (v, digits = 4) => {
  const size = Math.abs(v);
  if (v === 0 || Number.isNaN(v)) return minus(String(v));
  if (!Number.isFinite(v)) return v > 0 ? "∞" : "−∞";
  const round = Number(v.toPrecision(digits));
  return minus(size >= 1e5 || size < 1e-3 ? round.toExponential() : String(round));
};

/**
 * Two significant digits below 1 %, and 0 % and 100 % only for 0 and 1.
 *
 * @param {number} p
 */
export const percent = (p) => {
  if (p === 0 || p === 1) return `${p * 100} %`;
  if (!Number.isFinite(p)) return String(p);
  const value = p * 100;
  if (value < 0.995) return minus(`${value < 1e-5 ? value.toExponential(1) : Number(value.toPrecision(2))} %`);
  // As many digits as it takes not to claim 100 %.
  const rest = (1 - p) * 100; // exact, where 100 - value has lost digits
  const digits = value < 99.95 ? 1 : Math.ceil(-Math.log10(rest));
  return digits <= 10 ? `${value.toFixed(digits)} %` : `100 % − ${rest.toExponential(1)}`;
};

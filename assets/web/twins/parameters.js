// The browser's twin of constrained/parameters.py: what vectors and masks hold, as a text that a person reads and writes.
// "cat=2; dog=-1" gives two classes numbers of their own; "#3" is the class with that index, for a name that cannot be
// written there, and "*" stands for all other classes. tests/browser/test_parity.py compares the two.

/** @import { EachClass } from "../types.js" */

/**
 * @typedef {[name: string, value: number | boolean]} Entry
 * @typedef {{part: string, why: "form" | "range"}} Wrong a part that is no class with its number, or has one out of range
 */

/** @param {string} text @returns {number} NaN for what is none, also for what `Number` alone would take */
const numberOf = (text) => {
  const plain = text.trim().replace("−", "-");
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(plain) ? Number(plain) : NaN;
};

/**
 * Names and values of a text; `error` is the first part that cannot be read.
 *
 * @param {EachClass} parameter
 * @param {string} text
 * @param {number} classes how many there are: as many numbers alone are one for each
 * @returns {{entries: Entry[], error: Wrong | null}}
 */
export const parse = (parameter, text, classes) => {
  const parts = text
    .split(/[;,\n]/)
    .map((part) => part.trim())
    .filter(Boolean);
  if (parameter.kind === "mask") return { entries: parts.map((part) => [part, true]), error: null };
  const alone = !parts.some((part) => part.includes("=")) && (parts.length === 1 || parts.length === classes);
  /** @type {Entry[]} */
  const entries = [];
  for (const [at, part] of parts.entries()) {
    const split = part.lastIndexOf("=");
    const value = numberOf(part.slice(split + 1));
    const { low, high } = parameter;
    const named = part.slice(0, Math.max(split, 0)).trim();
    if ((!named && !(split < 0 && alone)) || Number.isNaN(value)) return { entries, error: { part, why: "form" } };
    if (!(value >= low && value <= high)) return { entries, error: { part, why: "range" } };
    entries.push([named || (parts.length === 1 ? "*" : `#${at}`), value]);
  }
  return { entries, error: null };
};

/**
 * The index of a class from its name in a text, or of "#3"; -1 where there is none, or several.
 *
 * @param {string} name
 * @param {string[]} labels
 */
const indexOf = (name, labels) => {
  if (/^#\d{1,6}$/.test(name)) return Number(name.slice(1)) < labels.length ? Number(name.slice(1)) : -1;
  const found = labels.indexOf(name);
  return found === labels.lastIndexOf(name) ? found : -1;
};

/**
 * How a text names a class: by its label, where that can be read back.
 *
 * @param {number} index
 * @param {string[]} labels
 */
const nameOf = (index, labels) => {
  const label = labels[index];
  const plain = label === label.trim() && !/^#|^\*?$|[;=,\n]/.test(label);
  return plain && indexOf(label, labels) === index ? label : `#${index}`;
};

/**
 * What a text says of these classes: one value for all, or one for each; the names that are none of them; and those of
 * classes that are there already, of which the first counts.
 *
 * @param {EachClass} parameter
 * @param {string} text
 * @param {string[]} labels
 * @returns {{value: number | boolean | (number | boolean)[], unknown: string[], repeated: string[]}}
 */
export const resolve = (parameter, text, labels) => {
  /** @type {(number | boolean)[]} */
  const values = [];
  let others = parameter.default;
  /** @type {string[]} */
  const unknown = [];
  /** @type {string[]} */
  const repeated = [];
  for (const [name, value] of parse(parameter, text, labels.length).entries) {
    const index = name === "*" ? -1 : indexOf(name, labels);
    if (name === "*") others = value;
    else if (index < 0) unknown.push(name);
    else if (index in values) repeated.push(name);
    else values[index] = value;
  }
  const value = values.length ? labels.map((_, i) => values[i] ?? others) : others;
  return { value, unknown, repeated };
};

/**
 * The same text in its one form: classes in the model's order, and those that it does not have at the end.
 *
 * @param {EachClass} parameter
 * @param {string} text without an error
 * @param {string[]} labels
 */
export const spell = (parameter, text, labels) => {
  const { value, unknown } = resolve(parameter, text, labels);
  const values = Array.isArray(value) ? value : labels.map(() => value);
  const counts = new Map([[parameter.default, 0]]);
  for (const one of values) counts.set(one, (counts.get(one) ?? 0) + 1);
  const most = Math.max(...counts.values());
  const common = [...counts.keys()].find((one) => counts.get(one) === most) ?? parameter.default;
  const others = parameter.kind === "mask" ? values.every(Boolean) : common;
  /** @type {(name: string, one: number | boolean) => string} */
  const part = (name, one) => (parameter.kind === "mask" ? name : `${name}=${one}`);
  const parts = others === parameter.default ? [] : [part("*", others)];
  for (const [i, one] of values.entries()) if (one !== others) parts.push(part(nameOf(i, labels), one));
  const lost = parse(parameter, text, labels.length).entries.filter(([name]) => unknown.includes(name));
  return [...parts, ...lost.map(([name, one]) => part(name, one))].join("; ");
};

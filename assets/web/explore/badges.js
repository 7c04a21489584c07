// The badges under a column: what the constraint did to the ranking, how many classes it clipped, set to zero or cut off
// from the gradient, and what its numbers are like. With A pinned, each says how A differs.

/** @import { Column, Family, Setting } from "../types.js" */
/** @import { Measures } from "./measures.js" */

import { node, put, say } from "../base/dom.js";
import { phrase, t } from "../base/i18n.js";
import { boundsOf } from "../base/parameters.js";
import { registry } from "../base/registry.js";
import { max, min, sum } from "../twins/constraints.js";
import { logit, minus, short } from "../twins/formats.js";
import { figures, formatOf } from "./columns.js";
import { isSame, isTop, measure } from "./measures.js";
import { state } from "./state.js";

/**
 * @typedef {object} Badge
 * @property {string} text
 * @property {boolean} [warns]
 * @property {string} [ofA] how A differs
 *
 * @typedef {(v: number) => string} Format
 *
 * @typedef {object} Sides what the badges of a column are about
 * @property {Family} column
 * @property {Measures} b the controls' setting
 * @property {Measures | null} a the pinned one
 */

/** @param {Column} column */
export const drawBadges = (column) => {
  const list = figures[column].badges;
  const badges = column === "raw" ? rawBadges() : constrainedBadges(column);
  while (list.children.length < badges.length) {
    const badge = node("li", "", list);
    node("span", "", badge);
    node("span", "of-a", badge);
  }
  while (list.children.length > badges.length) list.lastElementChild?.remove();
  badges.forEach(({ text, warns, ofA }, at) => {
    const badge = list.children[at];
    say(badge.children[0], text);
    say(badge.children[1], ofA ?? "");
    put(badge, { class: warns ? "warn" : "" });
  });
};

/** @type {(low: number, high: number, format: Format) => string} */
const range = (low, high, format) => `${format(low)} … ${format(high)}`;

/** @returns {Badge[]} */
const rawBadges = () => [
  { text: t("top-1 {name}", { name: state.labels[state.order[0]] }) },
  { text: t("range {range}", { range: range(min(state.logits), max(state.logits), logit) }) },
  { text: t("sum {sum}", { sum: logit(sum(state.logits)) }) },
];

/** @type {(setting: Setting, column: Family) => ReturnType<typeof boundsOf>} */
const boundsIn = ({ methods, settings }, column) => boundsOf(methods[column], settings);

/**
 * @param {Family} column
 * @returns {Badge[]}
 */
const constrainedBadges = (column) => {
  const { logits, outputs, aOutputs } = state;
  const ofA = aOutputs[column];
  const sides = {
    column,
    b: measure(column, logits, state, outputs[column], boundsIn(state, column)),
    a: state.a && ofA ? measure(column, logits, state.a, ofA, boundsIn(state.a, column)) : null,
  };
  return [
    rankBadge(sides),
    ...(boundsIn(state, column) ? [clippedBadge(sides)] : []),
    ...zerosBadge(sides),
    gradientBadge(sides),
    sumBadge(sides),
    rangeBadge(sides),
    ...entropyBadge(sides),
    movedBadge(sides),
  ];
};

// A's part of a badge: its number and by how much B differs. What differs by rounding alone is the same.
const SAME = phrase("same as A");
/** @type {Format} */
const signed = (count) => minus(count > 0 ? `+${count}` : String(count));
/** @type {Format} */
const three = (v) => short(Number(v.toPrecision(3)));
/** @type {(b: number, a: number, format: Format, difference?: Format) => string} */
const beside = (b, a, format, difference = logit) => (isSame(b, a) ? t(SAME) : `A: ${format(a)}, ${difference(b - a)}`);

/** @param {Measures} measures */
const keepsTop = (measures) => isTop(measures, state.order[0]);

/**
 * @param {Family} column
 * @param {Measures} measures
 */
const ranking = (column, { best, top }) => {
  const raw = state.order[0];
  if (!best.includes(raw)) return t("changed to {name}", { name: state.labels[best[0]] ?? t("nothing") });
  if (best.length === 1) return t("kept: {name}", { name: state.labels[raw] });
  const counts = { n: best.length, total: state.labels.length };
  return t("tied: {n} of {total} at {value}", { ...counts, value: formatOf(column)(top) });
};

/** @type {(sides: Sides) => Badge} */
const rankBadge = ({ column, b, a }) => {
  const kept = keepsTop(b);
  const badge = { text: t("top-1 {name}", { name: ranking(column, b) }), warns: !kept };
  if (!a) return badge;
  const [rank, rankOfA] = [ranking(column, b), ranking(column, a)];
  return { ...badge, ofA: rank === rankOfA && (kept || isSame(b.top, a.top)) ? t(SAME) : `A ${rankOfA}` };
};

/** @param {Measures} measures */
const clips = ({ method }) => registry.methods[method].clips;

/** @type {(sides: Sides) => Badge} */
const clippedBadge = ({ b, a }) => {
  const counts = { n: b.clipped, total: state.labels.length };
  return {
    text: clips(b) ? t("{n} of {total} clipped", counts) : t("{n} of {total} were outside", counts),
    ofA: a ? beside(b.clipped, a.clipped, String, signed) : "",
  };
};

/** @type {(sides: Sides) => Badge[]} */
const zerosBadge = ({ b, a }) => {
  if (!(registry.methods[b.method].zeros || b.zeros || a?.zeros)) return [];
  const text = b.zeros === 1 ? t("1 exact zero") : t("{n} exact zeros", { n: b.zeros });
  return [{ text, ofA: a ? beside(b.zeros, a.zeros, String, signed) : "" }];
};

/** @param {Measures} measures */
const isInward = ({ method }) => registry.methods[method].inward;

/** @type {(sides: Sides) => Badge} */
const gradientBadge = ({ b, a }) => {
  const passing = isInward(b) ? t("inward gradient only") : t("all pass a gradient");
  const text = b.flat ? t("{n} of {total} pass no gradient", { n: b.flat, total: state.labels.length }) : passing;
  return { text, warns: b.flat > 0, ofA: a ? gradientOfA(b, a) : "" };
};

/** @type {(b: Measures, a: Measures) => string} */
const gradientOfA = (b, a) => {
  if (a.flat && !b.flat) return t("A: {n} pass none", { n: a.flat });
  if (isInward(b) !== isInward(a)) return isInward(a) ? t("A: inward only") : t("A: all pass");
  return beside(b.flat, a.flat, String, signed);
};

/** @type {(sides: Sides) => Badge} */
const sumBadge = ({ column, b, a }) => {
  /** @type {Format} */
  const format = column === "probability" ? (v) => String(Number(v.toFixed(6))) : logit;
  return { text: t("sum {sum}", { sum: format(b.sum) }), ofA: a ? beside(b.sum, a.sum, format) : "" };
};

/** @type {(sides: Sides) => Badge} */
const rangeBadge = ({ column, b, a }) => {
  /** @param {Measures} measures */
  const between = ({ low, top }) => range(low, top, formatOf(column));
  const badge = { text: t("range {range}", { range: between(b) }) };
  if (!a) return badge;
  return { ...badge, ofA: isSame(b.low, a.low) && isSame(b.top, a.top) ? t(SAME) : `A: ${between(a)}` };
};

/** @type {(sides: Sides) => Badge[]} */
const entropyBadge = ({ b, a }) => {
  if (b.entropy === null) return [];
  const most = Math.log(state.labels.length).toFixed(2);
  const badge = { text: t("entropy {value} of {most} nats", { value: three(b.entropy), most }) };
  if (!a) return [badge];
  return [{ ...badge, ofA: a.entropy === null ? t("A: not a distribution") : beside(b.entropy, a.entropy, three) }];
};

/** @type {(sides: Sides) => Badge} */
const movedBadge = ({ column, b, a }) => ({
  text: t("moved {distance}", { distance: `‖${column === "probability" ? "p" : "y"} − z‖₂ = ${three(b.moved)}` }),
  ofA: a ? beside(b.moved, a.moved, three) : "",
});

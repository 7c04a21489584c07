// What a column computes: its formula with the numbers of the controls, the same for the class in question, and a note.

/** @import { Column, Entry, Family } from "../types.js" */

import { say } from "../base/dom.js";
import { phrase, t } from "../base/i18n.js";
import { isEachClass, valuesOf } from "../base/parameters.js";
import { registry } from "../base/registry.js";
import { withoutEffect, words } from "../base/words.js";
import { sum } from "../twins/constraints.js";
import { logit, short } from "../twins/formats.js";
import { figures, formatOf } from "./columns.js";
import { state } from "./state.js";

const LEGEND = phrase("Outlines: A, pinned. Bars: B, set by the controls. Signed numbers in badges: B − A.");

/** @param {Column} column */
export const drawFormula = (column) => {
  const { figure, a } = figures[column];
  if (column === "raw") writeRaw();
  else writeConstrained(column);
  const setting = state.a;
  if (!setting) say(a, "");
  else say(a, column === "raw" ? t(LEGEND) : `A: ${words(setting.methods[column], setting.settings)}`);
  figure.dataset.loss = lossOf(column); // the style sheet shows it
};

const writeRaw = () => {
  const { formula, example } = figures.raw;
  const lit = state.over ?? state.pinned;
  say(formula, "z = W h + b");
  const number = lit === null ? "" : `${state.labels[lit]}: z = ${logit(state.logits[lit])}`;
  say(example, number || t("Point at a class, or tab to it, to see its numbers."));
};

/** @param {Family} column */
const writeConstrained = (column) => {
  const { formula, example, note } = figures[column];
  const key = state.methods[column];
  const method = registry.methods[key];
  const lit = state.over ?? state.pinned;
  const { middle, half } = state.outputs[column].named;
  const point = half === 0; // the formula would divide 0 by 0
  say(formula, point ? `y = ${short(middle)}` : fill(method.formula, column));
  if (lit === null || point) say(example, "");
  else {
    // y, the result, has the column's unit; everything else is a plain number.
    const numbers = { z: short(state.logits[lit]), y: formatOf(column)(state.outputs[column].y[lit]) };
    say(example, `${state.labels[lit]}: ${fill(method.example, column, { ...numbers, ...ofClass(method, lit) })}`);
  }
  const unknown = withoutEffect(method.parameters, state.settings, state.labels);
  say(note, [t(method.help) + penaltyNote(key), unknown].filter(Boolean).join(" "));
};

/**
 * A parameter that differs by class, for one class; a formula for all classes has its symbol instead.
 *
 * @param {Entry} method
 * @param {number} index
 */
const ofClass = ({ parameters }, index) => {
  const values = valuesOf(parameters, state.settings, state.labels);
  const keys = parameters.filter((key) => isEachClass(registry.parameters[key]));
  return Object.fromEntries(
    keys.map((key) => [key, short(Number(Array.isArray(values[key]) ? values[key][index] : values[key]))]),
  );
};

/**
 * A formula with numbers in place of the names in braces.
 *
 * @param {Entry["formula"]} template
 * @param {Family} column
 * @param {Record<string, string>} extra numbers of the class in question
 */
const fill = (template, column, extra = {}) => {
  const numbers = { ...state.settings, ...state.outputs[column].named };
  /** @param {string} key */
  const written = (key) => (typeof numbers[key] === "number" ? short(numbers[key]) : registry.parameters[key].symbol);
  return template
    .replace(/\{(\w+)\}/g, (_, /** @type {string} */ key) => extra[key] ?? written(key))
    .replace(/([+−-]) −/g, (_, sign) => (sign === "+" ? "− " : "+ "));
};

/**
 * The norms of penalties.
 *
 * @type {Record<string, {symbol: string, term: (v: number) => number}>}
 */
const NORMS = {
  l1: { symbol: "‖z‖₁", term: Math.abs },
  l2: { symbol: "‖z‖₂²", term: (v) => v * v },
};

/** @param {string} method */
const penaltyNote = (method) => {
  const { norm: name } = registry.methods[method];
  if (!name) return "";
  const { symbol, term } = NORMS[name];
  const { lam } = state.settings;
  const norm = sum(state.logits.map(term));
  const penalty = `λ${symbol} = ${short(lam)} · ${short(norm)} = ${short(lam * norm)}`;
  return ` ${t("As a penalty, λ does something else: it adds {penalty} to the training loss, and the weights learn to keep z small.", { penalty })}`;
};

/** @param {Column} column */
const lossOf = (column) => {
  const gradient = state.gradients?.[column];
  if (!gradient) return "";
  const { name, loss } = gradient;
  return t(
    "Loss: {name} = {loss}, target {target}. Arrows show where a step of gradient descent would move each logit.",
    {
      name: name.replace("cross-entropy of", t("cross-entropy of")),
      loss: Number.isFinite(loss) ? short(loss) : t("infinite"),
      target: state.labels[state.target],
    },
  );
};

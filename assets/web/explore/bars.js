// The bars of a column, what they were before the last change, their numbers and their gradients; and in a comparison,
// A's bars as outlines that end in a thick stroke.

/** @import { Column, Family } from "../types.js" */
/** @import { Figure, Row } from "./columns.js" */
/** @import { Along } from "./ranges.js" */

import { put, say } from "../base/dom.js";
import { t } from "../base/i18n.js";
import { logit } from "../twins/formats.js";
import { axisOf } from "./axes.js";
import { figures, formatOf, NAMES, rest } from "./columns.js";
import { placeOn } from "./lines.js";
import { span } from "./ranges.js";
import { LANE } from "./rows.js";
import { state } from "./state.js";

const INSET = 5; // px between an outline and the edge of its row

/** @param {Column} column */
export const drawBars = (column) => {
  const figure = figures[column];
  const { rows, right, left } = figure;
  const x = placeOn(column);
  const [low, high] = axisOf(column);
  const raw = column === "raw";
  const { y: values, dead } = raw ? { y: state.logits, dead: null } : state.outputs[column];
  const before = raw || state.a ? null : state.before[column]?.y;
  const format = formatOf(column);
  const lit = state.over ?? state.pinned;
  const slopes = state.gradients?.[column]?.gradient;
  for (const row of rows) {
    if (row.index < 0) {
      drawRest(row, column, values, x);
      continue;
    }
    const v = values[row.index];
    const isDead = Boolean(dead?.[row.index]);
    put(row.bar, { ...span(x, 0, v), class: isDead ? "bar dead" : "bar" });
    put(row.ghost, before ? { ...span(x, 0, before[row.index]), display: "inline" } : { display: "none" });
    const off = v > high ? `M${right - 7} 6 l7 7 l-7 7z` : v < low ? `M${left + 7} 6 l-7 7 l7 7z` : "";
    put(row.beyond, { d: off });
    say(row.value, format(v));
    const flat = isDead ? `, ${t("passes no gradient")}` : "";
    say(row.name, `${state.labels[row.index]}: ${t(NAMES[column])} ${format(v)}${flat}${row.a?.name ?? ""}`);
    row.g.classList.toggle("lit", row.index === lit);
    row.g.classList.toggle("target", state.gradientOn && row.index === state.target);
    if (row.slope) drawSlope(row.slope, slopes?.[row.index], figure);
  }
};

/**
 * @param {Row} row
 * @param {Column} column
 * @param {Float64Array} values
 * @param {Along} x
 */
const drawRest = (row, column, values, x) => {
  const { from, to, text } = rest(column, values);
  put(row.bar, { ...span(x, from, to), class: "bar rest" });
  say(row.value, text);
  say(row.name, `${t("the other classes:")} ${text}${row.a?.name ?? ""}`);
};

/**
 * A gradient as an arrow: where one step of gradient descent would push the logit.
 *
 * @param {NonNullable<Row["slope"]>} nodes
 * @param {number | undefined} slope
 * @param {Figure} figure
 */
const drawSlope = ({ lane, arrow, value }, slope, { left, right, body }) => {
  const middle = (left + right) / 2;
  const y = body + LANE / 2 - 3;
  const none = slope === 0;
  put(lane, { x: left, width: Math.max(right - left - (none ? 6 : 0), 0), class: none ? "lane none" : "lane" });
  const reach = slope ? (-slope / state.steepest) * ((right - left) / 2 - 4) : 0;
  const tip = middle + reach;
  const back = tip - Math.sign(reach) * Math.min(5, Math.abs(reach));
  put(arrow, {
    d: reach ? `M${middle} ${y - 1.5} H${back} V${y - 4} L${tip} ${y} L${back} ${y + 4} V${y + 1.5} H${middle}z` : "",
  });
  say(value, slope === undefined ? "" : none ? t("no gradient") : `∂ ${logit(slope)}`);
};

/**
 * A's bars. They follow the picture, the axes and the width, but no slider.
 *
 * @param {Family} column
 */
export const drawOutlines = (column) => {
  const figure = figures[column];
  const result = state.aOutputs[column];
  if (!result) return;
  const [low, high] = axisOf(column);
  const now = [state.aOutputs, low, high, t("passes no gradient")];
  if (now.every((part, at) => figure.aDrawn[at] === part)) return;
  figure.aDrawn = now;
  const x = placeOn(column);
  const { y: values, dead } = result;
  const format = formatOf(column);
  const [top, bottom] = [INSET, figure.body - INSET];
  for (const { index, a } of figure.rows) {
    if (!a) continue;
    if (index < 0) {
      const { from, to, text } = rest(column, values);
      put(a.outline, { d: `M${x(from)} ${top}H${x(to)}V${bottom}H${x(from)}z` });
      a.name = `; A ${text}`;
      say(a.value, `A ${text}`);
      continue;
    }
    const v = values[index];
    put(a.outline, { d: `M${x(0)} ${top}H${x(v)}M${x(v)} ${bottom}H${x(0)}` });
    put(a.end, { d: v < low || v > high ? "" : `M${x(v)} ${top - 1}V${bottom + 1}` });
    a.name = `; A ${format(v)}${dead[index] ? `, ${t("passes no gradient")}` : ""}`;
    say(a.value, `A ${format(v)}`);
  }
};

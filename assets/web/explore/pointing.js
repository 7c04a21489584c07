// The class in question: the one under the pointer or the focus, else the one that a click has pinned.

import { targetOf } from "../base/dom.js";
import { COLUMNS, figures } from "./columns.js";
import { redraw, state } from "./state.js";

/**
 * @param {HTMLElement | null} target
 * @returns {(HTMLElement | SVGElement) | null}
 */
const rowOf = (target) => target?.closest("g[data-class]") ?? null;

/** @param {HTMLElement | null} target */
const classOf = (target) => {
  const row = rowOf(target);
  return row ? Number(row.dataset.class) : null;
};

/** @param {HTMLElement | null} target */
const point = (target) => {
  const over = classOf(target);
  if (over === state.over) return;
  state.over = over;
  redraw();
  // Room that an example has taken stays. Otherwise the row that is pointed at would move away from under the pointer, the
  // next one's example would give the room back, and so on without end.
  const examples = COLUMNS.map((column) => figures[column].example);
  const heights = examples.map((example) => example.offsetHeight);
  for (const [at, example] of examples.entries()) example.style.minHeight = `${heights[at]}px`;
};

/** @param {HTMLElement | null} target */
const pin = (target) => {
  const hit = classOf(target);
  if (hit === null) return;
  state.pinned = state.pinned === hit ? null : hit;
  redraw();
};

/** @param {Element | null | undefined} row */
const focus = (row) => {
  if (row instanceof SVGElement) row.focus();
};

/** @param {KeyboardEvent} event */
const walk = (event) => {
  const target = targetOf(event);
  const row = rowOf(target);
  if (!row) return;
  if (event.key === "Enter" || event.key === " ") pin(target);
  else if (event.key === "ArrowDown") focus(row.nextElementSibling);
  else if (event.key === "ArrowUp") focus(row.previousElementSibling);
  else return;
  event.preventDefault();
};

/** @param {HTMLElement} chart */
export const followPointer = (chart) => {
  for (const type of ["pointerover", "focusin"]) chart.addEventListener(type, (event) => point(targetOf(event)));
  for (const type of ["pointerleave", "focusout"]) chart.addEventListener(type, () => point(null));
  chart.addEventListener("click", (event) => pin(targetOf(event)));
  chart.addEventListener("keydown", walk);
};

// The Calibrate tab: its cards, and what draws them.

/** @import { Asks, Props, Watch } from "../types.js" */

import { find, node, say } from "../base/dom.js";
import { t } from "../base/i18n.js";
import { read, receive } from "../base/messages.js";
import { FAMILIES, registry } from "../base/registry.js";
import { show as showRows } from "../base/rows.js";
import * as changes from "./changes.js";
import * as curves from "./curves.js";
import * as reliability from "./reliability.js";
import { family, follow, readers, state } from "./state.js";
import * as sweep from "./sweep.js";
import * as table from "./table.js";
import { description, figure } from "./wording.js";

/** @type {{board: HTMLElement, main: HTMLElement, live: HTMLElement} | null} */
let parts = null;
let spoken = ""; // the setting that a screen reader was last told of

const drawSetting = () => {
  const { method, after } = state;
  if (!parts || !after) return;
  const { full } = description();
  reliability.caption(t("softmax, T = 1"), full);
  for (const one of FAMILIES) parts.main.classList.toggle(`cal-${one}`, one === family());
  showRows(parts.board.closest("#calibrate"), [...registry.methods[method].parameters, "temperature"]);
  if (spoken && spoken !== full) say(parts.live, `${full}: NLL ${figure("nll", after)}, ECE ${figure("ece", after)}`);
  spoken = full;
};

const draw = () => {
  if (!parts || !state.after) return;
  drawSetting();
  reliability.draw();
  changes.draw();
  curves.draw();
  table.draw();
  if (state.sweep) sweep.draw();
};

follow({ setting: draw, curves: curves.draw, rows: table.draw, set: sweep.sweep });

/**
 * @param {HTMLElement} element
 * @param {Props} props
 * @param {Watch} watch
 * @param {Asks} asks
 */
export const mount = (element, props, watch, asks) => {
  const board = find("#calibrate-board", element);
  board.replaceChildren();
  const main = node("div", "cal-grid", board);
  for (const card of [reliability, changes, curves, sweep, table]) card.mount(main);
  const live = node("p", "visually-hidden", main);
  live.setAttribute("aria-live", "polite");
  parts = { board, main, live };
  spoken = "";

  // The set comes when the tab is seen for the first time.
  let asked = false;
  const see = () => {
    if (!board.clientWidth && !main.clientWidth) return;
    if (!state.set && !asked) {
      asked = true;
      asks.open();
    }
    draw();
  };
  new ResizeObserver(see).observe(main);
  document.addEventListener("unanswered", (event) => {
    const { detail } = /** @type {CustomEvent} */ (event);
    if (detail.at === "calibrate-block") asked = false; // the next visit to the tab asks again
  });
  addEventListener("online", see);
  read(props.value, readers);
  receive(props, watch, readers);
  document.addEventListener("language", draw);
  draw();
};

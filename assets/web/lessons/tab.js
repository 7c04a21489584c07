// The Lessons tab: the catalogue, or the teacher's sheet in its place.

import { find, node } from "../base/dom.js";
import { label, t } from "../base/i18n.js";
import { apply } from "../share.js";
import { changed } from "../state.js";
import { focus, onceVisible } from "./attention.js";
import { drawCatalogue, report } from "./catalogue.js";
import { drawSheet } from "./sheet.js";
import { state, watch } from "./steps.js";
import { fetchLessons, lessons, troubles } from "./texts.js";

/** @type {HTMLElement | null} null until the tab is opened */
let board = null;

/** @param {HTMLElement} element */
export const mount = async (element) => {
  board = find("#lessons", element);
  label("The lessons are loading…", node("p", "lesson-quiet", board));
  await fetchLessons();
  draw();
  document.addEventListener("language", draw);
};

const draw = () => {
  if (!board || !lessons) return;
  if (state.sheet) drawSheet(board, lessons, leaveSheet);
  else drawCatalogue(board, lessons, troubles, () => sheet(true));
};

/** Draw the catalogue again, with the visitor's progress; the sheet stays as it is. */
const redraw = () => {
  if (!state.sheet) draw();
};

/** @param {boolean} on whether the tab shows the teacher's sheet */
export const sheet = async (on) => {
  state.sheet = on;
  if (on) apply("tab=lessons");
  await fetchLessons();
  if (!board) return; // the tab is about to open
  draw();
  changed();
  if (on) onceVisible(() => board, focusHeading);
};

const focusHeading = () => {
  if (board) focus(find("h2", board));
};

const leaveSheet = async () => {
  await sheet(false);
  focusHeading();
};

watch({
  opened: redraw,
  closed: redraw,
  revealed: redraw,
  finished: ({ title }) => {
    /** @returns {HTMLElement | null | undefined} */
    const cards = () => board?.querySelector(".lesson-cards");
    onceVisible(cards, () => {
      if (board) report(board, t("“{title}” is finished.", { title }));
      focusHeading();
    });
  },
});

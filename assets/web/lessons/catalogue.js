// The catalogue: a card for each lesson, with how far the visitor is in it.

/** @import { Lesson } from "../types.js" */

import { find, node, say } from "../base/dom.js";
import { t } from "../base/i18n.js";
import { button, link } from "./elements.js";
import { forget, kept, lastStep, nothingDone, stepsDone } from "./progress.js";
import { open } from "./steps.js";

/**
 * @param {HTMLElement} board
 * @param {Lesson[]} lessons
 * @param {string[]} troubles
 * @param {() => void} openSheet
 */
export const drawCatalogue = (board, lessons, troubles, openSheet) => {
  board.replaceChildren();
  const heading = node("h2", "", board, t("Lessons"));
  heading.tabIndex = -1;
  node(
    "p",
    "lesson-quiet",
    board,
    t("Each lesson opens beside the live chart: settings, a question, your own prediction, then what happens and why."),
  );
  node("p", "lesson-told", board).setAttribute("role", "status");
  const list = node("ul", "lesson-cards", board);
  for (const lesson of lessons) drawCard(list, lesson);
  for (const trouble of troubles)
    node("li", "lesson-card", list, t("This lesson cannot be shown. {trouble}", { trouble }));
  const foot = node("p", "lesson-foot", board);
  link(foot, t("Teacher's sheet"), "?teacher=1", openSheet);
  node("span", "lesson-quiet", foot, t("timing, links and answers for a class, to print"));
  const startOver = () => {
    forget();
    drawCatalogue(board, lessons, troubles, openSheet);
    report(board, t("Your progress is forgotten."));
    find("h2", board).focus();
  };
  button(foot, t("Forget my progress"), startOver).disabled = nothingDone();
  const keeps = kept
    ? t("it is kept only in this browser")
    : t("this browser stores nothing here: it lasts until the page is closed");
  node("span", "lesson-quiet", foot, keeps);
};

/**
 * @param {HTMLElement} board
 * @param {string} text about what the visitor has done
 */
export const report = (board, text) => say(find(".lesson-told", board), text);

/**
 * @param {Element} list
 * @param {Lesson} lesson
 */
const drawCard = (list, lesson) => {
  const card = node("li", "lesson-card", list);
  const title = node("h3", "", card, lesson.title);
  title.id = `lesson-${lesson.slug}`;
  const length = t("{minutes} minutes, {steps} steps", { minutes: lesson.minutes, steps: lesson.steps.length });
  node("p", "lesson-quiet", card, length);
  node("p", "", card, lesson.summary);
  const [count, total] = [stepsDone(lesson), lesson.steps.length];
  const bar = node("div", "lesson-progress", card);
  const meter = node("progress", "", bar);
  Object.assign(meter, { max: total, value: count });
  meter.setAttribute("aria-labelledby", title.id);
  const begun = count === 0 ? t("not started") : t("{count} of {total} steps done", { count, total });
  node("span", "", bar, count === total ? `✓ ${t("all steps done")}` : begun);
  const last = count < total ? lastStep(lesson.slug) : undefined; // where to go on
  const name = last ? t("Continue at step {n}", { n: last }) : count === total ? t("Start again") : t("Start");
  const start = button(card, name, () => open(lesson.slug, last ?? 1), "main");
  start.setAttribute("aria-describedby", title.id);
};

// The teacher's sheet: timing, links, questions and answers of all lessons, to print.

/** @import { Lesson, LessonStep } from "../types.js" */

import { node } from "../base/dom.js";
import { t } from "../base/i18n.js";
import { button, link, rich } from "./elements.js";
import { open } from "./steps.js";

/** @param {number} minutes since the class began */
const clock = (minutes) => `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}`;

/**
 * @param {HTMLElement} board
 * @param {Lesson[]} lessons
 * @param {() => void} leave
 */
export const drawSheet = (board, lessons, leave) => {
  board.replaceChildren();
  const page = node("section", "lesson-sheet", board);
  const total = lessons.reduce((all, { minutes }) => all + minutes, 0);
  const heading = node("h2", "", page, t("Teacher's sheet: a {total}-minute class", { total }));
  heading.tabIndex = -1;
  const actions = node("p", "lesson-actions", page);
  button(actions, t("Print"), () => print(), "main");
  button(actions, t("Back to the lessons"), leave);
  const advice = [
    t("Every step works the same way: read its text aloud, let everybody predict, count hands, then reveal."),
    t("Let somebody who was surprised explain why before you do."),
    t(
      "On a projector, press Present in the header; then N and P move through the steps, S shows the answer, and ? lists all keys.",
    ),
    t("All numbers come from the bundled model."),
  ];
  node("p", "", page, advice.join(" "));
  const rows = drawPlan(page);
  let at = 0;
  for (const lesson of lessons) {
    const span = `${clock(at)} – ${clock(at + lesson.minutes)}`;
    const row = node("tr", "", rows);
    node("td", "", row, span);
    const name = node("th", "", row);
    name.scope = "row";
    linkToStep(name, lesson.title, lesson.slug, 1);
    node("td", "", row, String(lesson.minutes));
    node("td", "", row, String(lesson.steps.length));
    drawLesson(page, lesson, span);
    at += lesson.minutes;
  }
};

/**
 * The timetable of the lessons.
 *
 * @param {Element} page
 * @returns {Element} its body, without rows
 */
const drawPlan = (page) => {
  const plan = node("table", "lesson-plan", node("div", "table-scroll", page));
  node("caption", "visually-hidden", plan, t("Timing"));
  const names = node("tr", "", node("thead", "", plan));
  for (const name of [t("Clock"), t("Lesson"), t("Minutes"), t("Steps")]) node("th", "", names, name).scope = "col";
  return node("tbody", "", plan);
};

/**
 * @param {Element} parent
 * @param {string} text
 * @param {string} slug
 * @param {number} at
 */
const linkToStep = (parent, text, slug, at) => link(parent, text, `?lesson=${slug}&step=${at}`, () => open(slug, at));

/**
 * @param {Element} page
 * @param {Lesson} lesson
 * @param {string} span of the class
 */
const drawLesson = (page, lesson, span) => {
  const part = node("section", "lesson-part", page);
  node("h3", "", part, `${span}  ${lesson.title}`);
  node("p", "lesson-quiet", part, lesson.summary);
  if (lesson.teacher) rich("p", "", part, lesson.teacher);
  lesson.steps.forEach((step, at) => {
    const item = node("article", "lesson-item", part);
    linkToStep(node("h4", "", item), `${at + 1}. ${step.title}`, lesson.slug, at + 1);
    drawAnswer(item, step);
  });
};

/**
 * @param {Element} item
 * @param {LessonStep} step
 */
const drawAnswer = (item, { question, choices, right, slider, why, text, run }) => {
  if (!question) {
    rich("div", "lesson-text", item, text);
    if (run) node("p", "", item, t("The table appears with the answer, after a second or two."));
    return;
  }
  rich("p", "lesson-asked", item, `<b>${t("Question.")}</b> ${question}`);
  const others = choices?.filter((_, at) => !right.includes(at)) ?? [];
  const answer = choices ? right.map((at) => choices[at]).join("; ") : slider?.shown;
  rich("p", "", item, `<b>${t("Answer.")}</b> ${answer}`);
  if (others.length) rich("p", "lesson-quiet", item, `<b>${t("Wrong:")}</b> ${others.join("; ")}`);
  rich("div", "lesson-text", item, why);
};

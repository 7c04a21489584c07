// Attention: where the focus goes, what is brought into view, and what a screen reader says.

import { find, say } from "../base/dom.js";

const EDGE = 12; // px over what is brought into view
const FRAMES = 90; // after which a node that cannot be seen yet never will be

/**
 * Do something as soon as an element can be seen, if it ever can: a tab takes several frames to open.
 *
 * @param {() => HTMLElement | null | undefined} search for the element
 * @param {() => void} work
 * @param {number} frames
 */
export const onceVisible = (search, work, frames = FRAMES) => {
  if (search()?.offsetParent) work();
  else if (frames) requestAnimationFrame(() => onceVisible(search, work, frames - 1));
};

/**
 * Focus, and bring into view: in the panel, where that scrolls by itself (present mode), else in the page. Not by
 * scrollIntoView, which also moves what gradio has clipped.
 *
 * @param {HTMLElement} target
 */
export const focus = (target) => {
  target.focus({ preventScroll: true });
  const { top } = target.getBoundingClientRect();
  const panel = target.closest("#lesson");
  if (panel && panel.scrollHeight > panel.clientHeight + 1) {
    const first = target.matches("h2"); // a step begins at the very top
    panel.scrollTop = first ? 0 : panel.scrollTop + top - panel.getBoundingClientRect().top - EDGE;
  } else if (top < 0 || top > innerHeight * 0.8) {
    /** @type {HTMLElement | null} */
    const bar = document.querySelector(".present-bar");
    scrollBy(0, top - EDGE - (bar?.offsetHeight ?? 0));
  }
};

/**
 * Have a screen reader say something about the open lesson.
 *
 * @param {string} text
 */
export const tell = (text) => say(find("#lesson [role=status]"), text);

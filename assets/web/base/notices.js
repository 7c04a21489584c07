// Sentences for a visitor, in the part of the page that they are about.

/** @import { Props } from "../types.js" */

// Where the sentences of a part of the page are shown: the properties of a gr.HTML.
/** @type {Record<string, Props>} */
const speakers = {};
/**
 * @param {string} where on the page files are taken, as in `PARTS`
 * @param {Props} props
 */
export const speaks = (where, props) => {
  speakers[where] = props;
};

/** @param {string} told */
const paragraph = (told) => {
  if (!told) return "";
  const sentence = document.createElement("p"); // what the server says may repeat what somebody has put into a link
  sentence.setAttribute("role", "alert");
  sentence.textContent = told;
  return sentence.outerHTML;
};

// Show a sentence in such a place.
/**
 * @param {string} where
 * @param {string} told nothing, to say nothing any more
 */
export const show = (where, told) => {
  speakers[where].value = paragraph(told);
};

// Show a sentence in the part of the page that an element belongs to, if it has a place for one. Without a sentence,
// clear the last one that was shown from here, if it is still there.
/** @type {Record<string, string>} */
const PARTS = {
  "#picture": "#explore",
  "#train-setup": "#train",
  "#calibrate-file": "#calibrate",
  "#export": "#export",
};
/** @type {Record<string, string>} */
const last = {};
/** @param {string} id */
const placeOf = (id) =>
  Object.keys(PARTS).find((at) => at in speakers && document.getElementById(id)?.closest(PARTS[at]));
/** @param {string} id of an element */
export const tells = (id) => Boolean(placeOf(id));
/**
 * @param {string} id of an element
 * @param {string} told
 */
export const tell = (id, told) => {
  const where = placeOf(id);
  if (!where || !(told || speakers[where].value === last[where])) return;
  show(where, told);
  last[where] = speakers[where].value;
};

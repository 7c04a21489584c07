// Sentences for a visitor, in the part of the page that they are about.

// Where the sentences of a part of the page are shown: the properties of a gr.HTML.
const speakers = {};
export const speaks = (where, props) => (speakers[where] = props);
const paragraph = (told) => {
  if (!told) return "";
  const sentence = document.createElement("p"); // what the server says may repeat what somebody has put into a link
  sentence.setAttribute("role", "alert");
  sentence.textContent = told;
  return sentence.outerHTML;
};

// Say a sentence in such a place.
export const show = (where, told) => (speakers[where].value = paragraph(told));

// Say a sentence in the part of the page that an element belongs to, if there is a place for it. Without a sentence, the
// one that was said here last goes, if it is there still.
const PARTS = { "#picture": "#explore", "#train-setup": "#train", "#calibrate-file": "#calibrate", "#export": "#export" };
const last = {};
const placeOf = (id) => Object.keys(PARTS).find((at) => at in speakers && document.getElementById(id)?.closest(PARTS[at]));
export const tells = (id) => Boolean(placeOf(id));
export const tell = (id, told) => {
  const where = placeOf(id);
  if (where && (told || speakers[where].value === last[where])) last[where] = show(where, told);
};

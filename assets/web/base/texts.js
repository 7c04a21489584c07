// Boxes for what differs by class: a text that the tab takes while it is written, and that is put into its one form, or
// explained, once the box is left.

/** @import { EachClass, Notice } from "../types.js" */

import { parse, resolve, spell } from "../twins/parameters.js";
import { complaint } from "./complaint.js";
import { phrase, t } from "./i18n.js";
import { tell } from "./notices.js";
import { registry } from "./registry.js";

/** @param {EachClass} parameter @param {string} text @param {string[]} labels @returns {Notice | null} */
const wrongIn = (parameter, text, labels) => {
  const { error } = parse(parameter, text, labels.length);
  if (error) return complaint(parameter, error);
  const { unknown, repeated } = resolve(parameter, text, labels);
  const [name] = [...unknown, ...repeated];
  if (name === undefined) return null;
  return { text: phrase("“{name}” is not one of the classes, or is named twice."), values: { name } };
};

/**
 * What constrained.page.controls.rows calls when such a box is left.
 *
 * @param {string} owner the tab
 * @param {(key: string, value: string) => void} set
 * @param {() => string[]} labels of its classes
 */
export const texts = (owner, set, labels) => ({
  /** @type {(key: string, text: string) => string} the text for the box */
  write: (key, text) => {
    const parameter = /** @type {EachClass} */ (registry.parameters[key]);
    const wrong = wrongIn(parameter, text, labels());
    tell(`${owner}-${key}-value`, wrong ? t(wrong.text, wrong.values) : "");
    if (wrong) return text; // nothing is lost
    const spelled = spell(parameter, text, labels());
    set(key, spelled);
    return spelled;
  },
});

// What is wrong with a text about classes, as a sentence to translate.

/** @import { EachClass, Notice } from "../types.js" */
/** @import { Wrong } from "../twins/parameters.js" */

import { phrase } from "./phrase.js";

/**
 * @param {EachClass} parameter
 * @param {Wrong} wrong
 * @returns {Notice}
 */
export const complaint = (parameter, { part, why }) => {
  if (parameter.kind === "mask" || why === "form")
    return { text: phrase("Write a class and its number, such as cat = 2, not “{part}”."), values: { part } };
  const { low, high } = parameter;
  return { text: phrase("“{part}” is not a number from {low} to {high}."), values: { part, low, high } };
};

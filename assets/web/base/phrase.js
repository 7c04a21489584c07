/**
 * Marks a text of a table, which is translated where it is shown.
 *
 * @param {string} text in English
 * @returns {string} the same
 */
export const phrase = (text) => text;

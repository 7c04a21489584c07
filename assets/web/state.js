// What the tabs share: each keeps its own numbers and registers here how they are read and set. Code that follows the
// page's setting (the address, the generated code, present mode) listens to "setting" on the document.

/** @import { LinkedPage, Pairs, Setting, Subject } from "./types.js" */

/**
 * A tab's numbers, by the names that they have in links.
 *
 * @typedef {{get: (key: string) => unknown, set: (key: string, value: any) => void}} Owner
 *
 * A part of links beside the tabs' numbers; `stays` if the link itself has the setting that the chart should keep.
 *
 * @typedef {{pairs: () => Pairs, take: (page: LinkedPage & {stays: boolean}) => void}} Extension
 *
 * The chart, which knows what all tabs are about.
 *
 * @typedef {{subject: () => Subject, pin: (setting: Setting | null | undefined) => void}} Chart
 */

/** @type {Record<string, Owner>} */
const owners = {};
/** @type {Extension[]} */
const extensions = [];
let reflect = () => {}; // has gradio's controls show what the tabs hold

export let tab = "explore"; // the open one

export const changed = () => document.dispatchEvent(new Event("setting"));

/** The page has a new layout: whatever depends on sizes is drawn again. */
export const rearranged = () => document.dispatchEvent(new Event("layout"));

/**
 * @param {string} name of the tab
 * @param {Owner} owner
 */
export const register = (name, owner) => {
  owners[name] = owner;
};

/** @param {Extension} extension */
export const extend = (extension) => {
  extensions.push(extension);
};
export const extended = () => extensions.flatMap(({ pairs }) => pairs());
/** @param {LinkedPage & {stays: boolean}} page */
export const extending = (page) => {
  for (const { take } of extensions) take(page);
};

/**
 * @param {string} owner
 * @param {string} key
 */
export const get = (owner, key) => owners[owner].get(key);

/** @type {Chart} */
let explored;

/** @param {Chart} chart */
export const explore = (chart) => {
  explored = chart;
};
export const subject = () => explored.subject();
/** @param {Setting | null | undefined} setting to compare with as A, or none */
export const pin = (setting) => explored.pin(setting);

/** @param {() => void} reflects has gradio's controls show the tabs' numbers */
export const reflecting = (reflects) => {
  reflect = reflects;
};

/**
 * Put values into tabs, and into gradio's controls, in the order in which they are given.
 *
 * @param {Record<string, Record<string, unknown>>} wanted owner -> key -> value
 */
export const assign = (wanted) => {
  for (const [owner, values] of Object.entries(wanted)) {
    for (const [key, value] of Object.entries(values)) owners[owner].set(key, value);
  }
  reflect();
};

/**
 * A tab is open now, whoever opened it.
 *
 * @param {string} name
 */
export const open = (name) => {
  if (tab === name) return;
  tab = name;
  changed();
};

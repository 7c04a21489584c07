// What the tabs tell each other: each keeps its own numbers and registers here how they are read and set. Whoever follows
// the page's setting (the address, the generated code, present mode) listens to "setting" on the document.

const owners = {}; // of a tab's numbers: name -> {get(key), set(key, value)}
const extensions = []; // what else a link carries: {pairs(), take(parsed)}
let reflect = () => {}; // has gradio's controls show what the tabs hold

export let tab = "explore"; // the open one

export const changed = () => document.dispatchEvent(new Event("setting"));

/** The page is laid out anew: what is drawn by size is drawn again. */
export const rearranged = () => document.dispatchEvent(new Event("layout"));

/**
 * A tab's numbers, by the names that they have in links.
 *
 * @param {string} name of the tab
 * @param {{get: (key: string) => unknown, set: (key: string, value: unknown) => void}} owner
 */
export const register = (name, owner) => {
  owners[name] = owner;
};

/** A part of links beside the tabs' numbers. */
export const extend = (extension) => extensions.push(extension);
export const extended = () => extensions.flatMap(({ pairs }) => pairs());
export const extending = (parsed) => extensions.forEach(({ take }) => take(parsed));

export const get = (owner, key) => owners[owner].get(key);

let explored = null;

/** What the chart is about, which is what all tabs are about: {subject(), pin(setting)}. */
export const explore = (chart) => (explored = chart);
/** {image, model, labels, a}: a sample's name or null, the model, its classes, and the setting that is pinned as A or null. */
export const subject = () => explored.subject();
export const pin = (setting) => explored.pin(setting);

/** Who has gradio's controls show the tabs' numbers. */
export const reflecting = (reflects) => (reflect = reflects);

/**
 * Put values into tabs, and into gradio's controls, in the order in which they are given.
 *
 * @param {Record<string, Record<string, unknown>>} wanted {owner: {key: value}}
 */
export const assign = (wanted) => {
  for (const [owner, values] of Object.entries(wanted)) {
    for (const [key, value] of Object.entries(values)) owners[owner].set(key, value);
  }
  reflect();
};

/** A tab is open now, whoever opened it. */
export const open = (name) => {
  if (tab === name) return;
  tab = name;
  changed();
};

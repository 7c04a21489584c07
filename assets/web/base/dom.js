// Nodes of the page: found, made and written.

const SVG = "http://www.w3.org/2000/svg";

/**
 * The one element that matches, which must exist.
 *
 * @param {string} selector
 * @param {ParentNode} within
 * @returns {HTMLElement}
 */
export const find = (selector, within = document) => {
  const found = within.querySelector(selector);
  if (!found) throw new Error(`There is no ${selector} here.`);
  return /** @type {HTMLElement} */ (found);
};

/**
 * The target of an event, if it is an element.
 *
 * @param {Event} event
 * @returns {HTMLElement | null}
 */
export const targetOf = ({ target }) => (target instanceof Element ? /** @type {HTMLElement} */ (target) : null);

/**
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} name
 * @param {Record<string, unknown>} attributes
 * @param {Element | null} parent
 * @returns {SVGElementTagNameMap[K]}
 */
export const svgNode = (name, attributes = {}, parent = null) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  if (parent) parent.append(made);
  return made;
};

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {string} className
 * @param {Element} parent
 * @param {string} content
 * @returns {HTMLElementTagNameMap[K]}
 */
export const node = (name, className, parent, content = "") => {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.textContent = content;
  parent.append(made);
  return made;
};

/**
 * Write attributes, but only those that changed: each write costs layout.
 *
 * @param {Element} target
 * @param {Record<string, unknown>} attributes
 */
export const put = (target, attributes) => {
  for (const [key, value] of Object.entries(attributes)) {
    const next = String(value);
    if (target.getAttribute(key) !== next) target.setAttribute(key, next);
  }
};

/**
 * @param {Node} target
 * @param {string} content
 */
export const say = (target, content) => {
  if (target.textContent !== content) target.textContent = content;
};

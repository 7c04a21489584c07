// Nodes of the page, made and written.

const SVG = "http://www.w3.org/2000/svg";
export const svgNode = (name, attributes = {}, parent = null) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (parent) parent.append(made);
  return made;
};
export const node = (name, className, parent, content = "") => {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.textContent = content;
  parent.append(made);
  return made;
};
// Writing an attribute that has not changed costs layout; this does not.
export const put = (target, attributes) => {
  for (const [key, value] of Object.entries(attributes)) {
    const next = String(value);
    if (target.getAttribute(key) !== next) target.setAttribute(key, next);
  }
};
export const say = (target, content) => {
  if (target.textContent !== content) target.textContent = content;
};

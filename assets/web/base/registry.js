// What the server says of the constraints, their parameters and the page: constrained/ui/__init__.py writes it.

export const registry = JSON.parse(document.querySelector("#facts").textContent);

export const FAMILIES = Object.keys(registry.chosen); // the constrained columns, from left to right

// What the server says of the constraints, their parameters and the page: constrained/page/layout.py writes it.

/** @import { Entry, Family, Methods, Parameter } from "../types.js" */

import { find } from "./dom.js";

/**
 * @type {{methods: Record<string, Entry>, parameters: Record<string, Parameter>, chosen: Methods, training: any, page: string,
 *   silence: number, uploads: Record<string, number>}}
 */
export const registry = JSON.parse(find("#facts").textContent ?? "");

/** The constrained columns, from left to right. */
export const FAMILIES = /** @type {Family[]} */ (Object.keys(registry.chosen));

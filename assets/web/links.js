// The page's setting as a query that a person can read, in both directions: how it is spelled, and what one says.
//
//   image=cat&family=bounded&method=clamp&lo=-2&hi=4&t=0.5&lam=0.1       the Explore tab
//   tab=train&train.method=clamp_inward&train.lo=0&train.hi=1            the others, behind their own names
//   a=method:clamp,lo:-2,...   lesson=...&step=2   present=1   teacher=1   hide=samples,model
//
// Anything missing from a link keeps its default; the address leaves out what has its default.

/** @import { Control, Controls, Link, LinkFacts, Notice, Pairs, Setting, Value, Wanted } from "./types.js" */

import { complaint } from "./base/complaint.js";
import { phrase } from "./base/phrase.js";
import { parse as parseText } from "./twins/parameters.js";

const CONTROLS = ["k", "gradient", "target"]; // of the Explore tab, beside its constraints

/**
 * @param {string} text
 * @param {Notice["values"]} values
 * @returns {Notice}
 */
const notice = (text, values = {}) => ({ text, values });
/** @type {(key: string, facts: Pick<LinkFacts, "parameters">) => string} a control's name in links */
const named = (key, { parameters }) => parameters[key]?.link ?? key;
/** @param {{controls: Controls}} facts */
const others = ({ controls }) => Object.keys(controls).filter((owner) => owner !== "explore");

// Out --------------------------------------------------------------------------------------------------------------

/**
 * @typedef {object} Page what a link is made of
 * @property {string} tab the open one
 * @property {string | null} image
 * @property {string} model
 * @property {Setting | null} a
 * @property {Pairs} extra
 * @property {(owner: string, key: string) => Value} get
 */

/** @param {Value} value */
const spelled = (value) => (typeof value === "boolean" ? String(Number(value)) : String(value));

/**
 * @param {Page} page
 * @param {LinkFacts} facts
 */
const exploring = ({ image, model, a, get }, facts) => {
  const { methods, parameters, families, controls, images, models } = facts;
  /** @type {Pairs} */
  const pairs = [];
  /** @type {(key: string, value: Value) => void} */
  const add = (key, value) => pairs.push([key, spelled(value)]);
  /** @param {string} key */
  const differs = (key) => get("explore", key) !== controls.explore[key].opening;
  const family = String(get("explore", "family"));
  const method = String(get("explore", family));
  add("image", image ?? images[0]);
  if (model !== models[0]) add("model", model);
  add("family", family);
  add("method", method);
  for (const other of families) if (other !== family && differs(other)) add(other, get("explore", other));
  // Always the numbers of the open column, so that a link can be read; other numbers only if they have changed.
  for (const key of Object.keys(parameters)) {
    if (methods[method].parameters.includes(key) || differs(key)) add(named(key, facts), get("explore", key));
  }
  for (const key of CONTROLS) if (differs(key)) add(key, get("explore", key));
  if (a) {
    const parts = Object.entries({ ...a.methods, ...a.settings });
    // A text about classes can hold commas as well, for which it takes semicolons too.
    add("a", parts.map(([key, value]) => `${named(key, facts)}:${value}`.replaceAll(",", ";")).join(","));
  }
  return pairs;
};

/**
 * A page's setting as a query.
 *
 * @param {Page} page
 * @param {LinkFacts} facts
 */
export const spell = (page, facts) => {
  /** @type {Pairs} */
  const pairs = page.tab === "explore" ? [] : [["tab", page.tab]];
  pairs.push(...exploring(page, facts));
  for (const owner of others(facts)) {
    for (const [key, { opening }] of Object.entries(facts.controls[owner])) {
      const value = page.get(owner, key);
      if (value !== opening) pairs.push([`${owner}.${named(key, facts)}`, spelled(value)]);
    }
  }
  pairs.push(...page.extra);
  // Readable: URLSearchParams escapes these too, but they need no escaping.
  return pairs
    .map(([key, value]) => `${key}=${encodeURIComponent(value).replace(/%(3A|2C|3B|3D)/g, decodeURIComponent)}`)
    .join("&");
};

/**
 * The query of the page as it opens; the address leaves it out.
 *
 * @param {LinkFacts} facts
 */
export const opening = (facts) => {
  const { families, images, models } = facts;
  /** @type {(owner: string, key: string) => Value} */
  const get = (owner, key) => (key === "family" ? families[0] : facts.controls[owner][key].opening);
  return spell({ tab: "explore", image: images[0], model: models[0], a: null, extra: [], get }, facts);
};

/**
 * The values that an owner's controls open with.
 *
 * @param {{controls: Controls}} facts
 * @param {string} owner
 * @returns {Record<string, Value>}
 */
export const openings = ({ controls }, owner) =>
  Object.fromEntries(Object.entries(controls[owner]).map(([key, control]) => [key, control.opening]));

// In ---------------------------------------------------------------------------------------------------------------

const LONGEST = 20_000; // characters of a value

/**
 * The pairs of numbers that cross although they must not.
 *
 * @param {Record<string, Value>} values
 * @param {LinkFacts["parameters"]} parameters
 */
const crossed = (values, parameters) =>
  Object.values(parameters)
    .map((parameter) => [parameter.kind === "number" ? parameter.above : "", parameter.key])
    .filter(([lower, upper]) => lower && values[lower] > values[upper]);

const OFF = ["0", "false", "off"];
const ON = ["1", "true", "on"];

/**
 * @param {string} key
 * @param {string} value
 * @param {Notice} wanted what the value should have been
 */
export const wrong = (key, value, wanted) =>
  notice(phrase("{what} in the link is not {wanted}; it was ignored."), {
    what: `${key}=${value.slice(0, 40)}`,
    wanted,
  });
/** @param {(string | number)[]} list */
const oneOf = (list) => notice(phrase("one of {list}"), { list: list.join(", ") });

/**
 * @param {string} name
 * @param {string} text
 * @param {Notice[]} notices
 * @returns {boolean | undefined}
 */
const flag = (name, text, notices) => {
  if ([...ON, ...OFF].includes(text)) return ON.includes(text);
  return void notices.push(wrong(name, text, notice(phrase("0 or 1"))));
};

/**
 * A text as the value of a control, or undefined with a sentence in `notices`.
 *
 * @param {Control} control
 * @param {string} name
 * @param {string} text
 * @param {Notice[]} notices
 * @returns {Value | undefined}
 */
const read = (control, name, text, notices) => {
  /** @param {Notice} wanted */
  const refuse = (wanted) => void notices.push(wrong(name, text, wanted));
  if (control.kind === "flag") return flag(name, text, notices);
  if (control.kind === "choice") {
    const found = control.values.find((value) => String(value) === text);
    return found === undefined ? refuse(oneOf(control.values.filter((value) => value !== ""))) : found;
  }
  if (control.kind === "text") return text;
  if (control.kind === "vector" || control.kind === "mask") {
    const { error } = parseText(control.scale, text, 0);
    if (!error) return text;
    const why = complaint(control.scale, error);
    return void notices.push(notice(phrase("{name} in the link was ignored. {why}"), { name, why }));
  }
  const { low, high } = control;
  const value = text.trim() === "" ? NaN : Number(text);
  if (control.whole && !Number.isInteger(value))
    return refuse(notice(phrase("a whole number from {low} to {high}"), { low, high }));
  if (!(value >= low && value <= high)) return refuse(notice(phrase("a number from {low} to {high}"), { low, high }));
  return value;
};

/** @param {string} name */
const repeated = (name) => notice(phrase("{name} is in the link more than once; the first one was used."), { name });

/**
 * Sentences about names that are there more than once, and about those that an owner does not have. Other names may be
 * somebody else's.
 *
 * @param {URLSearchParams} query
 * @param {LinkFacts} facts
 */
const misnamed = (query, facts) => {
  /** @type {Notice[]} */
  const notices = [];
  const names = ["image", "model", "tab", "method", "family", "lesson", "step", "present", "teacher", "hide", "a"];
  for (const [owner, controls] of Object.entries(facts.controls)) {
    const prefix = owner === "explore" ? "" : `${owner}.`;
    names.push(...Object.keys(controls).map((key) => prefix + named(key, facts)));
  }
  for (const name of new Set(query.keys())) {
    const [owner] = name.split(".");
    if (names.includes(name)) {
      if (query.getAll(name).length > 1) notices.push(repeated(name));
    } else if (others(facts).includes(owner)) {
      notices.push(wrong(name, query.get(name) ?? "", oneOf(names.filter((one) => one.startsWith(`${owner}.`)))));
    }
  }
  return notices;
};

/**
 * What a query asks of the tabs' controls.
 *
 * @param {URLSearchParams} query
 * @param {LinkFacts} facts
 * @param {Notice[]} notices
 */
const controlled = (query, facts, notices) => {
  const { methods, parameters, families, controls } = facts;
  /** @type {Wanted} */
  const wanted = {};
  /** @type {(owner: string, key: string, name: string) => void} */
  const take = (owner, key, name) => {
    const text = query.get(name);
    if (text === null) return;
    wanted[owner] ??= {};
    const value = read(controls[owner][key], name, text.slice(0, LONGEST), notices);
    if (value !== undefined) wanted[owner][key] = value;
  };
  for (const family of families) take("explore", family, family);
  const method = among(query, "method", Object.keys(methods), notices);
  let family = among(query, "family", families, notices);
  if (method) {
    const own = methods[method].family;
    if (family && own !== family) {
      const text = phrase("method={method} in the link is {own}, not {family}; the method was used.");
      notices.push(notice(text, { method, own, family }));
    }
    family = own;
    wanted.explore = { ...wanted.explore, [family]: method };
  }
  for (const key of Object.keys(parameters)) take("explore", key, named(key, facts));
  for (const key of CONTROLS) take("explore", key, key);
  if (family) wanted.explore = { ...wanted.explore, family };
  for (const owner of others(facts)) {
    for (const key of Object.keys(controls[owner])) take(owner, key, `${owner}.${named(key, facts)}`);
  }
  for (const [owner, values] of Object.entries(wanted)) {
    const whole = { ...openings(facts, owner), ...values };
    for (const [lower, upper] of crossed(whole, parameters)) {
      const text = phrase("{low} in the link is above {high}; both were ignored.");
      const [low, high] = [lower, upper].map((key) => `${named(key, facts)}=${Number(whole[key])}`);
      notices.push(notice(text, { low, high }));
      delete values[lower];
      delete values[upper];
    }
  }
  if (["image", "model", "family"].some((key) => query.has(key))) wanted.explore ??= {};
  return wanted;
};

/**
 * One of a list: null without it, undefined with a sentence in `notices` if it is none.
 *
 * @param {URLSearchParams} query
 * @param {string} name
 * @param {string[]} list
 * @param {Notice[]} notices
 */
const among = (query, name, list, notices) => {
  const value = query.get(name);
  if (value === null || list.includes(value)) return value;
  return void notices.push(wrong(name, value, oneOf(list)));
};

/**
 * What a query asks for.
 *
 * @param {string} text
 * @param {LinkFacts} facts
 * @returns {Link}
 */
export const parse = (text, facts) => {
  const { images, models, tabs, hides } = facts;
  const query = new URLSearchParams(text);
  const notices = misnamed(query, facts);
  const wanted = controlled(query, facts, notices);
  const hide = (query.get("hide") ?? "").split(",").filter(Boolean);
  for (const name of hide) if (!hides.includes(name)) notices.push(wrong("hide", name, oneOf(hides)));
  /** @param {string} name */
  const switched = (name) => {
    const value = query.get(name);
    return value === null ? null : (flag(name, value, notices) ?? null);
  };
  const [lesson, step, a] = ["lesson", "step", "a"].map((name) => query.get(name));
  if (step !== null && lesson === null) {
    const what = `step=${step.slice(0, 40)}`;
    notices.push(notice(phrase("{what} in the link needs a lesson; it was ignored."), { what }));
  }
  return {
    wanted,
    image: among(query, "image", images, notices),
    model: among(query, "model", models, notices),
    tab: among(query, "tab", tabs, notices),
    lesson,
    step,
    present: switched("present"),
    teacher: switched("teacher"),
    hide: query.has("hide") ? hide.filter((name) => hides.includes(name)) : null,
    a: a === null ? null : pinned(a, facts, notices),
    notices,
  };
};

/**
 * The setting A of a comparison: "bounded:clamp,...,lo:-2,...". Anything missing keeps its default; undefined if nothing of
 * it can be read.
 *
 * @param {string} text
 * @param {LinkFacts} facts
 * @param {Notice[]} notices
 * @returns {Setting | undefined}
 */
const pinned = (text, facts, notices) => {
  const { families, parameters, controls } = facts;
  const names = new Map([...families, ...Object.keys(parameters)].map((key) => [named(key, facts), key]));
  /** @type {Record<string, Value | undefined>} */
  const given = {};
  let good = 0;
  for (const part of text.split(",")) {
    const [name, value = ""] = part.split(/:(.*)/);
    const key = names.get(name);
    if (!key) notices.push(wrong("a", part, oneOf([...names.keys()].map((one) => `${one}:…`))));
    else if (Object.hasOwn(given, key)) notices.push(repeated(`a=${name}`));
    else given[key] = read(controls.explore[key], name, value, notices);
    if (key && given[key] !== undefined) good += 1;
  }
  if (!good) return;
  /** @param {string[]} keys */
  const filled = (keys) => Object.fromEntries(keys.map((key) => [key, given[key] ?? controls.explore[key].opening]));
  // Where the controls of methods are choices among texts and those of parameters are ranges, so are their values.
  const methods = /** @type {Setting["methods"]} */ (filled(families));
  const settings = /** @type {Setting["settings"]} */ (filled(Object.keys(parameters)));
  const [pair] = crossed(settings, parameters);
  if (!pair) return { methods, settings };
  const [lower, upper] = pair;
  return void notices.push(
    notice(phrase("In the link, A has {lower} above {upper}; A was ignored."), { lower, upper }),
  );
};

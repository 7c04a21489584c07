// The page's setting as a query that a person can read, in both directions: how it is spelled, and what one says.
//
//   image=cat&family=bounded&method=clamp&lo=-2&hi=4&t=0.5&lam=0.1       the Explore tab
//   tab=train&train.method=clamp_inward&train.lo=0&train.hi=1            the others, behind their own names
//   a=method:clamp,lo:-2,...   lesson=...&step=2   present=1   teacher=1   hide=samples,model
//
// Anything missing from a link keeps its default; the address leaves out what has its default.
//
// Facts are {methods, parameters, families} of the registry, {controls: {owner: {key: {kind, opening, ...}}}, images, models,
// tabs} of the page, where the first of images and models is the one that the page opens with, and `hides`, the names of
// parts that a link can hide. Notices are texts to translate: {text, values}, where a value may be such a text too.

import { phrase } from "./base/phrase.js";

const SHORT = { temperature: "t" }; // a name in the library -> in a link, where that is shorter
const CONTROLS = ["k", "gradient", "target"]; // of the Explore tab, beside its constraints

const said = (text, values = {}) => ({ text, values });
const named = (key) => SHORT[key] ?? key;
const others = ({ controls }) => Object.keys(controls).filter((owner) => owner !== "explore");

// Out --------------------------------------------------------------------------------------------------------------

const spelled = (value) => (typeof value === "boolean" ? String(Number(value)) : String(value));

const exploring = ({ image, model, a, get }, { methods, parameters, families, controls, images, models }) => {
  const pairs = [];
  const add = (key, value) => pairs.push([key, spelled(value)]);
  const differs = (key) => get("explore", key) !== controls.explore[key].opening;
  const [family, method] = [get("explore", "family"), get("explore", get("explore", "family"))];
  add("image", image ?? images[0]);
  if (model !== models[0]) add("model", model);
  add("family", family);
  add("method", method);
  for (const other of families) if (other !== family && differs(other)) add(other, get("explore", other));
  // The numbers of the column in question always, so that a link can be read; the others where they have moved.
  for (const key of Object.keys(parameters)) {
    if (methods[method].parameters.includes(key) || differs(key)) add(named(key), get("explore", key));
  }
  for (const key of CONTROLS) if (differs(key)) add(key, get("explore", key));
  if (a) {
    const parts = { ...a.methods, ...a.settings };
    add(
      "a",
      Object.entries(parts)
        .map(([key, value]) => `${named(key)}:${value}`)
        .join(","),
    );
  }
  return pairs;
};

/**
 * A page's setting as a query.
 *
 * @param {{tab: string, image: string | null, model: string, a: object | null, extra: [string, string][],
 *   get: (owner: string, key: string) => unknown}} page
 */
export const spell = (page, facts) => {
  const pairs = page.tab === "explore" ? [] : [["tab", page.tab]];
  pairs.push(...exploring(page, facts));
  for (const owner of others(facts)) {
    for (const [key, { opening }] of Object.entries(facts.controls[owner])) {
      const value = page.get(owner, key);
      if (value !== opening) pairs.push([`${owner}.${named(key)}`, spelled(value)]);
    }
  }
  pairs.push(...page.extra);
  // Readable: of what URLSearchParams escapes, these need it not.
  return pairs
    .map(([key, value]) => `${key}=${encodeURIComponent(value).replace(/%(3A|2C)/g, decodeURIComponent)}`)
    .join("&");
};

/** The query of the page as it opens, for which the address has no words. */
export const opening = ({ families, controls, images }) => {
  const { [families[0]]: method, lo, hi } = openings({ controls }, "explore");
  return `image=${images[0]}&family=${families[0]}&method=${method}&lo=${lo}&hi=${hi}`;
};

/** The values that an owner's controls open with. */
export const openings = ({ controls }, owner) =>
  Object.fromEntries(Object.entries(controls[owner]).map(([key, control]) => [key, control.opening]));

// In ---------------------------------------------------------------------------------------------------------------

const OFF = ["0", "false", "off"];
const ON = ["1", "true", "on"];

export const wrong = (key, value, wanted) =>
  said(phrase("{what} in the link is not {wanted}; it was left out."), {
    what: `${key}=${value.slice(0, 40)}`,
    wanted,
  });
const oneOf = (list) => said(phrase("one of {list}"), { list: list.join(", ") });

const flag = (name, text, notices) => {
  if ([...ON, ...OFF].includes(text)) return ON.includes(text);
  return void notices.push(wrong(name, text, said(phrase("0 or 1"))));
};

// A text as the value of a control, or undefined with a sentence in `notices`.
const read = (control, name, text, notices) => {
  const refuse = (wanted) => void notices.push(wrong(name, text, wanted));
  if (control.kind === "flag") return flag(name, text, notices);
  if (control.kind === "choice") {
    const found = control.values.find((value) => String(value) === text);
    return found === undefined ? refuse(oneOf(control.values.filter((v) => v !== ""))) : found;
  }
  if (control.kind === "text") return text;
  const { low, high } = control;
  const value = text.trim() === "" ? NaN : Number(text);
  if (control.whole && !Number.isInteger(value))
    return refuse(said(phrase("a whole number from {low} to {high}"), { low, high }));
  if (!(value >= low && value <= high)) return refuse(said(phrase("a number from {low} to {high}"), { low, high }));
  return value;
};

/**
 * What a query asks for: {wanted: {owner: {key: value}}, image, model, tab, lesson, step, present, teacher, hide, a,
 * notices}; what it does not mention is null, an A that cannot be read undefined.
 */
export const parse = (query, facts) => {
  const { methods, parameters, families, controls, images, models, tabs, hides } = facts;
  const asked = new URLSearchParams(query);
  const [wanted, notices] = [{}, []];
  const names = ["image", "model", "tab", "method", "family", "lesson", "step", "present", "teacher", "hide", "a"];
  for (const [owner, own] of Object.entries(controls)) {
    const prefix = owner === "explore" ? "" : `${owner}.`;
    names.push(...Object.keys(own).map((key) => prefix + named(key)));
  }
  for (const name of new Set(asked.keys())) {
    const [owner] = name.split(".");
    if (names.includes(name)) {
      if (asked.getAll(name).length > 1)
        notices.push(said(phrase("{name} is in the link more than once; the first one counts."), { name }));
    } else if (others(facts).includes(owner)) {
      notices.push(wrong(name, asked.get(name), oneOf(names.filter((one) => one.startsWith(`${owner}.`)))));
    }
  }
  const take = (owner, key, name) => {
    if (!asked.has(name)) return;
    wanted[owner] ??= {};
    const value = read(controls[owner][key], name, asked.get(name).slice(0, 200), notices);
    if (value !== undefined) wanted[owner][key] = value;
  };
  const among = (name, list) => {
    const value = asked.get(name);
    if (value === null || list.includes(value)) return value;
    return void notices.push(wrong(name, value, oneOf(list)));
  };

  for (const one of families) take("explore", one, one);
  const method = among("method", Object.keys(methods));
  let family = among("family", families);
  if (method) {
    const own = methods[method].family;
    if (family && own !== family) {
      notices.push(
        said(phrase("method={method} in the link is {own}, not {family}; the method counts."), { method, own, family }),
      );
    }
    family = own;
    wanted.explore = { ...wanted.explore, [family]: method };
  }
  for (const key of Object.keys(parameters)) take("explore", key, named(key));
  for (const key of CONTROLS) take("explore", key, key);
  if (family) wanted.explore = { ...wanted.explore, family };
  for (const owner of others(facts)) {
    for (const key of Object.keys(controls[owner])) take(owner, key, `${owner}.${named(key)}`);
  }
  for (const [owner, given] of Object.entries(wanted)) {
    const { lo, hi } = { ...openings(facts, owner), ...given };
    if (lo > hi) {
      notices.push(said(phrase("lo={lo} in the link is above hi={hi}; both were left out."), { lo, hi }));
      delete given.lo;
      delete given.hi;
    }
  }
  if (["image", "model", "family"].some((key) => asked.has(key))) wanted.explore ??= {};
  const hide = (asked.get("hide") ?? "").split(",").filter(Boolean);
  for (const name of hide) if (!hides.includes(name)) notices.push(wrong("hide", name, oneOf(hides)));
  const switched = (name) => (asked.has(name) ? (flag(name, asked.get(name), notices) ?? null) : null);
  if (asked.has("step") && !asked.has("lesson")) {
    const what = `step=${asked.get("step").slice(0, 40)}`;
    notices.push(said(phrase("{what} in the link needs a lesson; it was left out."), { what }));
  }
  return {
    wanted,
    image: among("image", images),
    model: among("model", models),
    tab: among("tab", tabs),
    lesson: asked.get("lesson"),
    step: asked.get("step"),
    present: switched("present"),
    teacher: switched("teacher"),
    hide: asked.has("hide") ? hide.filter((name) => hides.includes(name)) : null,
    a: asked.has("a") ? pinned(asked.get("a"), facts, notices) : null,
    notices,
  };
};

// The setting A of a comparison: "bounded:clamp,...,lo:-2,...". Anything missing keeps its default.
const pinned = (text, { families, parameters, controls }, notices) => {
  const names = new Map([...families, ...Object.keys(parameters)].map((key) => [named(key), key]));
  const given = {};
  let good = 0;
  for (const part of text.split(",")) {
    const [name, value = ""] = part.split(/:(.*)/);
    const key = names.get(name);
    if (!key) notices.push(wrong("a", part, oneOf([...names.keys()].map((one) => `${one}:…`))));
    else if (Object.hasOwn(given, key))
      notices.push(said(phrase("{name} is in the link more than once; the first one counts."), { name: `a=${name}` }));
    else given[key] = read(controls.explore[key], name, value, notices);
    if (key && given[key] !== undefined) good += 1;
  }
  if (!good) return; // nothing of it can be read
  const [methods, settings] = [{}, {}];
  for (const key of names.values()) {
    (families.includes(key) ? methods : settings)[key] = given[key] ?? controls.explore[key].opening;
  }
  return settings.lo > settings.hi
    ? void notices.push(said(phrase("In the link, A has lo above hi; it was left out.")))
    : { methods, settings };
};

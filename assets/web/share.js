// Links: the address follows the setting, a link puts the setting into the page (links.js has the grammar), and the page
// says what it leaves out.

/** @import { Asks, LinkFacts, Notice, Props, Value, Watch } from "./types.js" */

import { find, node, put as write } from "./base/dom.js";
import { phrase, t } from "./base/i18n.js";
import { FAMILIES, registry } from "./base/registry.js";
import { position } from "./base/scales.js";
import { opening, openings, parse, spell, wrong } from "./links.js";
import { assign, changed, extended, extending, get, open, pin, rearranged, reflecting, subject, tab } from "./state.js";
import { short } from "./twins/formats.js";

const SETTLED = 250; // ms without a change after which the address follows

// What `hide=` can put out of sight: name -> where it is.
const HIDES = {
  header: "#header",
  tabs: "#tabs > .tab-wrapper",
  picture: "#picture, #camera",
  crops: "#seen",
  samples: "#samples",
  model: "#model",
  webcam: "#live",
  classes: "#top-k",
  gradient: "#gradient, #target",
  actions: "#actions",
  panel: "#picture-panel",
  bounded: "#controls-bounded, figure.bounded",
  probability: "#controls-probability, figure.probability",
  regularised: "#controls-regularised, figure.regularised",
  methods: "#grid [id^='method-']",
  formulas: "#chart figcaption",
  badges: "#chart .badges",
  notes: "#chart .note",
  table: "#chart .numbers",
  compare: "#compare, #compare-help",
  download: "#take-home",
};

export { assign as put, tab };

/**
 * What the grammar needs to know, and gradio's components in their order: "owner.key", or "owner.key@" for a slider's
 * position on a logarithmic scale.
 *
 * @type {LinkFacts & {order: string[]}}
 */
let facts;
/** @type {Asks} */
let send;
/** @type {HTMLElement} */
let message;
/** @type {string[]} */
let hidden = [];
/**
 * A link whose model is still loading: its classes are known only once the model is there.
 *
 * @type {{model: string | null | undefined, target: string | undefined, notices: Notice[]} | null}
 */
let expected = null;
let mounted = false;
let begun = false; // whether the link that the page was opened with is in it

/**
 * @param {string} owner
 * @param {string} key
 */
const value = (owner, key) => /** @type {Value} */ (get(owner, key) ?? facts.controls[owner][key].opening);
const model = () => facts.models.find((one) => one === subject().model) ?? facts.models[0];

/** What each of gradio's components shows, in the order of `facts.order`; then the tab. */
export const values = () => [
  ...facts.order.map((name) => {
    const [owner, key] = name.split(/\.(.*)/);
    const plain = key.replace(/@$/, "");
    const control = facts.controls[owner][plain];
    const now = value(owner, plain);
    if (control.kind !== "number" || typeof now !== "number") return now;
    return control.scale && key.endsWith("@") ? position(control.scale, now) : now * control.unit;
  }),
  { __type__: "update", selected: tab },
];

// Out: the setting as a query --------------------------------------------------------------------------------------

export const query = () => {
  const { image, a } = subject();
  const extra = extended();
  if (hidden.length) extra.push(["hide", hidden.join(",")]);
  return spell({ tab, image, model: model(), a, extra, get: value }, facts);
};

// Parameters that belong to gradio or to the host of a Space, such as __theme or __sign, stay in front.
const foreign = () =>
  Array.from(new URLSearchParams(location.search))
    .filter(([key]) => key.startsWith("__"))
    .map(([key, value]) => `${key}=${encodeURIComponent(value)}`);

const address = () => {
  if (!begun) return;
  const now = query();
  const wanted = [...foreign(), ...(now === opening(facts) ? [] : [now])].join("&");
  if (wanted === location.search.slice(1)) return;
  history.replaceState(history.state, "", `${location.pathname}${wanted && "?"}${wanted}${location.hash}`);
};

// The value of a slider on a logarithmic scale is a position; a screen reader is told the number that it means.
const speak = () => {
  if (!mounted) return;
  for (const name of facts.order.filter((one) => one.endsWith("@"))) {
    const [owner, key] = name.slice(0, -1).split(".");
    const range = document.querySelector(`#${owner}-${key}-slider input[type=range]`);
    const control = facts.controls[owner][key];
    if (range && control.kind === "number" && control.scale)
      write(range, { "aria-valuetext": `${control.scale.symbol} = ${short(Number(value(owner, key)))}` });
  }
};

document.addEventListener("focusin", speak, true); // and of those that came up later still

/** @type {ReturnType<typeof setTimeout> | undefined} */
let settling;
document.addEventListener("setting", () => {
  arrive();
  speak();
  clearTimeout(settling);
  settling = setTimeout(() => {
    address();
    speak(); // of sliders that have only just come up
  }, SETTLED);
});

// In: a query into the page ----------------------------------------------------------------------------------------

/**
 * @param {Notice} notice
 * @returns {string} the same in the language of the page
 */
const translated = ({ text, values = {} }) => {
  const parts = Object.entries(values).map(([name, part]) => [
    name,
    typeof part === "object" ? translated(part) : part,
  ]);
  return t(text, Object.fromEntries(parts));
};

/**
 * Put a query into the page. A tab that it says something about takes its defaults for the rest; one that it does not
 * mention stays as it is.
 *
 * @param {string} text
 */
export const apply = (text) => {
  const { wanted, image, model: chosen, notices, ...page } = parse(text, facts);
  if (page.tab) open(page.tab);
  /** @type {typeof wanted} */
  const whole = {};
  for (const [owner, given] of Object.entries(wanted)) whole[owner] = { ...openings(facts, owner), ...given };
  if (whole.explore) {
    const { family = FAMILIES[0], ...rest } = whole.explore;
    whole.explore = { ...rest, family }; // last: setting any other key also selects its family
  }
  assign(whole);
  if (whole.explore) pin(page.a ?? null);
  const shown = subject();
  const [otherImage, otherModel] = [image && image !== shown.image, chosen && chosen !== shown.model];
  const target = /** @type {string | undefined} */ (wanted.explore?.target);
  expected = { model: otherModel ? chosen : shown.model, target, notices };
  if (otherImage || otherModel) {
    // The number of classes and the target go along: the server knows whether the model has them.
    send.picture({
      image: image ?? shown.image,
      model: chosen ?? model(),
      k: value("explore", "k"),
      target: target ?? value("explore", "target"),
    });
  }
  if (page.hide) hide(page.hide);
  extending({ ...page, stays: Boolean(whole.explore) });
  if (notices.length) say(notices.map(translated).join(" "));
  changed();
};

// The model of a link is there: does it have the class that the link names?
const arrive = () => {
  const { labels, model: shown } = subject();
  if (expected?.model !== shown) return;
  const { target, notices } = expected;
  expected = null;
  if (target === undefined || target === facts.controls.explore.target.opening || labels.includes(target)) return;
  say([...notices, wrong("target", target, { text: phrase("a class of the model") })].map(translated).join(" "));
};

/** @param {string[]} names */
const hide = (names) => {
  hidden = names;
  document.body.dataset.hide = names.join(" ");
  const columns = FAMILIES.filter((family) => !names.includes(family)).length;
  document.body.style.setProperty("--columns", String(columns));
  rearranged();
};

// Messages about links ---------------------------------------------------------------------------------------------

/**
 * @param {string} text
 * @param {string | null} link to copy by hand
 */
export const say = (text, link = null) => {
  message.replaceChildren();
  node("p", "", message, text);
  if (link) {
    const field = node("input", "", message);
    field.readOnly = true;
    field.value = link;
    field.setAttribute("aria-label", t("The link, to copy by hand"));
    field.select();
  }
  const close = node("button", "", message, "✕");
  close.ariaLabel = t("Close this message");
  close.addEventListener("click", () => message.replaceChildren());
};

export const copy = async () => {
  const link = `${location.origin}${location.pathname}?${query()}`;
  const { image, model: shown } = subject();
  /** @type {string[]} */
  const missing = [];
  if (image === null)
    missing.push(
      t("A link cannot carry your own picture: this one opens the sample “{name}” instead.", { name: facts.images[0] }),
    );
  if (model() !== shown)
    missing.push(t("A link cannot carry your own head: this one opens the bundled model instead."));
  try {
    await navigator.clipboard.writeText(link);
    say([t("Link copied."), ...missing].join(" "));
  } catch {
    say([t("The browser did not allow copying; here is the link."), ...missing].join(" "), link); // an embedded page, say
  }
};

/**
 * @param {HTMLElement} element
 * @param {Props} _props
 * @param {Watch} _watch
 * @param {Asks} asks
 * @param {Omit<LinkFacts, "methods" | "parameters" | "families" | "hides"> & {order: string[]}} known to the server
 */
export const mount = (element, _props, _watch, asks, known) => {
  facts = { ...registry, families: FAMILIES, hides: Object.keys(HIDES), ...known };
  send = asks;
  message = find("#share-told", element);
  mounted = true;
  reflecting(() => send.controls({}));
  const rules = Object.entries(HIDES).map(([name, where]) => {
    const selectors = where.split(", ").map((one) => `[data-hide~="${name}"] ${one}`);
    return `${selectors.join(", ")} { display: none !important; }`;
  });
  node("style", "", document.head, rules.join("\n"));
};

/**
 * Apply the link that the page was opened with. gradio has made all its components by then and hears their events. The
 * mounts alone do not guarantee that, since modules may arrive before or after any of them.
 */
export const begin = () => {
  if (subject().model === null) {
    document.addEventListener("setting", begin, { once: true });
    return;
  }
  begun = true;
  if (Array.from(new URLSearchParams(location.search)).some(([key]) => !key.startsWith("__"))) apply(location.search);
  else changed(); // a change that a visitor made before this goes into the address too
};

// What all tabs share: languages, numbers as text, nodes, and sliders whose positions are logarithmic.

(() => {
  "use strict";

  const FAMILIES = Object.keys(globalThis.registry.chosen); // the constrained columns, from left to right

  // Languages ------------------------------------------------------------------------------------------------------

  // A text is written in English, which is the key to its translations (constrained/ui/languages.py). gradio chooses the
  // language, the browser's or the one of its Settings, and tells the document. Numbers are the same in all of them, with a
  // decimal point, as formulas, links and files have them.
  const t = (text, values = {}) => {
    const texts = globalThis.gradio_config?.i18n_translations?.[document.documentElement.lang.split("-")[0]];
    return (texts?.[text] ?? text).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  };
  // Marks a text of a table, which is translated where it is shown.
  const phrase = (text) => text;

  // A text for as long as its node stands, as what it says or as one of its attributes. The node remembers it: so does what
  // `languages.said` writes.
  const label = (text, target, attribute = "", values = null) => {
    if (values) target.dataset.values = JSON.stringify(values);
    target.setAttribute(attribute ? `data-t-${attribute}` : "data-t", text);
    translate(target);
    return target;
  };
  const LABELLED = ["", "-aria-label", "-title", "-data-more"].map((attribute) => `[data-t${attribute}]`).join(", ");
  const translate = (target) => {
    const values = JSON.parse(target.dataset.values ?? "{}");
    for (const { name, value } of [...target.attributes]) {
      if (name === "data-t") say(target, t(value, values));
      else if (name.startsWith("data-t-")) put(target, { [name.slice("data-t-".length)]: t(value, values) });
    }
  };

  // What gradio puts into the page, or writes over; and everything when the language is another one.
  new MutationObserver((changes) => {
    for (const { target, addedNodes } of changes) {
      const around = target.nodeType === Node.TEXT_NODE ? target.parentElement : target;
      if (around?.matches?.(LABELLED)) translate(around);
      for (const added of addedNodes) {
        if (added.nodeType !== Node.ELEMENT_NODE) continue;
        if (added.matches(LABELLED)) translate(added);
        added.querySelectorAll(LABELLED).forEach(translate);
      }
    }
  }).observe(document, { subtree: true, childList: true, characterData: true });
  new MutationObserver(() => {
    document.querySelectorAll(LABELLED).forEach(translate);
    document.dispatchEvent(new Event("language")); // who draws texts draws them again
  }).observe(document.documentElement, { attributeFilter: ["lang"] });

  // Numbers as text: never rounded to something false ------------------------------------------------------------

  const minus = (text) => text.replace(/^-/, "−").replace("e-", "e−");

  // At least two significant digits, and 0 only for 0.
  const logit = (v) => {
    if (v === 0) return "0";
    if (!Number.isFinite(v)) return minus(String(v));
    const size = Math.abs(v);
    const text = size >= 1e5 || size < 1e-4 ? v.toExponential(1) : size < 0.1 ? v.toPrecision(2) : v.toFixed(2);
    return minus(v > 0 ? `+${text}` : text);
  };

  // Up to so many significant digits, without trailing zeros.
  const short = (v, digits = 4) => {
    const size = Math.abs(v);
    if (v === 0 || Number.isNaN(v)) return minus(String(v));
    if (!Number.isFinite(v)) return v > 0 ? "∞" : "−∞";
    const round = Number(v.toPrecision(digits));
    return minus(size >= 1e5 || size < 1e-3 ? round.toExponential() : String(round));
  };

  const percent = (p) => {
    if (p === 0 || p === 1) return `${p * 100} %`;
    if (!Number.isFinite(p)) return String(p);
    const value = p * 100;
    if (value < 0.995) return minus(`${value < 1e-5 ? value.toExponential(1) : Number(value.toPrecision(2))} %`);
    // As many digits as it takes not to claim 100 %.
    const rest = (1 - p) * 100; // exact, where 100 - value has lost digits
    const digits = value < 99.95 ? 1 : Math.ceil(-Math.log10(rest));
    return digits <= 10 ? `${value.toFixed(digits)} %` : `100 % − ${rest.toExponential(1)}`;
  };

  // Ticks on an axis: 1, 2 or 5 times a power of ten.
  const niceStep = (raw) => {
    const power = 10 ** Math.floor(Math.log10(raw));
    return power * [1, 2, 5, 10].find((f) => f * power >= raw);
  };

  // A number box takes a decimal comma for the point that it wants. Chromium leaves out what it does not know: of “0,5” it
  // would make 5. A point comes in its place, or, where the browser's own language has the comma, the comma.
  const type = (text) => document.execCommand("insertText", false, text); // as a hand does, so that all hear of it
  document.addEventListener("beforeinput", (event) => {
    const { target, data, inputType } = event;
    const given = data ?? event.dataTransfer?.getData("text/plain") ?? "";
    if (target.type !== "number" || !inputType.startsWith("insert") || !given.includes(",")) return;
    event.preventDefault();
    const whole = given.trim();
    if (whole !== "," && !/^[-+]?\d*,\d+(e[-+]?\d+)?$/i.test(whole)) return; // 1,000.5 and 1,2,3 are no such number
    type(whole.replace(",", "."));
    if (whole === "," && target.validity.badInput) {
      document.execCommand("delete");
      type(",");
    }
  }, true);

  // Nodes ----------------------------------------------------------------------------------------------------------

  const SVG = "http://www.w3.org/2000/svg";
  const svgNode = (name, attributes = {}, parent = null) => {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (parent) parent.append(made);
    return made;
  };
  const node = (name, className, parent, content = "") => {
    const made = document.createElement(name);
    if (className) made.className = className;
    made.textContent = content;
    parent.append(made);
    return made;
  };
  // Writing an attribute that has not changed costs layout; this does not.
  const put = (target, attributes) => {
    for (const [key, value] of Object.entries(attributes)) {
      const next = String(value);
      if (target.getAttribute(key) !== next) target.setAttribute(key, next);
    }
  };
  const say = (target, content) => {
    if (target.textContent !== content) target.textContent = content;
  };

  // Sliders with logarithmic positions ----------------------------------------------------------------------------

  const STEPS = globalThis.registry.steps;

  // Twin of constrained.ui.controls.position.
  const position = ({ zero, low, high }, value) =>
    zero && value < low ? 0 : (STEPS * Math.log(value / low)) / Math.log(high / low);

  const valueAt = ({ zero, low, high }, at) => {
    if (zero && at === 0) return 0;
    return Number((low * (high / low) ** (at / STEPS)).toPrecision(3));
  };

  const inRange = ({ zero, low, high }, value) => Math.min(Math.max(value, zero && value < low ? 0 : low), high);

  // The three things that constrained.ui.controls.log_slider calls, for a tab that keeps its numbers in `settings` and
  // takes one through `set(key, value)`. `parameters`: key -> range and scale, as in the registry.
  const logSliders = (owner, parameters, settings, set) => ({
    // The slider moved: returns the value for its box. T clicks into 1, where it changes nothing.
    slide: (key, at) => {
      const detent = key === "temperature" && Math.abs(at - STEPS / 2) < 1;
      const value = detent ? 1 : valueAt(parameters[key], at);
      set(key, value);
      return value;
    },
    // A value was typed: returns the position for the slider.
    type: (key, value) => {
      set(key, value);
      return position(parameters[key], settings[key]);
    },
    // What the box shows once it is left: an emptied one, or one out of range, goes back to what counts.
    value: (key) => settings[key],
  });

  // Two bounds that cannot cross: where the other one goes when this one moves. Within one drag or one number typed it
  // comes back as this one does: on the way to 12 there is a 1.
  let stood = null;
  const follow = (key, value, other) => {
    if (value === null || !Number.isFinite(value)) return other; // an emptied box
    stood ??= other ?? value;
    return key === "lo" ? Math.max(stood, value) : Math.min(stood, value);
  };
  for (const begin of ["pointerdown", "focusin"]) document.addEventListener(begin, () => (stood = null), true);

  // A constraint and its numbers as a person reads them: "Hard clamp [−2, 4]", "Softmax, T = 0.5". In English for a file.
  const words = (method, settings, named = t) => {
    const { parameters } = globalThis.registry.methods[method];
    const title = named(globalThis.registry.methods[method].title);
    if (parameters.includes("lo")) return `${title} [${short(settings.lo)}, ${short(settings.hi)}]`;
    return [title, ...parameters.map((key) => `${globalThis.registry.parameters[key].symbol} = ${short(settings[key])}`)].join(", ");
  };

  // Whoever follows the setting (the address, the generated code) listens to this on the document.
  const changed = () => document.dispatchEvent(new Event("setting"));

  // Files ----------------------------------------------------------------------------------------------------------

  const save = (name, content) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content]));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };

  const quoted = (v) => {
    const text = v === null || v === undefined ? "" : String(v);
    const safe = /^[=+@\t\r-]/.test(text) && typeof v === "string" ? `'${text}` : text; // no formula in a spreadsheet
    return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const csv = (table) => table.map((row) => row.map(quoted).join(",")).join("\r\n") + "\r\n";

  // Where the sentences of a part of the page are shown: the properties of a gr.HTML.
  const speakers = {};
  const speaks = (where, props) => (speakers[where] = props);
  const alert = (told) => {
    if (!told) return "";
    const sentence = document.createElement("p"); // what the server says may repeat what somebody has put into a link
    sentence.setAttribute("role", "alert");
    sentence.textContent = told;
    return sentence.outerHTML;
  };

  // Say a sentence in the part of the page that an element belongs to, if there is a place for it. Without a sentence, the
  // one that was said here last goes, if it is there still.
  const PARTS = { "#picture": "#explore", "#train-setup": "#train", "#calibrate-file": "#calibrate", "#export": "#export" };
  const last = {};
  const placeOf = (id) => Object.keys(PARTS).find((at) => at in speakers && document.getElementById(id)?.closest(PARTS[at]));
  const tells = (id) => Boolean(placeOf(id));
  const tell = (id, told) => {
    const where = placeOf(id);
    if (where && (told || speakers[where].value === last[where])) speakers[where].value = last[where] = alert(told);
  };

  // A file that is too large never leaves the browser; the server would refuse it after all of it was sent.
  const MB = 2 ** 20;
  const refuse = (event, files) => {
    const [where, most] = Object.entries(globalThis.registry.uploads).find(([at]) => event.target.closest(at)) ?? [];
    const large = where && Array.from(files ?? []).find(({ size }) => size > most);
    if (!large) return false;
    const values = { size: Math.ceil((large.size / MB) * 10) / 10, limit: most / MB };
    const told = t("This file has {size} MB, the limit is {limit}: choose a smaller one.", values);
    speakers[where].value = alert(told);
    event.stopImmediatePropagation();
    event.preventDefault();
    return true;
  };
  const choosing = (event) => {
    if (event.target.type === "file" && refuse(event, event.target.files)) event.target.value = "";
  };
  const dropping = (event) => {
    // gradio marks the place until the file has left it.
    if (refuse(event, event.dataTransfer?.files)) event.target.dispatchEvent(new DragEvent("dragleave", { bubbles: true }));
  };
  document.addEventListener("change", choosing, true);
  document.addEventListener("drop", dropping, true);

  globalThis.page = {
    FAMILIES, t, phrase, label, minus, logit, short, percent, niceStep, svgNode, node, put, say, position, inRange, logSliders, follow,
    words, changed, save, csv, speaks, tells, tell,
  };
})();

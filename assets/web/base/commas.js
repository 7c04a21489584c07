// Decimal commas.

// A number box takes a decimal comma for the point that it wants. Chromium leaves out what it does not know: of “0,5” it
// would make 5. A point comes in its place, or, where the browser's own language has the comma, the comma.
/** @param {string} text */
const type = (text) => document.execCommand("insertText", false, text); // as a hand does, so that all hear of it
document.addEventListener(
  "beforeinput",
  (event) => {
    const { data, inputType } = event;
    const target = /** @type {HTMLInputElement} */ (event.target);
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
  },
  true,
);

// Decimal commas.

// A number box takes a decimal comma as the decimal point. Chromium drops characters that it does not know and would turn
// “0,5” into 5. So a point is typed instead, or a comma where the browser's own language has one.
/** @param {string} text */
const type = (text) => document.execCommand("insertText", false, text); // as typing does, so that all listeners hear it
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

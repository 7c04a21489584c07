// Limits of files, before they leave the browser.

import { targetOf } from "./dom.js";
import { t } from "./i18n.js";
import { show } from "./notices.js";
import { registry } from "./registry.js";

// A file that is too large never leaves the browser; the server would refuse it after all of it was sent.
const MB = 2 ** 20;
/**
 * @param {Event} event
 * @param {FileList | null | undefined} files
 */
const refuse = (event, files) => {
  const limit = Object.entries(registry.uploads).find(([at]) => targetOf(event)?.closest(at));
  if (!limit) return false;
  const [where, most] = limit;
  const large = Array.from(files ?? []).find(({ size }) => size > most);
  if (!large) return false;
  const values = { size: Math.ceil((large.size / MB) * 10) / 10, limit: most / MB };
  const told = t("This file is {size} MB, but the limit is {limit} MB: choose a smaller one.", values);
  show(where, told);
  event.stopImmediatePropagation();
  event.preventDefault();
  return true;
};
/** @param {Event} event */
const choosing = (event) => {
  const input = /** @type {HTMLInputElement} */ (event.target);
  if (input.type === "file" && refuse(event, input.files)) input.value = "";
};
/** @param {DragEvent} event */
const dropping = (event) => {
  // gradio marks the place until the file has left it.
  if (refuse(event, event.dataTransfer?.files))
    targetOf(event)?.dispatchEvent(new DragEvent("dragleave", { bubbles: true }));
};
document.addEventListener("change", choosing, true);
document.addEventListener("drop", dropping, true);

// Limits of files, before they leave the browser.

import { t } from "./i18n.js";
import { show } from "./notices.js";
import { registry } from "./registry.js";

// A file that is too large never leaves the browser; the server would refuse it after all of it was sent.
const MB = 2 ** 20;
const refuse = (event, files) => {
  const [where, most] = Object.entries(registry.uploads).find(([at]) => event.target.closest(at)) ?? [];
  const large = where && Array.from(files ?? []).find(({ size }) => size > most);
  if (!large) return false;
  const values = { size: Math.ceil((large.size / MB) * 10) / 10, limit: most / MB };
  const told = t("This file has {size} MB, the limit is {limit}: choose a smaller one.", values);
  show(where, told);
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

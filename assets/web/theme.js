// The button between light and dark. It shows and says what it switches to, whoever switched: a person, the system, or a
// test.

import { find } from "./base/dom.js";
import { t } from "./base/i18n.js";
import { rearranged } from "./state.js";

export const mount = () => {
  const button = find("#theme");
  const follow = () => {
    const dark = document.body.classList.contains("dark");
    const name = dark ? t("Switch to light") : t("Switch to dark");
    if (button.title === name) return;
    button.textContent = dark ? "\u2600\ufe0e" : "\u263e\ufe0e";
    button.title = name;
    button.ariaLabel = name;
  };
  new MutationObserver(follow).observe(document.body, { attributeFilter: ["class"] });
  document.addEventListener("language", follow);
  follow();
};

export const toggle = () => {
  document.body.classList.toggle("dark");
  rearranged();
};

// What the page reads of gradio's own configuration, which gradio puts into the page before any script runs.

/** Components, events and translations, as gradio's server sends them. */
export const config = () => /** @type {any} */ (window).gradio_config;

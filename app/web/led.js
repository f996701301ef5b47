/* The view that a teacher leads to. Gradio's event of the hidden button "led" reads it in page/events.js, and opens it as a link. */

export const led = { view: /** @type {Record<string, string>} */ ({}) };

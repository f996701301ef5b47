/* The checkpoint that See suggests for the scan on show. Gradio's event of its button reads it in page/events.js. */

export const suggestion = { name: "" };

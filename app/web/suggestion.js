/* A checkpoint that a view offers for the scan on show. See's button has Gradio's event, which reads it in page/events.js. */

export const suggestion = {
  name: "",
  /** opens the scan with the checkpoint of that name; See gives what does it */
  open() {},
};

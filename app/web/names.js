/* Names that Gradio's controls leave out, for whoever cannot see what they stand beside: groups of choices, and fields for files.
   Loaded in the page's head. The controls come, go and are drawn anew: so are their names. */
(() => {
  const FILES = { upload: "Your scan", truth: "Truth labels, for Dice" };
  const OWN = "Your own scan";

  function name(element, text) {
    if (element && element.getAttribute("aria-label") !== text) element.setAttribute("aria-label", text);
  }

  function give() {
    for (const group of document.querySelectorAll("fieldset:has(> [data-testid=block-info])")) {
      name(group, group.querySelector("[data-testid=block-info]").textContent.trim());
    }
    for (const [id, text] of Object.entries(FILES)) {
      const field = document.querySelector("#" + id + " button.upload-container");
      // Whoever speaks to the page says what is written there, so that belongs to the name.
      if (field) name(field, text + ": " + field.innerText.replace(/\s+/g, " ").trim());
    }
    for (const [kind, text] of [["number", "as a number"], ["range", "as a slider"]]) {
      for (const input of document.querySelectorAll("#sidebar .block:has(input[type=range]) input[type=" + kind + "]")) {
        name(input, input.closest(".block").querySelector("[data-testid=block-info]").textContent.trim() + " " + text);
      }
    }
    // The list of examples names none of them while an own scan is on show.
    const example = document.querySelector("#case input");
    if (example && example.placeholder !== OWN) example.placeholder = OWN;
  }

  let waiting = 0;
  new MutationObserver(() => (waiting ||= requestAnimationFrame(() => {
    waiting = 0;
    give();
  }))).observe(document, { childList: true, subtree: true });
})();

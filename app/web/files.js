/* Files that the browser saves. Loaded in the page's head after store.js. */
(() => {
  /* What a file is called: the scan, with `slice` the plane and the slice, then the ending. */
  function nameOf(ending, slice) {
    const { scan, plane, index } = window.vqseg.state;
    const stem = scan.name.replace(/\.(nii\.gz|nii|png|jpe?g|tiff?|bmp|npy)$/i, "").replace(/[^\w.-]+/g, "_");
    return stem + (slice ? "_" + plane + index : "") + ending;
  }

  function save(content, type, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  /* The bytes of an answer of the server that has them as base64. */
  const bytesOf = (answer) => Uint8Array.from(atob(answer.bytes), (c) => c.charCodeAt(0));

  /* What takes its time on the server, which tells in between how far it is: until then the button that asked for it cancels it.
     tell gets {done, of}. -> the answer, null if it was called off. */
  const asked = new WeakMap();
  async function prepare(button, ask, tell) {
    const label = button.textContent, name = button.getAttribute("aria-label"), work = { off: false };
    asked.set(button, work);
    let answer = await ask();
    while (answer?.of && !answer.bytes && !answer.error && !work.off) {
      tell(answer);
      button.textContent = "Cancel";
      button.setAttribute("aria-label", "Cancel " + (name ?? label));
      answer = await ask();
    }
    asked.delete(button);
    button.textContent = label;
    if (name === null) button.removeAttribute("aria-label");
    else button.setAttribute("aria-label", name);
    return work.off ? null : answer;
  }

  /* Whether the button had something to call off. */
  function callOff(button) {
    const work = asked.get(button);
    if (work) work.off = true;
    return work !== undefined;
  }

  window.vqseg.files = { nameOf, save, bytesOf, prepare, callOff };
})();

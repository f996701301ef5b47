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

  window.vqseg.files = { nameOf, save, bytesOf };
})();

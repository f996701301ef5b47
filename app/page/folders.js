/* Folders for the field of one's own scan. Gradio's field takes files: what a folder holds is handed to it as files. */

/** @param {HTMLElement} element */
export function mount(element) {
  const chooser = folderChooser();
  element.querySelector("button")?.addEventListener("click", () => chooser.click());
  document.addEventListener("drop", takeDrop, true);
}

function folderChooser() {
  const chooser = document.createElement("input");
  chooser.type = "file";
  chooser.webkitdirectory = true;
  chooser.addEventListener("change", () => {
    handOver([...(chooser.files ?? [])]);
    chooser.value = "";
  });
  return chooser;
}

/**
 * A drop with a folder in it, before Gradio sees it. Any other drop is Gradio's.
 * @param {DragEvent} event
 */
async function takeDrop(event) {
  const field = event.target instanceof Element ? event.target.closest("#upload") : null;
  // Read at once: after the event the list is empty.
  const entries = [...(event.dataTransfer?.items ?? [])].map((item) => item.webkitGetAsEntry()).filter((one) => !!one);
  if (!field || !entries.some((entry) => entry.isDirectory)) return;
  event.preventDefault();
  event.stopPropagation();
  // Otherwise the field would look as if something still hung over it.
  event.target?.dispatchEvent(new DragEvent("dragleave", { bubbles: true }));
  const found = await Promise.all(entries.map(filesIn));
  handOver(found.flat());
}

/**
 * All files of a folder, at any depth.
 * @param {FileSystemEntry} entry
 * @returns {Promise<File[]>}
 */
async function filesIn(entry) {
  if (entry.isFile) {
    const own = /** @type {FileSystemFileEntry} */ (entry);
    return [await new Promise((done, failed) => own.file(done, failed))];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  const found = [];
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (!some.length) return found.flat();
    found.push(...(await Promise.all(some.map(filesIn))));
  }
}

/** @param {File[]} files hidden ones are left out */
function handOver(files) {
  /** @type {HTMLInputElement | null} */
  const input = document.querySelector("#upload input[type=file]");
  if (!input) return;
  const transfer = new DataTransfer();
  for (const file of files) if (!file.name.startsWith(".")) transfer.items.add(file);
  input.files = transfer.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

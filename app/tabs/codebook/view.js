/* Last of the files codes_*.js: all listen now. A link may name a view and a code. */
{
  const asked = new URLSearchParams(location.search), code = asked.get("code") ?? "";
  const view = part("[name=codes-view][value='" + CSS.escape(asked.get("view") ?? "") + "']");
  let linked = /^\d+$/.test(code) ? Number(code) : null;
  if (view) {
    view.checked = true;
    codebook.show(view.value);
  }
  codebook.subscribe(() => {
    if (!codebook.state.book?.size) return;
    // Only the codebook that the page opens with is meant.
    if (linked !== null) codebook.pick(linked);
    linked = null;
  }, "book");
  codebook.start();
}

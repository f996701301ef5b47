/* The tab's scripts come when it is first on show: the page does not wait for them. */
const seen = new IntersectionObserver(() => {
  if (element.offsetParent === null) return;
  seen.disconnect();
  const script = document.createElement("script"), notice = element.querySelector(".notice");
  script.src = new URL(props.value.script, location.href);
  script.onload = () => window.vqseg.startVolume(element, props);
  script.onerror = () => Object.assign(notice, { hidden: false, textContent: "The server did not answer. Load the page again." });
  document.head.append(script);
});
seen.observe(element);

// Leaving the studio with demands typed and not saved asks first; everything else works without this.
(() => {
  "use strict";
  let typed = false;
  const within = (node) => node instanceof Element && node.closest("#studio-form") !== null;
  document.addEventListener("input", (event) => { typed ||= within(event.target); });
  document.addEventListener("submit", (event) => { if (within(event.target)) typed = false; });
  document.addEventListener("htmx:beforeRequest", (event) => {
    const button = event.detail.requestConfig?.triggeringEvent?.submitter;
    if (button?.value === "save") typed = false;
    else if (button) typed = true;
  });
  document.addEventListener("htmx:afterSettle", () => {
    const errors = document.querySelector("#studio .errors");
    if (errors && document.activeElement?.id !== "studio-form") errors.focus({ preventScroll: false });
  });
  window.addEventListener("beforeunload", (event) => { if (typed) event.preventDefault(); });
})();

/* Keys and pasting in the grid: Enter and the arrows move between rows, a column copied from a sheet fills the rows below. */
(() => {
  const cells = () => [...document.querySelectorAll("input.value")];

  const go = (from, step) => {
    const all = cells();
    const next = all[all.indexOf(from) + step];
    if (next) { next.focus(); next.select(); }
    return Boolean(next);
  };

  document.addEventListener("keydown", (event) => {
    const at = event.target;
    if (!(at instanceof HTMLInputElement) || !at.classList.contains("value")) return;
    const step = { Enter: event.shiftKey ? -1 : 1, ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    if (!go(at, step) && event.key === "Enter") at.blur();
  });

  document.addEventListener("paste", (event) => {
    const at = event.target;
    if (!(at instanceof HTMLInputElement) || !at.classList.contains("value")) return;
    const lines = event.clipboardData.getData("text").replace(/\r/g, "").replace(/\n$/, "").split("\n");
    if (lines.length < 2) return;
    event.preventDefault();
    const all = cells();
    const first = all.indexOf(at);
    // Ids are kept: saving a row replaces its boxes.
    const targets = lines.map((text, i) => [all[first + i]?.id, text.split("\t")[0].trim()]).filter(([id]) => id);
    for (const [id, text] of targets) document.getElementById(id).value = text;
    for (const [id] of targets) document.getElementById(id).dispatchEvent(new Event("change", { bubbles: true }));
  });

  // A row that could not be saved says so: its box keeps what was typed, the button tells why.
  const unsaved = (event) => {
    const at = event.detail.elt;
    const state = document.getElementById("state");
    if (!at?.matches?.("input.value, input.reason") || !state) return;
    at.setAttribute("aria-invalid", "true");
    state.textContent = "刚才改的一格没有保存，请按“保存草稿”看原因；填的数还在框里。";
    state.className = "field-error";
    state.setAttribute("role", "alert");
  };
  document.addEventListener("htmx:responseError", unsaved);
  document.addEventListener("htmx:sendError", unsaved);
  document.addEventListener("htmx:beforeSwap", (event) => {
    // A login page in place of a row: the login has ended.
    const row = event.detail.target?.matches?.("tr");
    if (row && event.detail.xhr.status === 200 && !event.detail.serverResponse.trimStart().startsWith("<tr")) {
      event.detail.shouldSwap = false;
      unsaved({ detail: { elt: event.detail.requestConfig.elt } });
    }
  });

  for (const button of document.querySelectorAll("[data-tick]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      for (const box of document.querySelectorAll(`input[name="${button.dataset.tick}"]`)) box.checked = true;
    });
  }
})();

// Row and region of one place light up together, and a region says what it is under the pointer.
(() => {
  "use strict";
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  tip.setAttribute("aria-hidden", "true");

  const mark = (place) => {
    for (const item of document.querySelectorAll("[data-place]")) {
      item.classList.toggle("here", item.dataset.place === place);
    }
  };
  const over = (event) => {
    const item = event.target.closest?.("[data-place]");
    mark(item ? item.dataset.place : null);
    const said = item?.closest("svg") && item.getAttribute("aria-label");
    tip.hidden = !said;
    if (!said) return;
    tip.textContent = said;
    if (!tip.isConnected) document.body.append(tip);
    const box = item.getBoundingClientRect();
    const x = event.pageX ?? box.left + scrollX;
    const y = event.pageY ?? box.top + scrollY;
    tip.style.left = `${Math.min(x + 14, scrollX + innerWidth - tip.offsetWidth - 8)}px`;
    tip.style.top = `${y + 16}px`;
  };
  const leave = () => {
    mark(null);
    tip.hidden = true;
  };
  document.addEventListener("pointerover", over);
  document.documentElement.addEventListener("pointerleave", leave);
  document.addEventListener("focusin", over);
  document.addEventListener("focusout", leave);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") tip.hidden = true;
  });
})();

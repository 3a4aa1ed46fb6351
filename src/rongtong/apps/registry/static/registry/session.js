// Counts down to the end of the login in the last five minutes. The page says the time without this script as well.
(function () {
  const notice = document.getElementById("session");
  const left = document.getElementById("session-left");
  if (!notice || !left) return;
  // Measured from when the page was opened, so that a wrong clock on this side does not matter.
  const opened = performance.now();
  const seconds = Number(notice.dataset.ends) - Number(notice.dataset.now);
  const show = () => {
    const rest = Math.floor(seconds - (performance.now() - opened) / 1000);
    if (rest <= 0) left.textContent = "登录已到期，下一步会请您重新登录。";
    else if (rest <= 300) left.textContent = `还有 ${Math.floor(rest / 60)} 分 ${rest % 60} 秒。`;
  };
  show();
  setInterval(show, 1000);
})();

"use strict";
// Keeps the switches and the list fresh without losing place: asks for them, and swaps them when they changed.
(() => {
  const EVERY_MS = 2000;
  const parts = ["switches", "mails"];
  const find = (id) => document.getElementById(id);

  const swap = (page) => {
    const list = find("mails");
    const [place, height] = [list.scrollTop, list.scrollHeight];
    const focused = document.activeElement;
    const link = focused && list.contains(focused) ? focused.getAttribute("href") : null;
    const action = focused && find("switches").contains(focused) ? focused.closest("form").className.split(" ")[1] : null;
    for (const id of parts) find(id).replaceWith(page.getElementById(id));
    const fresh = find("mails");
    // What the reader looked at stays where it was, although new mail comes in above it.
    if (place > 0) fresh.scrollTop = place + fresh.scrollHeight - height;
    if (link) fresh.querySelector(`a[href="${CSS.escape(link)}"]`)?.focus({ preventScroll: true });
    if (action) find("switches").querySelector(`form.${CSS.escape(action)} button`)?.focus({ preventScroll: true });
  };

  const refresh = async () => {
    const { version, selected } = find("switches").dataset;
    try {
      const reply = await fetch(`/live?have=${encodeURIComponent(version)}&selected=${encodeURIComponent(selected)}`);
      document.body.classList.remove("lost");
      if (reply.status === 200) swap(new DOMParser().parseFromString(await reply.text(), "text/html"));
    } catch {
      document.body.classList.add("lost");
    }
  };

  setInterval(() => document.hidden || refresh(), EVERY_MS);
  document.addEventListener("visibilitychange", () => document.hidden || refresh());
})();

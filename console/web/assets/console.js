// Small comforts on pages that work without them: times that move on and are local, parts that stay live.
"use strict";

const UNITS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

// As `relative` of the server words it, in one unit.
function relative(then, now) {
  const seconds = Math.abs(now - then) / 1000;
  if (seconds < 1) return "now";
  const [unit, length] = UNITS.find(([, each]) => seconds >= each);
  const count = Math.floor(seconds / length);
  return then < now ? `${count} ${unit} ago` : `in ${count} ${unit}`;
}

const localTime = new Intl.DateTimeFormat(undefined, {dateStyle: "medium", timeStyle: "long"});

// Clocks differ: the moment is taken by the clock of the server, as it was at load.
function tickTimes() {
  for (const element of document.querySelectorAll("time[datetime]")) {
    const then = Date.parse(element.dateTime);
    if (Number.isNaN(then)) continue;
    if (!element.dataset.local) {
      element.dataset.local = "1";
      element.title = `${localTime.format(then)} (${element.title})`;
    } else if (/ ago$|^in |^now$/.test(element.textContent)) {
      const text = relative(then, Date.now() + clockAhead);
      if (text !== element.textContent) element.textContent = text;
    }
  }
}

const serverNow = Number(document.body.dataset.now || 0);
const clockAhead = serverNow ? serverNow - Date.now() : 0;

// <div data-live="/path" data-every="5">: replaced by what the server has there, while somebody looks and
// nothing in it has the focus. A fault leaves what is there; the next turn tries again.
async function refresh(element) {
  if (document.hidden || element.contains(document.activeElement)) return;
  try {
    const answer = await fetch(element.dataset.live, {headers: {"X-Part": "1"}, redirect: "error"});
    element.toggleAttribute("data-stale", !answer.ok);
    if (answer.ok) {
      element.innerHTML = await answer.text();
      tickTimes();
    }
  } catch {
    element.toggleAttribute("data-stale", true);
  }
}

for (const element of document.querySelectorAll("[data-live]")) {
  const every = Math.max(1, Number(element.dataset.every || 5)) * 1000;
  const turn = async () => { await refresh(element); setTimeout(turn, every); };
  setTimeout(turn, every);
}

// A form is sent once, however often its button is pressed; a page got back by "back" is fresh again.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) { event.preventDefault(); return; }
  event.target.dataset.sent = "1";
  setTimeout(() => { delete event.target.dataset.sent; }, 5000);
});
window.addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

tickTimes();
setInterval(tickTimes, 15000);

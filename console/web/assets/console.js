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
// nothing in it has the focus or is ticked. A fault leaves what is there and says so above; the next turn tries
// again. What is as it was stays untouched, so that nobody hears it again and again.
async function refresh(element) {
  if (document.hidden || element.contains(document.activeElement)) return;
  if (element.querySelector("input[type=checkbox]:checked")) return;
  try {
    const answer = await fetch(element.dataset.live, {headers: {"X-Part": "1"}, redirect: "error"});
    tellStale(element, answer.ok ? "" : answer.status === 401 ? "out" : "away");
    if (answer.ok) {
      const fresh = document.createElement("template");
      fresh.innerHTML = await answer.text();
      if (fresh.innerHTML !== element.innerHTML) element.replaceChildren(fresh.content);
      tickTimes();
    }
  } catch {
    tellStale(element, "away");
  }
}

function tellStale(element, why) {
  if (why) element.dataset.stale = why; else delete element.dataset.stale;
  for (const note of document.querySelectorAll("[data-stale-note]")) {
    note.hidden = !document.querySelector(`[data-stale="${note.dataset.staleNote}"]`);
  }
}

for (const element of document.querySelectorAll("[data-live]")) {
  const every = Math.max(1, Number(element.dataset.every || 5)) * 1000;
  const turn = async () => {
    await refresh(element);
    // What is over says so, and is left alone.
    if (!element.querySelector("[data-over]")) setTimeout(turn, every);
  };
  setTimeout(turn, every);
}

// A form is sent once, however often its button is pressed; a page got back by "back" is fresh again.
document.addEventListener("submit", (event) => {
  if (event.submitter?.formTarget === "_blank") return;
  if (event.target.dataset.sent) { event.preventDefault(); return; }
  event.target.dataset.sent = "1";
  setTimeout(() => { delete event.target.dataset.sent; }, 5000);
});
window.addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

// The form of the settings: what was changed is marked and counted; nothing of it is needed to save.
const form = document.getElementById("settings");
if (form) {
  const isEdited = (input) => input.type === "checkbox" ? input.checked !== input.defaultChecked
    : input.tagName === "SELECT" ? [...input.options].some((each) => each.selected !== each.defaultSelected)
    : input.value !== input.defaultValue;
  const count = () => {
    let edited = 0;
    for (const input of form.querySelectorAll("input:not([type=hidden], [data-aside]), select")) {
      const is = !input.matches(":disabled") && isEdited(input);
      edited += is;
      if (input.name !== "clear") input.closest(".field")?.classList.toggle("edited", is);
    }
    const words = edited === 1 ? "1 change, not saved yet." : `${edited} changes, not saved yet.`;
    const told = form.querySelector("[data-count]");
    if (told) told.textContent = edited ? words : "You see what changes before it is saved.";
  };

  // "Same as primary": the secondary shows what it becomes, and what it was comes back.
  const mirrored = (flag) => {
    const group = flag.dataset.mirror;
    const fields = document.getElementById(`${group}-fields`);
    for (const input of fields.querySelectorAll("input[id], select[id]")) {
      if (input.type === "password") continue;
      const primary = document.getElementById(input.id.replace("secondary", "primary"));
      const tick = input.type === "checkbox";
      if (flag.checked) {
        if (!fields.disabled) input.dataset.own = tick ? (input.checked ? "True" : "False") : input.value;
        if (tick) input.checked = primary.checked; else input.value = primary.value;
      } else if (fields.disabled) {
        if (tick) input.checked = input.dataset.own === "True"; else input.value = input.dataset.own;
      }
    }
    fields.disabled = flag.checked;
  };
  const flags = [...form.querySelectorAll("[data-mirror]")].filter((flag) => !flag.disabled);
  form.addEventListener("input", (event) => {
    if (event.target.dataset.mirror) mirrored(event.target);
    else for (const flag of flags) if (flag.checked) mirrored(flag);
    count();
  });
  // A field that the browser refuses must be seen.
  form.addEventListener("invalid", (event) => {
    event.target.closest("details")?.setAttribute("open", "");
  }, true);
  count();
}
// A link to an option opens what it is in.
function openTarget() {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target) { target.closest("details")?.setAttribute("open", ""); target.scrollIntoView({block: "center"}); }
}
window.addEventListener("hashchange", openTarget);
openTarget();

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value);
    button.textContent = "Copied";
  });
}

tickTimes();
setInterval(tickTimes, 15000);

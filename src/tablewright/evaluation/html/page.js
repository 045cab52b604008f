"use strict";
// what a mark says: by a pointer, a finger, or the arrow keys on a plot
const tip = document.getElementById("tip");
const show = (mark, x, y) => {
  tip.hidden = !mark;
  if (!mark) return;
  tip.textContent = mark.dataset.tip;
  tip.style.left = Math.max(8, Math.min(x + 14, innerWidth - tip.offsetWidth - 8)) + "px";
  tip.style.top = Math.min(y + 16, innerHeight - tip.offsetHeight - 8) + "px";
};
for (const kind of ["pointermove", "pointerdown"]) {
  document.addEventListener(kind, (event) => show(event.target.closest("[data-tip]"), event.clientX, event.clientY));
}
document.addEventListener("scroll", () => show(null), { passive: true });
let lit = null;
const light = (mark) => {
  if (lit) lit.classList.remove("lit");
  lit = mark;
  if (!mark) return show(null);
  mark.classList.add("lit");
  const place = mark.getBoundingClientRect();
  show(mark, place.left, place.bottom - 10);
};
for (const plot of document.querySelectorAll("svg[tabindex]")) {
  const marks = [...plot.querySelectorAll("[data-tip]")];
  if (!marks.length) {
    plot.removeAttribute("tabindex");
    continue;
  }
  plot.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") light(null);
    if (!step) return;
    event.preventDefault();
    const at = marks.indexOf(lit);
    light(marks[at < 0 ? (step > 0 ? 0 : marks.length - 1) : (at + step + marks.length) % marks.length]);
  });
  plot.addEventListener("blur", () => light(null));
}
// what is wider than the page says so
const measure = () => {
  for (const box of document.querySelectorAll(".scroll")) {
    const cut = box.scrollWidth > box.clientWidth + 1;
    if (!box.offsetParent) continue;
    box.classList.toggle("cut", cut);
    const hint = box.previousElementSibling;
    const there = hint && hint.classList.contains("hint");
    if (cut && !there) {
      const note = document.createElement("p");
      note.className = "hint";
      note.textContent = "Scroll sideways for more \u2192";
      box.before(note);
    }
    if (!cut && there) hint.remove();
    if (cut) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
};
measure();
addEventListener("resize", measure);
for (const folded of document.querySelectorAll("details")) folded.addEventListener("toggle", measure);
// tables are sorted by a click on a head
const key = (row, column) => {
  const cell = row.cells[column];
  if (!cell.classList.contains("number") || cell.dataset.value === undefined && cell.textContent !== "\u2013") return cell.textContent;
  return cell.dataset.value === undefined ? -Infinity : Number(cell.dataset.value);
};
const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));
for (const button of document.querySelectorAll("table.sortable th button")) {
  button.addEventListener("click", () => {
    const head = button.parentElement;
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = head.closest("table").tBodies[0];
    const rows = [...body.rows].sort((a, b) => compare(key(a, head.cellIndex), key(b, head.cellIndex)));
    body.append(...(down ? rows.reverse() : rows));
  });
}

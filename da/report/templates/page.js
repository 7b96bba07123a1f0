"use strict";

// Sort: a click, or Enter, on a heading; numbers by data-v, highest first; rows without a value stay last.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => {
      const numeric = head.classList.contains("num");
      const before = head.getAttribute("aria-sort");
      const order = before ? (before === "descending" ? "ascending" : "descending") : numeric ? "descending" : "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", order);
      const sign = order === "ascending" ? 1 : -1;
      const value = (row) => {
        const cell = row.cells[column];
        return numeric ? (cell.dataset.v === undefined ? null : Number(cell.dataset.v)) : cell.textContent;
      };
      const compare = (a, b) => {
        const [x, y] = [value(a), value(b)];
        if (x === null || y === null) return (x === null) - (y === null);
        return sign * (numeric ? x - y : x.localeCompare(y));
      };
      const body = table.tBodies[0];
      body.append(...[...body.rows].sort(compare));
    });
  });
}

// Filter: every word must occur in the row's name; all tables of the chapter follow.
for (const input of document.querySelectorAll(".filter input")) {
  const chapter = input.closest("section");
  const rows = [...chapter.querySelectorAll("table.sortable tr[data-row]")];
  const count = chapter.querySelector(".count");
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) row.hidden = !words.every((word) => row.dataset.row.toLowerCase().includes(word));
    const first = rows.filter((row) => row.closest(".leaderboard"));
    count.textContent = words.length ? `${first.filter((row) => !row.hidden).length} of ${first.length}` : "";
  });
}

// A table that is wider than its box says so.
const hints = () => {
  for (const box of document.querySelectorAll(".box")) {
    const hint = box.previousElementSibling;
    if (hint?.classList.contains("hint")) hint.hidden = box.scrollWidth <= box.clientWidth + 1;
  }
};
addEventListener("resize", hints);
hints();

// A row under the pointer is lit in every table and chart of its chapter.
for (const chapter of document.querySelectorAll("section.chapter")) {
  const light = (event) => {
    const name = event.target.closest?.("[data-row]")?.dataset.row;
    for (const lit of chapter.querySelectorAll(".lit")) lit.classList.remove("lit");
    if (name === undefined) return;
    for (const same of chapter.querySelectorAll(`[data-row="${CSS.escape(name)}"]`)) same.classList.add("lit");
  };
  chapter.addEventListener("pointerover", light);
}

// Light or dark, as the system says until the reader says otherwise.
const root = document.documentElement;
document.getElementById("theme").addEventListener("click", () => {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
});

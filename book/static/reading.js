// A picture opens in front of its page, at its whole size; Escape or a click closes it.  Without scripts its link opens it.
const enlarged = document.createElement("dialog"), close = document.createElement("button");
enlarged.className = "enlarged";
close.textContent = "Close";
enlarged.addEventListener("click", () => enlarged.close());
enlarged.addEventListener("keydown", (event) => event.key == "Escape" && enlarged.close());
document.body.append(enlarged);
for (const link of document.querySelectorAll("a.enlarge"))
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const image = link.firstElementChild.cloneNode();
    image.loading = "eager";
    enlarged.setAttribute("aria-label", image.alt);
    enlarged.toggleAttribute("data-curves", "curves" in link.dataset);
    enlarged.replaceChildren(close, image);
    enlarged.showModal();
  });

// Tables of sentences: on a telephone every row is a block whose cells name their column.
for (const table of document.querySelectorAll(".bd-article table.dataframe")) {
  const names = [...table.querySelectorAll("thead tr:last-child > *")].map((one) => one.textContent), rows = [...table.tBodies[0].rows];
  if (!rows.some((row) => row.textContent.length > 120) || rows.some((row) => row.cells.length != names.length)) continue;
  table.classList.add("sentences");
  for (const row of rows) [...row.cells].forEach((cell, at) => (cell.dataset.column = names[at]));
}

// What scrolls sideways can be reached and scrolled with the keyboard, and only that.
const BOXES = ".bd-article :is(pre, table, div.math, mjx-container, div.output, div.cell_output, .pst-scrollable-table-container)";
const reachable = (box) => {
  if (box.scrollWidth > box.clientWidth + 1 && getComputedStyle(box).overflowX != "visible") box.tabIndex = 0;
  else box.removeAttribute("tabindex");
};
// A box gets another size with the window, when it is unfolded, and when the theme lays out the page once more.
const sizes = new ResizeObserver((boxes) => boxes.forEach(({ target }) => reachable(target)));
addEventListener("load", async () => {
  await window.MathJax?.startup?.promise;
  for (const box of document.querySelectorAll(BOXES)) sizes.observe(box);
});

// What a citation or a word of the glossary means stands in the margin, below the line where there is none, while a
// pointer or the keyboard is on it.  Escape puts it away.  Without scripts the browser shows its title.
const article = document.querySelector("article.bd-article"), note = document.createElement("div");
Object.assign(note, { className: "note", id: "note", role: "tooltip", hidden: true });
let leaving;
function tell(link, said) {
  clearTimeout(leaving);
  const column = article.getBoundingClientRect(), place = link.getBoundingClientRect(), margin = innerWidth - column.right;
  const beside = margin > 200, width = beside ? Math.min(margin - 32, 300) : Math.min(column.width, innerWidth - 2 * column.left);
  note.textContent = said;
  note.hidden = false;
  const { left, top } = note.offsetParent.getBoundingClientRect();
  Object.assign(note.style, {
    width: `${width}px`, left: `${(beside ? column.right + 16 : column.left) - left}px`, top: `${(beside ? place.top : place.bottom + 4) - top}px`,
  });
}
const leave = () => (leaving = setTimeout(() => (note.hidden = true), 300)); // time to go over to the note
for (const link of article?.querySelectorAll("a.term, .bibtex-citation a[title]") ?? []) {
  const said = link.title;
  link.removeAttribute("title");
  link.setAttribute("aria-describedby", "note");
  for (const event of ["mouseenter", "focus"]) link.addEventListener(event, () => tell(link, said));
  for (const event of ["mouseleave", "blur"]) link.addEventListener(event, leave);
}
note.addEventListener("mouseenter", () => clearTimeout(leaving));
note.addEventListener("mouseleave", leave);
addEventListener("keydown", (event) => event.key == "Escape" && (note.hidden = true));
document.querySelector("main")?.append(note);

// Paper is white.
const root = document.documentElement;
let shown;
addEventListener("beforeprint", () => ([shown, root.dataset.theme] = [root.dataset.theme, "light"]));
addEventListener("afterprint", () => (root.dataset.theme = shown));

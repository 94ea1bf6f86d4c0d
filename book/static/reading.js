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
    enlarged.replaceChildren(close, image);
    enlarged.showModal();
  });

// What scrolls sideways can be reached and scrolled with the keyboard, and only that.
const BOXES = ".bd-article :is(pre, table, div.math, mjx-container, div.output, div.cell_output, .pst-scrollable-table-container)";
const reachable = () => {
  for (const box of document.querySelectorAll(BOXES))
    if (box.scrollWidth > box.clientWidth + 1 && getComputedStyle(box).overflowX != "visible") box.tabIndex = 0;
    else box.removeAttribute("tabindex");
};
addEventListener("resize", reachable);
addEventListener("load", () => (window.MathJax?.startup?.promise ?? Promise.resolve()).then(reachable));

// Paper is white.
const root = document.documentElement;
let shown;
addEventListener("beforeprint", () => ([shown, root.dataset.theme] = [root.dataset.theme, "light"]));
addEventListener("afterprint", () => (root.dataset.theme = shown));

// The rule bench: looks up what a chapter's rules say under the reader's choices; everything was computed beforehand.
// window.bench.sets: name of a data set -> title, benches: name -> values of each choice, the chapter's own, rows, a curve.
// An outcome: verdict, verdict of the rule alone, estimate, low, high, networks, images, thresholds, places of two words.
const { sets, marks } = window.bench, VERDICTS = Object.keys(marks), GATES = "gates";
const SVG = "http://www.w3.org/2000/svg";

function make(name, attributes = {}, ...children) {
  const part = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) key in part ? (part[key] = value) : part.setAttribute(key, value);
  part.append(...children);
  return part;
}
function drawn(name, attributes, ...children) {
  const part = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) part.setAttribute(key, value);
  part.append(...children);
  return part;
}
const short = (number) => (number === null ? "–" : `${number}`.replace("-", "−"));
const quantile = (sorted, share) => sorted[Math.round(share * (sorted.length - 1))];

// A scale that holds what is found under nearly all choices, so that numbers are seen to move.
function scale(numbers, limits = []) {
  const sorted = numbers.filter((number) => number !== null).sort((a, b) => a - b);
  const ends = [quantile(sorted, 0.03), quantile(sorted, 0.97), ...limits].filter((end) => end !== undefined);
  const [least, most] = ends.length ? [Math.min(...ends), Math.max(...ends)] : [0, 1], span = most - least || 1;
  return { least: least - 0.05 * span, most: most + 0.05 * span };
}
const share = ({ least, most }, value) => Math.max(0, Math.min(1, (value - least) / (most - least)));

class Bench {
  constructor(form) {
    [this.form, this.name] = [form, form.dataset.bench];
    this.data = Object.keys(sets).find((name) => this.name in sets[name].benches);
    this.chosen = { ...this.bench.own };
    form.setAttribute("aria-label", `Choices and what follows from them: ${this.name}`);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("change", (event) => this.changed(event.target));
    [this.controls, this.said, this.result] = [make("div"), make("p", { className: "said", role: "status" }), make("div", { className: "result" })];
    form.append(this.controls, this.said, this.result);
    form.hidden = false;
  }
  get bench() {
    return sets[this.data].benches[this.name];
  }
  // Values that this data set has stay; others become the chapter's own.
  choose(data, given) {
    if (data in sets && this.name in sets[data].benches) this.data = data;
    const { values, own } = this.bench;
    const kept = Object.keys(own).map((name) => [name, values[name].find((value) => `${value}` == `${given[name]}`) ?? own[name]]);
    this.chosen = { ...Object.fromEntries(kept), [GATES]: given[GATES] == "without" ? "without" : "with" };
    this.build();
    this.show();
  }
  build() {
    const { values, own } = this.bench, all = Object.keys(sets).filter((name) => this.name in sets[name].benches);
    const focus = document.activeElement?.name, inside = this.form.contains(document.activeElement);
    this.controls.replaceChildren(
      this.buttons("data", "data set", all, this.data, undefined, (name) => sets[name].title),
      ...Object.keys(own).map((name) => this.buttons(name, name, values[name], this.chosen[name], own[name])),
      this.buttons(GATES, "what networks must have learnt, and how many they must be", ["with", "without"], this.chosen[GATES], "with",
        (value) => (value == "with" ? "counts" : "is ignored")),
      make("button", { type: "button", textContent: "As in the chapter", onclick: () => this.back() }),
    );
    if (inside && focus) this.form.querySelector(`[name="${focus}"]:checked`)?.focus();
  }
  buttons(name, legend, values, chosen, own, words = (value) => `${value}`) {
    const labels = values.map((value) => {
      const input = make("input", { type: "radio", name, value, checked: `${value}` == `${chosen}` });
      const label = make("label", { className: value === own ? "own" : "" }, input, words(value));
      if (value === own) label.title = "the chapter's own";
      return label;
    });
    return make("fieldset", {}, make("legend", { textContent: legend }), make("div", { className: "values" }, ...labels));
  }
  changed({ name, value }) {
    this.choose(name == "data" ? value : this.data, name == "data" ? this.chosen : { ...this.chosen, [name]: value });
    this.write();
  }
  back() {
    this.choose(this.data, { ...this.bench.own });
    this.write();
    this.form.querySelector("button").focus();
  }
  write() {
    const words = new URLSearchParams({ bench: this.name, data: this.data, ...this.chosen });
    history.replaceState(null, "", `#${words}`);
  }
  found(row, outcomes, chosen) {
    const outcome = outcomes[row.by.map((name) => chosen[name]).join(" | ")];
    return { outcome, verdict: outcome[chosen[GATES] == "without" ? 1 : 0] };
  }
  show() {
    const { rows, own, page } = this.bench, counts = VERDICTS.map(() => 0);
    let all = 0, other = 0;
    const sections = rows.map((row) => {
      const limits = scale(Object.values(row.cases).flatMap((of) => Object.values(of).flatMap((one) => [one[3], one[4]])),
        Object.values(row.cases).flatMap((of) => Object.values(of).flatMap((one) => one[7])));
      const cases = Object.entries(row.cases).map(([name, outcomes]) => {
        const { outcome, verdict } = this.found(row, outcomes, this.chosen), before = this.found(row, outcomes, own).verdict;
        [all, other, counts[verdict]] = [all + 1, other + (verdict != before), counts[verdict] + 1];
        return this.line(name, outcome, verdict, before, limits);
      });
      const says = make("p", {}, row.says, make("small", { textContent: `${row.source}. ${row.statistic}` }));
      return make("section", {}, says, make("table", { className: "cases" }, make("tbody", {}, ...cases)));
    });
    const told = VERDICTS.map((verdict, at) => counts[at] && `${counts[at]} ${verdict}`).filter(Boolean).join(", ");
    this.said.replaceChildren(`${told}; ${other} of ${all} other than in `, make("a", { href: page, textContent: "the chapter" }), ".");
    this.result.replaceChildren(this.figure(), ...sections);
  }
  line(name, outcome, verdict, before, limits) {
    const [, , estimate, low, high, networks, images, thresholds, missed, rule] = outcome, { words } = this.bench;
    const says = make("span", { className: "mark", textContent: marks[VERDICTS[verdict]], "aria-hidden": "true" });
    const number = `${short(estimate)} [${short(low)}, ${short(high)}]`;
    const row = make("tr", { className: VERDICTS[verdict].replace(" ", "-") + (verdict == before ? "" : " changed") },
      make("th", { scope: "row", textContent: name || "all" }),
      make("td", {}, says, make("span", { className: "sr", textContent: VERDICTS[verdict] }),
        ...(verdict == before ? [] : [make("small", { className: "before", textContent: ` was ${marks[VERDICTS[before]]}` })])),
      make("td", {}, number, bar([low, high, estimate], thresholds, limits)));
    row.title = [VERDICTS[verdict], words[rule], words[missed], `${networks} networks`, images && `${images} images`].filter(Boolean).join("; ");
    return row;
  }
  figure() {
    const { curve } = this.bench, found = curve.found[curve.by.map((name) => this.chosen[name]).join(" | ")];
    const [, ...others] = curve.by.map((name) => this.chosen[name]); // one scale for every value of the first choice
    const alike = Object.entries(curve.found).filter(([key]) => key.split(" | ").slice(1).join() == others.join());
    const everything = alike.flatMap(([, of]) => Object.values(of).flat());
    const [x, y] = [unique(everything.map(([place]) => place)).sort((a, b) => a - b), scale(everything.flatMap(([, , low, high]) => [low, high]))];
    return chart(found, x, y, curve);
  }
}
const unique = (values) => [...new Set(values)];

function bar([low, high, estimate], thresholds, limits) {
  const at = (value) => 200 * share(limits, value), svg = drawn("svg", { viewBox: "0 0 200 12", preserveAspectRatio: "none", "aria-hidden": "true" });
  for (const limit of thresholds) svg.append(drawn("line", { class: "limit", x1: at(limit), x2: at(limit), y1: 0, y2: 12 }));
  if (low !== null && high !== null) svg.append(drawn("line", { x1: at(low), x2: at(high), y1: 6, y2: 6 }));
  if (estimate !== null) svg.append(drawn("line", { class: "point", x1: at(estimate) - 1, x2: at(estimate) + 1, y1: 6, y2: 6 }));
  return svg;
}

const [LEFT, RIGHT, TOP, BOTTOM] = [46, 350, 8, 170];
function chart(found, xs, limits, words) {
  const logs = xs.map(Math.log2), width = logs.at(-1) - logs[0] || 1;
  const across = (value) => LEFT + 12 + ((RIGHT - LEFT - 24) * (Math.log2(value) - logs[0])) / width;
  const up = (value) => BOTTOM - (BOTTOM - TOP) * share(limits, value);
  const svg = drawn("svg", { viewBox: "0 0 360 205", role: "img", "aria-label": `${words.y} over ${words.x}, a line with intervals for each of ${Object.keys(found).join(", ")}` });
  for (const part of [0.1, 0.5, 0.9]) {
    const value = limits.least + part * (limits.most - limits.least);
    svg.append(drawn("line", { class: "grid", x1: LEFT, x2: RIGHT, y1: up(value), y2: up(value) }), drawn("text", { x: LEFT - 6, y: up(value) + 4, "text-anchor": "end" }, value.toFixed(2).replace("-", "−")));
  }
  const spaced = xs.filter((value, at) => at == xs.length - 1 || across(xs[at + 1]) - across(value) > 22); // names that do not overlap
  for (const value of spaced) svg.append(drawn("text", { x: across(value), y: BOTTOM + 15, "text-anchor": "middle" }, `${+value.toFixed(1)}`));
  svg.append(drawn("text", { x: (LEFT + RIGHT) / 2, y: BOTTOM + 31, "text-anchor": "middle" }, words.x));
  const names = Object.keys(found);
  names.forEach((name, at) => {
    const group = drawn("g", { class: `curve c${at}` }), points = found[name].filter(([, estimate]) => estimate !== null);
    group.append(drawn("polyline", { points: points.map(([x, y]) => `${across(x)},${up(y)}`).join(" ") }));
    for (const [x, y, low, high] of points) {
      if (low !== null) group.append(drawn("line", { x1: across(x), x2: across(x), y1: up(low), y2: up(high) }));
      group.append(drawn("circle", { cx: across(x), cy: up(y), r: 3 }));
    }
    svg.append(group);
  });
  const key = names.map((name, at) => make("span", { className: `swatch c${at}`, textContent: name }));
  return make("figure", {}, svg, make("figcaption", {}, make("span", { textContent: words.y }), ...key));
}

// The address holds the choice: #bench=growth&data=digits&epochs=5 and so on.
const there = ({ dataset }) => Object.values(sets).some((one) => dataset.bench in one.benches);
const benches = Object.fromEntries([...document.querySelectorAll("form.bench")].filter(there).map((form) => [form.dataset.bench, new Bench(form)]));
function read() {
  const given = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  for (const [name, bench] of Object.entries(benches))
    if (name == given.bench) bench.choose(given.data, given);
    else if (!bench.result.children.length) bench.choose(bench.data, bench.bench.own);
  benches[given.bench]?.form.scrollIntoView();
}
addEventListener("hashchange", read);
read();

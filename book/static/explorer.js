// The salience explorer: an image, two networks' maps, their product and where its sum lies among all pairs of two populations.
// window.salience: name of a data set -> its data, or its title where the data lie in explorer/NAME.js and are loaded when chosen.
const sets = window.salience, form = document.querySelector(".explorer"), of = (name) => form.elements[name];
const folder = new URL("explorer/", document.currentScript.src);
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
let data, all, strip, known; // of the chosen set: numbers, directions, its images below each other, directions of unit length

function load(name) {
  return new Promise((done, failed) => {
    if (typeof sets[name] != "string") return done();
    const script = Object.assign(document.createElement("script"), { src: new URL(`${name}.js`, folder), onload: done, onerror: failed });
    document.head.append(script);
  });
}
async function choose(name) {
  await load(name);
  if (data == sets[name]) return;
  strip = Object.assign(new Image(), { src: sets[name].pictures });
  await strip.decode();
  [data, known] = [sets[name], {}];
  all = new Int8Array(bytes(data.directions).buffer);
  refill("image", data.images.map((label, at) => `${at + 1}: ${label}`));
  for (const own of ["a", "b"]) refill(own, data.populations.map(([family, width]) => `${family}, width ${width}`));
  for (const own of ["i", "j"]) refill(own, [...Array(data.networks).keys()]);
  of("a").value = of("b").value = data.populations.findLastIndex(([family]) => family == data.populations[0][0]);
  of("j").value = 1;
  of("credit").textContent = data.credit;
}
const refill = (name, words) => of(name).replaceChildren(...words.map((word, at) => new Option(word, at)));

// Directions of unit length, [networks][images][dims]: the stored whole numbers over their length.
function units(population) {
  const { dims, networks, images } = data;
  return (known[population] ??= [...Array(networks).keys()].map((network) => images.map((_, image) => {
    const start = ((population * networks + network) * images.length + image) * dims;
    const row = Float64Array.from(all.subarray(start, start + dims)), length = Math.hypot(...row);
    return row.map((value) => value / length);
  })));
}
const cosine = (u, v) => u.reduce((sum, value, at) => sum + value * v[at], 0);

// Every pair of different networks of two populations at every image.
function cosines(a, b) {
  const found = [], [u, v] = [units(a), units(b)];
  for (let i = 0; i < u.length; i++)
    for (let j = a == b ? i + 1 : 0; j < v.length; j++)
      for (let x = 0; x < u[i].length; x++) found.push(cosine(u[i][x], v[j][x]));
  return found;
}

// Matplotlib's PuOr: orange below zero, purple above.
const COLOURS = [[127, 59, 8], [224, 130, 20], [254, 224, 182], [247, 247, 247], [216, 218, 235], [128, 115, 172], [45, 0, 75]];
function colour(value) {
  const place = (value + 1) * 3, low = Math.min(5, Math.floor(place));
  return COLOURS[low].map((part, at) => part + (COLOURS[low + 1][at] - part) * (place - low));
}

function canvas(name, size, says) {
  const own = form.querySelector(`[data-map=${name}]`);
  [own.width, own.height] = [size, size];
  own.setAttribute("aria-label", says);
  return own.getContext("2d");
}
function image(at, says) {
  const size = strip.width;
  canvas("pixels", size, says).drawImage(strip, 0, size * at, size, size, 0, 0, size, size);
}
// The mean over the colour channels of [channels * size * size] numbers, as a picture.
function map(name, values, says) {
  const count = values.length / data.channels, size = Math.sqrt(count), picture = new ImageData(size, size);
  const means = Array.from({ length: count }, (_, at) => values.filter((_, place) => place % count == at).reduce((a, b) => a + b));
  const largest = Math.max(...means.map(Math.abs)) || 1;
  means.forEach((value, at) => picture.data.set([...colour(value / largest), 255], 4 * at));
  canvas(name, size, says).putImageData(picture, 0, 0);
}

const SVG = "http://www.w3.org/2000/svg";
function put(kind, attributes, text = "") {
  const part = document.createElementNS(SVG, kind);
  for (const name in attributes) part.setAttribute(name, attributes[name]);
  part.textContent = text;
  form.querySelector("svg").append(part);
}
function histogram(found, [low, high], shown) {
  const bins = Array(40).fill(0), across = (value) => 200 * (value + 1);
  for (const value of found) bins[Math.min(39, Math.floor(20 * (value + 1)))]++;
  form.querySelectorAll("svg > :not(title)").forEach((part) => part.remove());
  put("rect", { class: "band", x: across(low), width: across(high) - across(low), y: 5, height: 105 });
  bins.forEach((count, at) => {
    const height = (100 * count) / Math.max(...bins);
    put("rect", { class: "bar", x: 10 * at + 1, width: 8, y: 110 - height, height });
  });
  put("line", { class: "axis", x1: 0, x2: 400, y1: 110, y2: 110 });
  for (const tick of [-1, -0.5, 0, 0.5, 1]) put("text", { x: across(tick), y: 126 }, tick);
  put("text", { x: 200, y: 141 }, `cosine of two networks at one image, a bar for every 0.05, ${found.length} in all`);
  put("line", { class: "needle", x1: across(shown), x2: across(shown), y1: 0, y2: 114 });
}

const NAMES = ["image", "a", "i", "b", "j"];
function show() {
  const [x, a, i, b, j] = NAMES.map((name) => +of(name).value), u = units(a)[i][x], v = units(b)[j][x];
  const product = u.map((value, at) => value * v[at]), shown = cosine(u, v), found = cosines(a, b), [low, high] = data.chance[a][b];
  image(x, `test image of class ${data.images[x]}`);
  map("a", u, "gradient map of network A");
  map("b", v, "gradient map of network B");
  map("product", product, `product of both maps, with the sum ${shown.toFixed(3)}`);
  histogram(found, [low, high], shown);
  const below = (100 * found.filter((value) => value < shown).length) / found.length;
  of("said").textContent = a == b && i == j ? "A network beside itself: the cosine is 1."
    : `The cosine is ${shown.toFixed(3)}, larger than ${below.toFixed(0)} % of the ${found.length} of these populations, `
      + `and ${shown < low ? "below" : shown > high ? "above" : "within"} the band of untrained ones, ${low} to ${high}.`;
}

// The address holds the choice: #data=digits&image=3&a=4&i=0&b=4&j=1.
function write() {
  history.replaceState(null, "", "#" + ["data", ...NAMES].map((name) => `${name}=${of(name).value}`).join("&"));
  show();
}
async function read() {
  const given = new URLSearchParams(location.hash.slice(1)), has = (name) => [...of(name).options].some((one) => one.value == given.get(name));
  of("data").value = has("data") ? given.get("data") : Object.keys(sets)[0];
  await choose(of("data").value);
  for (const name of NAMES) if (has(name)) of(name).value = given.get(name);
  show();
}
for (const name in sets) of("data").add(new Option(sets[name].title ?? sets[name], name));
form.addEventListener("change", async () => {
  await choose(of("data").value);
  write();
});
form.addEventListener("submit", (event) => event.preventDefault());
for (const button of form.querySelectorAll("[data-step]"))
  button.addEventListener("click", () => {
    const n = data.images.length;
    of("image").value = (+of("image").value + +button.dataset.step + n) % n;
    write();
  });
of("random").addEventListener("click", () => {
  const any = (count) => Math.floor(Math.random() * count);
  for (const name of NAMES) of(name).value = any(of(name).length);
  if (of("a").value == of("b").value && of("i").value == of("j").value) of("j").value = (+of("j").value + 1) % data.networks;
  write();
});
addEventListener("hashchange", read);
read().then(() => (form.hidden = false));

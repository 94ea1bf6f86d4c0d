// The salience explorer: an image, two networks' maps, their product and where its sum lies among all pairs of two populations.
const data = JSON.parse(document.getElementById("salience").textContent);
const form = document.querySelector(".explorer"), of = (name) => form.elements[name];
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const pixels = bytes(data.pixels), all = new Int8Array(bytes(data.directions).buffer);
const { dims, networks, images, populations } = data, n = images.length;

// A direction of unit length: the stored whole numbers over their length.
function direction(population, network, image) {
  const start = ((population * networks + network) * n + image) * dims;
  const row = Float64Array.from(all.subarray(start, start + dims)), length = Math.hypot(...row);
  return row.map((value) => value / length);
}
const units = populations.map((_, p) => [...Array(networks).keys()].map((s) => images.map((_, x) => direction(p, s, x))));
const cosine = (u, v) => u.reduce((sum, value, at) => sum + value * v[at], 0);

// Every pair of different networks of two populations at every image.
function cosines(a, b) {
  const found = [];
  for (let i = 0; i < networks; i++)
    for (let j = a == b ? i + 1 : 0; j < networks; j++)
      for (let x = 0; x < n; x++) found.push(cosine(units[a][i][x], units[b][j][x]));
  return found;
}

// Matplotlib's PuOr: orange below zero, purple above.
const COLOURS = [[127, 59, 8], [224, 130, 20], [254, 224, 182], [247, 247, 247], [216, 218, 235], [128, 115, 172], [45, 0, 75]];
function colour(value) {
  const place = (value + 1) * 3, low = Math.min(5, Math.floor(place));
  return COLOURS[low].map((part, at) => part + (COLOURS[low + 1][at] - part) * (place - low));
}

function paint(name, colours, says) {
  const canvas = form.querySelector(`[data-map=${name}]`), size = Math.round(Math.sqrt(colours.length));
  [canvas.width, canvas.height] = [size, size];
  const picture = new ImageData(size, size);
  colours.forEach((rgb, at) => picture.data.set([...rgb, 255], 4 * at));
  canvas.getContext("2d").putImageData(picture, 0, 0);
  canvas.setAttribute("aria-label", says);
}
function map(name, values, says) {
  const largest = Math.max(...values.map(Math.abs)) || 1;
  paint(name, Array.from(values, (value) => colour(value / largest)), says);
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
  const [x, a, i, b, j] = NAMES.map((name) => +of(name).value), u = units[a][i][x], v = units[b][j][x];
  const product = u.map((value, at) => value * v[at]), shown = cosine(u, v), found = cosines(a, b), [low, high] = data.chance[a][b];
  const each = pixels.length / n, own = Array.from(pixels.subarray(x * each, (x + 1) * each));
  paint("pixels", own.map((value) => [value, value, value]), `test image of class ${images[x].label}`);
  map("a", u, "gradient map of network A");
  map("b", v, "gradient map of network B");
  map("product", product, `product of both maps, with the sum ${shown.toFixed(3)}`);
  histogram(found, [low, high], shown);
  const below = (100 * found.filter((value) => value < shown).length) / found.length;
  of("said").textContent = a == b && i == j ? "A network beside itself: the cosine is 1."
    : `The cosine is ${shown.toFixed(3)}, larger than ${below.toFixed(0)} % of the ${found.length} of these populations, `
      + `and ${shown < low ? "below" : shown > high ? "above" : "within"} the band of untrained ones, ${low} to ${high}.`;
}

// The address holds the choice: #image=3&a=4&i=0&b=4&j=1.
function write() {
  history.replaceState(null, "", "#" + NAMES.map((name) => `${name}=${of(name).value}`).join("&"));
  show();
}
function read() {
  const given = new URLSearchParams(location.hash.slice(1));
  for (const name of NAMES)
    if ([...of(name).options].some((option) => option.value == given.get(name))) of(name).value = given.get(name);
  show();
}
const fill = (name, words) => words.forEach((word, at) => of(name).add(new Option(word, at)));
fill("image", images.map((image, at) => `${at + 1}: class ${image.label}`));
for (const name of ["a", "b"]) fill(name, populations.map(([family, width]) => `${family}, width ${width}`));
for (const name of ["i", "j"]) fill(name, [...Array(networks).keys()]);
of("a").value = of("b").value = populations.findLastIndex(([family]) => family == populations[0][0]);
of("j").value = 1;
form.addEventListener("change", write);
form.addEventListener("submit", (event) => event.preventDefault());
for (const button of form.querySelectorAll("[data-step]"))
  button.addEventListener("click", () => {
    of("image").value = (+of("image").value + +button.dataset.step + n) % n;
    write();
  });
of("random").addEventListener("click", () => {
  const any = (count) => Math.floor(Math.random() * count);
  for (const name of NAMES) of(name).value = any(of(name).length);
  if (of("a").value == of("b").value && of("i").value == of("j").value) of("j").value = (+of("j").value + 1) % networks;
  write();
});
addEventListener("hashchange", read);
form.hidden = false;
read();

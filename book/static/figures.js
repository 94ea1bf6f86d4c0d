// Figures that answer when touched: a chart of the numbers behind them, those numbers as CSV, the command that computes them.
// Plotly is loaded with the first chart; the picture stays beneath, for paper and for those without scripts.
const behind = JSON.parse(document.getElementById("behind-figures").textContent), own = document.currentScript.src;
let plotly;
function library() {
  return (plotly ??= new Promise((done, failed) => {
    const src = new URL("plotly-cartesian.min.js", own);
    document.head.append(Object.assign(document.createElement("script"), { src, onload: () => done(window.Plotly), onerror: failed }));
  }));
}

const quoted = (value) => (/[",\n]/.test(value ?? "") ? `"${value.replaceAll('"', '""')}"` : value ?? "");
// Maps of layers come as matrices: a row a cell is made of them when somebody asks.
const rowsOf = ({ rows, maps }) =>
  rows ?? Object.entries(maps).flatMap(([panel, cells]) => cells.flatMap((row, y) => row.map((value, x) => [panel, y, x, value])));
const csv = (table) => [table.columns, ...rowsOf(table)].map((row) => row.map(quoted).join(",")).join("\n") + "\n";
const unique = (values) => [...new Set(values)];

// The table's rows as objects, and what a reader sees of one: every column and how many of what.
const points = (table) => rowsOf(table).map((row) => Object.fromEntries(table.columns.map((name, at) => [name, row[at]])));
const hover = (table) => (point) => [...table.columns.map((name) => `${name}: ${point[name] ?? "–"}`), table.n].join("<br>");

const SCALE = [[0, "#ffffe5"], [0.5, "#a1dab4"], [1, "#41a5c4"]]; // black numbers can be read on all of them
function maps(table, own, axes) {
  const says = hover(table), [columns, rows] = [table.x, table.y].map((name) => unique(own.map((point) => `${point[name]}`)));
  const at = new Map(own.map((point) => [`${point[table.y]}\n${point[table.x]}`, point]));
  const filled = (of) => rows.map((row) => columns.map((column) => at.get(`${row}\n${column}`)).map((point) => (point ? of(point) : null)));
  const colours = table.shared ? { coloraxis: "coloraxis" } : { showscale: false, colorscale: SCALE };
  return [{
    type: "heatmap", x: columns, y: rows, z: filled((point) => point[table.value]), text: filled(says), hoverinfo: "text",
    ...(columns.length < 10 && !table.maps ? { texttemplate: "%{z:.2f}", textfont: { color: "#000" } } : {}), ...colours, ...axes,
  }];
}
const MARKERS = ["circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x"];
const kind = (name) => `${name}`.split(",")[0]; // 'cnn-small, m = 4' has the colour of its family
function lines(table, own, axes, names, seen) {
  return unique(own.map((point) => point[table.by])).map((name) => {
    const part = own.filter((point) => point[table.by] == name), at = names.indexOf(name), y = part.map((point) => point[table.y]);
    const color = PALETTE[unique(names.map(kind)).indexOf(kind(name)) % 6];
    const ends = ["high", "low"].map((end, sign) => part.map((point, place) => (sign ? y[place] - point.low : point.high - y[place])));
    return {
      type: "scatter", mode: "lines+markers", name, legendgroup: name, showlegend: !seen.has(name) && !!seen.add(name), x: part.map((point) => point[table.x]), y,
      text: part.map(hover(table)), hoverinfo: "text", marker: { symbol: MARKERS[at % 7], size: 8, color }, line: { color },
      ...("low" in part[0] ? { error_y: { type: "data", symmetric: false, array: ends[0], arrayminus: ends[1] } } : {}), ...axes,
    };
  });
}
const PALETTE = ["#0072B2", "#56B4E9", "#D55E00", "#E69F00", "#009E73", "#CC79A7"];

// A frame about the block of a network with itself.
const frame = ([start, stop], end) => ({
  type: "rect", xref: `x${end}`, yref: `y${end}`, x0: start - 0.5, x1: stop - 0.5, y0: start - 0.5, y1: stop - 0.5, line: { color: "#D55E00", width: 2 },
});

// Panels in rows of two, one below the other on a telephone; of maps of layers one more in each row.
function chart(table, width, ink) {
  const all = points(table), panels = table.panel ? unique(all.map((point) => point[table.panel])) : [""];
  const columns = Math.min(panels.length, (width < 600 ? 1 : 2) + (table.maps ? 1 : 0)), count = Math.ceil(panels.length / columns);
  const side = table.maps ? Math.min(340, Math.max(170, width / columns)) : 340;
  const faint = { gridcolor: "rgba(128,128,128,0.3)", zeroline: false, automargin: true }, traces = [];
  const seen = new Set(), names = table.by ? unique(all.map((point) => point[table.by])) : [];
  const legend = 30 * Math.ceil(names.length / (2 * columns));
  const layout = {
    height: 60 + side * count + legend, font: { color: ink }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", annotations: [], shapes: [],
    grid: { rows: count, columns, pattern: "independent", xgap: 0.25, ygap: table.maps ? 0.4 : 0.3 }, margin: { t: 40, r: 10, l: 50, b: 60 + legend },
    legend: { orientation: "h", yref: "container", y: 0, yanchor: "bottom" }, hoverlabel: { align: "left" },
    ...(table.shared ? { coloraxis: table.maps ? { colorscale: "Viridis", cmin: 0, cmax: 1 } : { colorscale: SCALE, ...(table.top ? { cmin: 0, cmax: table.top } : {}) } } : {}),
  };
  panels.forEach((panel, at) => {
    const end = at ? at + 1 : "", category = table.kind == "map" ? "category" : undefined, axes = at ? { xaxis: `x${end}`, yaxis: `y${end}` } : {};
    const own = all.filter((point) => !table.panel || point[table.panel] == panel);
    const [left, below] = [at % columns == 0, at + columns >= panels.length]; // maps of layers name their axes once
    layout[`xaxis${end}`] = { ...faint, title: { text: !table.maps || below ? table.x : "", standoff: 5 }, type: category ?? (table.log ? "log" : "linear") };
    layout[`yaxis${end}`] = { ...faint, title: { text: !table.maps || left ? table.y : "", standoff: 5 }, type: category ?? (table.steep?.includes(panel) ? "log" : "linear"), autorange: table.down ? "reversed" : true };
    if (table.steep?.includes(panel)) layout[`yaxis${end}`].dtick = "D2"; // named at 1, 2 and 5
    if (table.log) Object.assign(layout[`xaxis${end}`], { tickvals: unique(own.map((point) => point[table.x])), ticktext: unique(own.map((point) => `${point[table.x]}`)) });
    if (table.blocks?.[panel]) layout.shapes.push(frame(table.blocks[panel], end));
    layout.annotations.push({ text: table.maps ? panel.replace(/[,:] /g, "<br>") : panel, font: { size: table.maps ? 11 : 14 }, showarrow: false, xref: `x${end} domain`, yref: `y${end} domain`, x: 0.5, y: 1.02, yanchor: "bottom" });
    traces.push(...(table.kind == "map" ? maps(table, own, axes) : lines(table, own, axes, names, seen)));
  });
  return [traces, layout];
}

async function explore(figure, table, button) {
  const shown = figure.querySelector(".chart");
  if (shown) {
    shown.remove();
  } else {
    const ariaLabel = figure.querySelector("img").alt, Plotly = await library();
    const box = Object.assign(document.createElement("div"), { className: "chart", role: "img", ariaLabel });
    figure.prepend(box);
    await Plotly.newPlot(box, ...chart(table, box.clientWidth, getComputedStyle(figure).color), { displayModeBar: false, responsive: true });
  }
  button.setAttribute("aria-expanded", !shown);
}
function tool(tools, words, act) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: words });
  button.addEventListener("click", () => act(button));
  tools.append(button);
  return button;
}
async function copy(button, text) {
  await navigator.clipboard.writeText(text).catch(() => window.ClipboardJS.copy(text));
  const words = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = words), 1500);
}
for (const [anchor, table] of Object.entries(behind.figures)) {
  const figure = document.getElementById(anchor), tools = Object.assign(document.createElement("div"), { className: "tools" });
  tool(tools, "Explore", (button) => explore(figure, table, button)).setAttribute("aria-expanded", false);
  tool(tools, "Copy data (CSV)", (button) => copy(button, csv(table)));
  tool(tools, "Copy command", (button) => copy(button, behind.command));
  figure.append(tools);
}

// The gas of a transaction as a flame graph. The width of a frame is its gas; what it called is
// below it. A click, or Enter, makes a frame as wide as the graph.

import { el, fill, svg, table } from "./dom.js";
import { grouped, untrustedWord } from "./format.js";
import { label } from "./names.js";

/// Pixels: the height of a row, the width of a letter, the space beside a name.
const [ROW, LETTER, PADDING] = [22, 6.7, 5];
/// Frames narrower than this many pixels are not drawn, and not beyond so many rows.
const [NARROW, MAX_ROWS] = [0.4, 140];
/// Letters that are worth a name, and rows of the table.
const [MIN_LETTERS, MAX_LISTED] = [3, 100];

/// Gas by stack: contracts with their methods, and their syscalls. It adds up to the gas used.
export function gasTree(trace) {
  const root = node("all", "other");
  if (trace.intrinsic_gas > 0) child(root, "(transaction)", "other").own += Number(trace.intrinsic_gas);
  const around = [];
  for (const frame of trace.frames) {
    around.length = Math.min(frame.depth, around.length);
    const method = frame.method === "" ? "" : `.${untrustedWord(frame.method, 40)}`;
    const here = child(around.at(-1) ?? root, `${label(frame.address)}${method}`, "function");
    around.push(here);
    let own = Number(frame.own_gas ?? 0);
    let kept = 0;
    for (const step of frame.steps) {
      if (step.frame !== undefined) {
        kept += Number(trace.frames[step.frame]?.gas_used ?? 0);
      } else {
        own -= Number(step.gas_used);
        child(here, step.syscall, "syscall").own += Number(step.gas_used);
      }
    }
    here.own += own;
    const dropped = Number(frame.gas_used ?? 0) - Number(frame.own_gas ?? 0) - kept;
    if (dropped > 0) child(here, "(dropped)", "other").own += dropped;
  }
  total(root);
  return root;
}

function node(name, kind) {
  return { name, kind, own: 0, total: 0, children: new Map(), parent: null, depth: 0 };
}

function child(parent, name, kind) {
  if (!parent.children.has(name)) {
    const made = node(name, kind);
    made.parent = parent;
    made.depth = parent.depth + 1;
    parent.children.set(name, made);
  }
  return parent.children.get(name);
}

function total(node) {
  node.total = [...node.children.values()].reduce((sum, one) => sum + total(one), node.own);
  return node.total;
}

function described(node, all) {
  const share = ((100 * node.total) / all).toFixed(1);
  return `${node.name}: ${grouped(node.total)} gas (${share}%), itself ${grouped(node.own)}`;
}

/// The graph, and the same as a table.
export function flameGraph(root) {
  if (root.total <= 0) return el("p", { class: "empty" }, "It used no gas.");
  const shown = el("output", { class: "flame-note" });
  const frames = el("div", { class: "flame" });
  const graph = { root, zoomed: root, focused: root, shown, frames, hasFocus: false };
  const reset = el("button", { type: "button", class: "small" }, "Whole graph");
  reset.addEventListener("click", () => zoom(graph, root));
  graph.reset = reset;
  graph.height = rows(root) * ROW;
  new ResizeObserver(() => draw(graph)).observe(frames);
  tell(graph, root);
  draw(graph);
  return el(
    "div",
    {},
    el("div", { class: "row spread" }, shown, reset),
    frames,
    el("details", {}, el("summary", {}, "As a table"), asTable(root)),
  );
}

function rows(node) {
  const below = [...node.children.values()].map(rows);
  return Math.min(1 + Math.max(0, ...below), MAX_ROWS);
}

function zoom(graph, node) {
  Object.assign(graph, { zoomed: node, focused: node });
  tell(graph, node);
  draw(graph);
}

function tell(graph, node) {
  graph.shown.textContent = described(node, graph.root.total);
}

function draw(graph) {
  const width = Math.max(graph.frames.clientWidth || 320, 240);
  const image = svg("svg", {
    role: "tree",
    "aria-label": "Gas by call: arrow keys move, Enter makes a frame as wide as the graph",
    width,
    height: graph.height,
    viewBox: `0 0 ${width} ${graph.height}`,
  });
  // The frames that are replaced lose the focus.
  const { hasFocus } = graph;
  graph.places = new Map();
  for (let above = graph.zoomed.parent; above; above = above.parent) place(graph, image, above, 0, width);
  drawBelow(graph, image, graph.zoomed, 0, width);
  fill(graph.frames, image);
  graph.reset.disabled = graph.zoomed === graph.root;
  if (hasFocus) graph.places.get(graph.focused)?.focus();
}

function drawBelow(graph, image, node, left, width) {
  if (width < NARROW || node.depth >= MAX_ROWS) return;
  place(graph, image, node, left, width);
  let at = left;
  for (const below of node.children.values()) {
    const part = (width * below.total) / node.total;
    drawBelow(graph, image, below, at, part);
    at += part;
  }
}

function place(graph, image, node, left, width) {
  const y = node.depth * ROW;
  const room = Math.floor((width - 2 * PADDING) / LETTER);
  const name = room < MIN_LETTERS ? "" : cut(node.name, room);
  const group = svg(
    "g",
    {
      role: "treeitem",
      class: `frame ${node.kind} shade-${shade(node.name)}`,
      tabindex: node === graph.focused ? 0 : -1,
      "aria-level": node.depth + 1,
      "aria-label": described(node, graph.root.total),
      on: {
        click: () => {
          graph.hasFocus = true;
          zoom(graph, node);
        },
        focus: () => {
          Object.assign(graph, { focused: node, hasFocus: true });
          tell(graph, node);
        },
        blur: () => (graph.hasFocus = false),
        mouseenter: () => tell(graph, node),
        keydown: (event) => press(graph, node, event),
      },
    },
    svg("title", {}, described(node, graph.root.total)),
    svg("rect", { x: left, y, width: Math.max(width - 0.5, 0.5), height: ROW - 1, rx: 2 }),
    name && svg("text", { x: left + PADDING, y: y + 15 }, name),
  );
  graph.places.set(node, group);
  image.append(group);
}

function press(graph, node, event) {
  const beside = node.parent ? [...node.parent.children.values()].filter((one) => graph.places.has(one)) : [];
  const at = beside.indexOf(node);
  const below = [...node.children.values()].filter((one) => graph.places.has(one));
  const next = {
    ArrowUp: node.parent,
    ArrowDown: below[0],
    ArrowLeft: beside[at - 1],
    ArrowRight: beside[at + 1],
  }[event.key];
  if (event.key === "Enter" || event.key === " ") {
    graph.hasFocus = true;
    zoom(graph, node);
  } else if (event.key === "Escape") {
    graph.hasFocus = true;
    zoom(graph, graph.root);
  } else if (next) {
    graph.places.get(node).setAttribute("tabindex", -1);
    graph.places.get(next).setAttribute("tabindex", 0);
    graph.places.get(next).focus();
  } else {
    return;
  }
  event.preventDefault();
}

function cut(name, room) {
  const letters = Array.from(name);
  return letters.length <= room ? name : `${letters.slice(0, room - 1).join("")}…`;
}

/// One of six shades, by the name.
function shade(name) {
  let mixed = 7;
  for (const character of name) mixed = (mixed * 31 + character.codePointAt(0)) % 65_521;
  return mixed % 6;
}

function asTable(root) {
  const lines = [];
  const walk = (node) => {
    lines.push(node);
    [...node.children.values()].forEach(walk);
  };
  walk(root);
  const left = lines.length - MAX_LISTED;
  const shown = left > 0 ? [...lines].sort((a, b) => b.own - a.own).slice(0, MAX_LISTED) : lines;
  const share = (gas) => `${((100 * gas) / root.total).toFixed(1)}%`;
  const path = (node) => (node.parent?.parent ? `${path(node.parent)} › ${node.name}` : node.name);
  const cells = shown.map((node) => [el("bdi", {}, path(node)), grouped(node.own), grouped(node.total), share(node.total)]);
  const columns = ["Where", ["Gas itself", "right"], ["With calls", "right"], ["Share", "right"]];
  const { node: made } = table("Gas by call", columns, cells);
  return [made, left > 0 && el("p", { class: "faint" }, `The ${MAX_LISTED} with the most gas; ${grouped(left)} are left out.`)];
}

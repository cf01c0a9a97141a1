// Elements of the page. Whatever text they get is shown as text: nothing here, or in any other
// module, parses HTML.

const SVG = "http://www.w3.org/2000/svg";

/// Makes an element. Properties: `class`, `on` (listeners by name), and attributes by name, of
/// which `false`, `null` and `undefined` are left out. Children: nodes, texts, lists of them.
export function el(name, properties = {}, ...children) {
  return build(document.createElement(name), properties, children);
}

/// The same for SVG.
export function svg(name, properties = {}, ...children) {
  return build(document.createElementNS(SVG, name), properties, children);
}

function build(node, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === false || value === null || value === undefined) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    } else {
      node.setAttribute(name, value === true ? "" : String(value));
    }
  }
  add(node, children);
  return node;
}

/// Appends nodes and texts.
export function add(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}

/// Replaces all children.
export function fill(node, ...children) {
  node.replaceChildren();
  return add(node, children);
}

/// A label and a value for each fact that has a value.
export function facts(rows) {
  const list = el("dl", { class: "facts" });
  for (const [label, value, note] of rows) {
    if (value === null || value === undefined) continue;
    list.append(
      el("div", {}, el("dt", {}, label), el("dd", {}, value, note && el("small", {}, note))),
    );
  }
  return list;
}

/// A table that becomes a list of cards where the screen is narrow. A column is a label, or a label
/// and a class.
export function table(caption, columns, rows) {
  const labels = columns.map((column) => (Array.isArray(column) ? column[0] : column));
  const classes = columns.map((column) => (Array.isArray(column) ? column[1] : null));
  const body = el("tbody", {});
  const append = (cells) => body.append(row(cells));
  const row = (cells) =>
    el(
      "tr",
      {},
      cells.map((cell, at) => el("td", { "data-label": labels[at], class: classes[at] }, cell)),
    );
  rows.forEach(append);
  const node = el(
    "table",
    {},
    el("caption", { class: "hidden" }, caption),
    el(
      "thead",
      {},
      el("tr", {}, labels.map((label, at) => el("th", { scope: "col", class: classes[at] }, label))),
    ),
    body,
  );
  return { node, body, row, append };
}

/// A part of a page, with its heading.
export function section(title, ...children) {
  return el("section", {}, el("h2", {}, title), children);
}

/// What is shown where there is nothing yet.
export function empty(text, ...next) {
  return el("p", { class: "empty" }, text, next.length > 0 && " ", next);
}

/// Rows of the height that the content will have.
export function loading(rows = 3) {
  const lines = Array.from({ length: rows }, () => el("div", { class: "skeleton" }));
  return el("div", { class: "loading", role: "status" }, el("span", { class: "hidden" }, "Loading"), lines);
}

/// A button that copies a text.
export function copyButton(text, what) {
  const button = el("button", { type: "button", class: "copy", "aria-label": `Copy ${what}` }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select it";
    }
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
  return button;
}

/// A failure with its next step. `retry` runs when the button is pressed.
export function failure(error, retry) {
  const next = error.next ?? "Load the page again.";
  return el(
    "div",
    { class: "failure", role: "alert" },
    el("strong", {}, error.title ?? "This did not work"),
    el("p", {}, sentence(error.message ?? String(error))),
    el("p", { class: "next" }, "Next: ", sentence(next)),
    retry && el("button", { type: "button", on: { click: retry } }, "Try again"),
  );
}

function sentence(text) {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/// Loads content into a place: what is shown meanwhile, then the content or the failure. What a
/// later load of the same place shows is not replaced by an earlier one.
export async function load(place, work, rows = 3) {
  const turn = {};
  place.turn = turn;
  fill(place, loading(rows));
  place.setAttribute("aria-busy", "true");
  try {
    const content = await work();
    if (place.turn === turn) fill(place, content);
  } catch (error) {
    if (place.turn === turn) fill(place, failure(error, () => load(place, work, rows)));
    if (!error.isAnswer) console.warn(error);
  } finally {
    if (place.turn === turn) place.removeAttribute("aria-busy");
  }
  return place;
}

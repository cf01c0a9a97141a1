// Values as they are shown, and the fields of a form in which they are entered.

import { el, fill } from "./dom.js";
import { bytes, fromHex, grouped, toHex, untrusted, untrustedWord } from "./format.js";
import { addressLink } from "./names.js";
import { ValueError, enumVariants, isBytes, parseType, range, structFields } from "./interface.js";
import { DEVELOPMENT_ACCOUNTS, addressOf } from "./transaction.js";

/// Values of one value that are shown, and fields inside each other that a form has.
const [MAX_SHOWN, MAX_FORM_DEPTH] = [400, 8];
/// Values of an array that a form has fields for.
const MAX_ARRAY = 64;

/// A value as a node: addresses are links, texts are in quotes.
export function shownValue(value) {
  return show(value, { left: MAX_SHOWN });
}

/// Named values in parentheses: `(to: @bob, amount: 7)`.
export function shownFields(fields) {
  return el("span", { class: "value" }, "(", pairs(fields, { left: MAX_SHOWN }), ")");
}

function show(value, budget) {
  if ((budget.left -= 1) < 0) return "…";
  if (value === null) return el("span", { class: "faint" }, "none");
  if (typeof value === "boolean") return String(value);
  if (typeof value === "bigint") return el("span", { class: "number" }, grouped(value));
  if (typeof value === "string") return el("q", {}, untrusted(value));
  if (value.address !== undefined) return addressLink(value.address);
  if (value.hex !== undefined) return bytes(value.hex);
  if (value.some !== undefined) return el("span", {}, "some ", show(value.some, budget));
  if (value.items) return el("span", {}, "[", listed(value.items, budget), "]");
  const inside = value.fields.length > 0 && [" {", pairs(value.fields, budget), "}"];
  return el("span", {}, value.variant !== undefined && word(value.variant), inside);
}

function listed(items, budget) {
  const nodes = [];
  for (const [at, item] of items.entries()) {
    if (budget.left <= 0) return [...nodes, `, … ${grouped(items.length)} in all`];
    nodes.push(at > 0 && ", ", show(item, budget));
  }
  return nodes;
}

function pairs(fields, budget) {
  return fields.map(([name, value], at) => [at > 0 && ", ", word(name), ": ", show(value, budget)]);
}

function word(name) {
  return el("bdi", { class: "name" }, untrustedWord(name));
}

let fields = 0;

/// Form fields for the arguments of a method: their node, and a function that reads their values or
/// throws a `ValueError`, after it has put the focus on the field that is wrong.
export function argumentFields(contract, declared) {
  const inputs = declared.map((field) => {
    const label = { name: untrustedWord(field.name), type: field.type, doc: field.doc };
    return input(contract, parseType(field.type), label, 0);
  });
  return {
    node: el("div", { class: "fields" }, inputs.map((one) => one.node)),
    read: () => inputs.map((one) => one.read()),
  };
}

function input(contract, type, label, depth) {
  if (depth > MAX_FORM_DEPTH) throw new ValueError(label.name, "values are too deep for a form");
  if (type.kind === "unit") return { node: el("span", {}), read: () => null };
  if (type.kind === "bool") return flag(label);
  if (isBytes(type)) return textField(label, "0x0102, or text in quotes", (text) => readBytes(type, text));
  if (type.kind === "integer") return integer(type, label);
  if (type.kind === "string") return textField(label, "text", (text) => text, "textarea");
  if (type.kind === "address") return address(label);
  if (type.kind === "option") return optional(contract, type, label, depth);
  if (type.kind === "vec") return list(contract, type, label, depth);
  const several = parts(contract, type);
  if (several) return group(contract, several, label, depth, type);
  return choice(contract, enumVariants(contract, type) ?? [], label, depth);
}

/// The parts of an array, a tuple or a struct: name, type and doc of each. `null` for others.
function parts(contract, type) {
  if (type.kind === "tuple") return type.types.map((inner, at) => ({ name: String(at), inner }));
  if (type.kind === "array") {
    if (type.length > MAX_ARRAY) throw new ValueError("array", `a form has room for ${MAX_ARRAY} values`);
    return Array.from({ length: type.length }, (_, at) => ({ name: String(at), inner: type.inner }));
  }
  const struct = structFields(contract, type);
  return struct && struct.map((field) => ({ ...field, inner: parseType(field.type) }));
}

function labelled(label, control, ...more) {
  const id = (control.id ||= `field-${(fields += 1)}`);
  const note = el("small", { id: `${id}-error`, class: "error", role: "alert" });
  control.setAttribute("aria-describedby", note.id);
  const node = el(
    "div",
    { class: "field" },
    el("label", { for: id }, el("bdi", {}, label.name), label.type && [" ", el("code", {}, untrustedWord(label.type))]),
    control,
    label.doc && el("small", { class: "faint" }, untrusted(label.doc)),
    more,
    note,
  );
  const wrong = (reason) => {
    note.textContent = reason;
    control.setAttribute("aria-invalid", "true");
    control.focus();
    return new ValueError(label.name, reason);
  };
  control.addEventListener("input", () => {
    note.textContent = "";
    control.removeAttribute("aria-invalid");
  });
  return { node, wrong };
}

function textField(label, placeholder, convert, name = "input", attributes = {}) {
  const plain = { autocomplete: "off", autocapitalize: "off", spellcheck: "false" };
  const control = el(name, { ...plain, placeholder, ...(name === "textarea" ? { rows: 1 } : { type: "text" }), ...attributes });
  const { node, wrong } = labelled(label, control);
  const read = () => {
    try {
      return convert(control.value);
    } catch (error) {
      throw wrong(error.message);
    }
  };
  return { node, read, control };
}

/// A field for a whole number that is not in an interface, such as a gas limit.
export function numberField(name, value, bits, doc) {
  const field = integer({ bits, isSigned: false }, { name, doc });
  field.control.value = value;
  return field;
}

/// A field for an address that is not in an interface.
export function addressField(name, value, doc) {
  const field = address({ name, doc });
  field.control.value = value;
  return field;
}

/// A field for bytes.
export function bytesField(name, doc) {
  return textField({ name, doc }, "0x0102, or text in quotes", (text) => readBytes({ kind: "bytes" }, text));
}

/// A field for a text that is not empty.
export function wordField(name, doc) {
  return textField({ name, doc }, "", (text) => {
    if (text === "") throw new RangeError("this is needed");
    return text;
  });
}

function integer({ bits, isSigned }, label) {
  const [low, high] = range(bits, isSigned);
  return textField(
    label,
    isSigned ? "-1_000" : "1_000",
    (text) => {
      const digits = text.replaceAll(/[_,\s]/g, "");
      if (!/^(-?\d+|0x[0-9a-fA-F]+)$/.test(digits)) throw new RangeError("a whole number is needed, such as 1_000");
      const number = BigInt(digits);
      if (number < low || number > high) throw new RangeError(`a number from ${grouped(low)} to ${grouped(high)} is needed`);
      return number;
    },
    "input",
    { inputmode: isSigned ? null : "numeric" },
  );
}

function address(label) {
  return textField(
    label,
    "@alice, or 64 digits",
    (text) => {
      const found = addressOf(text);
      if (!found) throw new RangeError("a name such as @alice or 64 hexadecimal digits are needed");
      return { address: found };
    },
    "input",
    { list: "accounts", class: "mono" },
  );
}

/// The names that fields for addresses suggest.
export function accountList() {
  return el("datalist", { id: "accounts" }, DEVELOPMENT_ACCOUNTS.map((name) => el("option", { value: `@${name}` })));
}

function readBytes(type, text) {
  const quoted = /^"([\s\S]*)"$/.exec(text.trim());
  const hex = quoted ? toHex(new TextEncoder().encode(quoted[1])) : toHex(fromHex(text.trim()));
  if (type.kind === "array" && hex.length !== 2 * type.length) {
    throw new RangeError(`${type.length} bytes are needed, and there are ${hex.length / 2}`);
  }
  return { hex };
}

function flag(label) {
  const control = el("select", {}, el("option", {}, "false"), el("option", {}, "true"));
  const { node } = labelled(label, control);
  return { node, read: () => control.value === "true" };
}

function optional(contract, type, label, depth) {
  const control = el("select", {}, el("option", {}, "none"), el("option", {}, "some"));
  const inside = el("div", { class: "inside" });
  const { node } = labelled(label, control, inside);
  let value = null;
  control.addEventListener("change", () => {
    value = control.value === "some" ? input(contract, type.inner, { name: `${label.name}, value` }, depth + 1) : null;
    fill(inside, value?.node);
  });
  return { node, read: () => value && { some: value.read() } };
}

function list(contract, type, label, depth) {
  const items = [];
  const inside = el("div", { class: "inside" });
  const append = () => {
    const item = input(contract, type.inner, { name: `${label.name}, ${items.length + 1}` }, depth + 1);
    items.push(item);
    inside.append(item.node);
  };
  const drop = () => items.pop()?.node.remove();
  const button = (text, work) =>
    el("button", { type: "button", class: "small", "aria-label": `${text}: ${label.name}`, on: { click: work } }, text);
  const node = fieldset(label, inside, el("div", { class: "row" }, button("Add", append), button("Remove last", drop)));
  return { node, read: () => ({ items: items.map((item) => item.read()) }) };
}

function group(contract, several, label, depth, type) {
  const made = several.map(({ name, doc, inner }) => [name, input(contract, inner, { name: untrustedWord(name), doc }, depth + 1)]);
  const node = fieldset(label, el("div", { class: "inside" }, made.map(([, one]) => one.node)));
  const isList = type.kind === "tuple" || type.kind === "array";
  const read = () => (isList ? { items: made.map(([, one]) => one.read()) } : { fields: readEach(made) });
  return { node, read };
}

function choice(contract, variants, label, depth) {
  const control = el("select", {}, variants.map((variant, at) => el("option", { value: at }, untrustedWord(variant.name))));
  const inside = el("div", { class: "inside" });
  const { node } = labelled(label, control, inside);
  let made = [];
  const choose = () => {
    const declared = variants[Number(control.value)]?.fields ?? [];
    made = declared.map((field) => {
      const shown = { name: untrustedWord(field.name), type: field.type, doc: field.doc };
      return [field.name, input(contract, parseType(field.type), shown, depth + 1)];
    });
    fill(inside, made.map(([, one]) => one.node));
  };
  control.addEventListener("change", choose);
  choose();
  return { node, read: () => ({ variant: variants[Number(control.value)]?.name, fields: readEach(made) }) };
}

function readEach(made) {
  return made.map(([name, one]) => [name, one.read()]);
}

function fieldset(label, ...children) {
  const legend = el("legend", {}, el("bdi", {}, label.name), label.type && [" ", el("code", {}, untrustedWord(label.type))]);
  return el("fieldset", {}, legend, label.doc && el("small", { class: "faint" }, untrusted(label.doc)), children);
}

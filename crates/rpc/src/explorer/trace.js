// The trace of a transaction: its calls as a tree, with gas, storage, events and results.

import { el, fill, section } from "./dom.js";
import { bytes, counted, grouped, status, untrusted, untrustedWord } from "./format.js";
import { addressLink, knownInterface, learn } from "./names.js";
import { method, readEvent, readFields, readValue } from "./interface.js";
import { shownFields, shownValue } from "./values.js";
import { flameGraph, gasTree } from "./flame.js";

/// Steps of a call that are shown at once, and calls inside each other that are open at first.
const [STEPS, OPEN] = [100, 3];

/// The tree and the flame graph of a trace.
export async function shownTrace(trace) {
  await learn(trace.frames.map((frame) => frame.address));
  const dropped = trace.dropped ?? {};
  const isCut = Object.values(dropped).some((count) => count > 0);
  if (trace.frames.length === 0) {
    return [
      section("Trace", el("p", { class: "empty" }, "It called no contract.")),
    ];
  }
  const outermost = trace.frames.map((frame, at) => at).filter((at) => trace.frames[at].depth === 0);
  return [
    section("Gas", flameGraph(gasTree(trace))),
    section(
      "Trace",
      isCut &&
        el(
          "p",
          { class: "note" },
          `The trace is too long. Left out: ${counted(dropped.frames ?? 0, "call")}, ${counted(dropped.syscalls ?? 0, "syscall")}, ${counted(dropped.outputs ?? 0, "output")}.`,
        ),
      el("ul", { class: "trace" }, outermost.map((at) => frameItem(trace, at))),
    ),
  ];
}

function frameItem(trace, at) {
  const frame = trace.frames[at];
  const contract = knownInterface(frame.address);
  const declared = method(contract, frame.method);
  const name = frame.kind === "call" ? "" : `${frame.kind} `;
  const steps = el("ul", {});
  const details = el(
    "details",
    { open: frame.depth < OPEN },
    el(
      "summary",
      {},
      el("span", { class: "gas" }, grouped(frame.gas_used)),
      el(
        "span",
        { class: "call" },
        name,
        addressLink(frame.address),
        frame.method !== "" && [".", el("bdi", { class: "name" }, untrustedWord(frame.method))],
        argumentsOf(contract, declared, frame),
        frame.status && frame.status !== "success" && [" ", status(frame.status)],
      ),
    ),
    steps,
  );
  // Deep calls cost nothing until they are opened.
  const open = () => {
    if (details.open && steps.childElementCount === 0) fill(steps, inside(trace, frame, contract, declared));
  };
  details.addEventListener("toggle", open);
  open();
  return el("li", {}, details);
}

function attempt(read) {
  try {
    return read();
  } catch {
    return null;
  }
}

function argumentsOf(contract, declared, frame) {
  const fields = declared && attempt(() => readFields(contract, declared.args ?? [], frame.input));
  if (fields) return shownFields(fields);
  return isEmpty(frame.input) ? el("span", { class: "value" }, "()") : [" ", bytes(frame.input)];
}

function isEmpty(hex) {
  return hex === "" || hex === "0x";
}

function inside(trace, frame, contract, declared) {
  const of = [
    `${grouped(frame.own_gas)} gas of its own, of ${grouped(frame.gas_limit)}`,
    frame.read_only && "read-only",
    frame.value !== "0" && `value ${grouped(frame.value)}`,
    frame.gas_forwarded > 0 && `forwarded ${grouped(frame.gas_forwarded)}, got ${grouped(frame.gas_refunded)} back`,
  ];
  const about = el("li", { class: "faint" }, el("span", { class: "gas" }), el("span", {}, of.filter(Boolean).join(" · ")));
  const items = [];
  const more = (from) => {
    const shown = frame.steps.slice(from, from + STEPS).map((step) => stepItem(trace, contract, step));
    const left = frame.steps.length - from - shown.length;
    if (left <= 0) return shown;
    const button = el("button", { type: "button", class: "link" }, `${grouped(left)} more steps`);
    const place = el("li", {}, el("span", { class: "gas" }), button);
    button.addEventListener("click", () => place.replaceWith(...more(from + STEPS)));
    return [...shown, place];
  };
  items.push(about, ...more(0), endItem(contract, declared, frame));
  return items;
}

function endItem(contract, declared, frame) {
  const line = (...content) => el("li", { class: "end" }, el("span", { class: "gas" }), el("span", {}, content));
  if (!frame.status) return line("did not end");
  if (frame.status !== "success") {
    const known = contract?.errors?.find((error) => error.name === frame.reason);
    return line(
      status(frame.status),
      frame.reason && [" ", untrusted(frame.reason)],
      known?.doc && [" (", untrusted(known.doc), ")"],
      frame.exhausted && ` (no more ${frame.exhausted.replaceAll("_", " ")})`,
    );
  }
  if (frame.output === null || frame.output === undefined) return line("returned more than the trace has room for");
  const value = declared && attempt(() => readValue(contract, declared.returns ?? "()", frame.output));
  if (isEmpty(frame.output)) return null;
  return line("returned ", value === null ? bytes(frame.output) : shownValue(value));
}

function stepItem(trace, contract, step) {
  if (step.frame !== undefined) return frameItem(trace, step.frame);
  const event = step.event && readEvent(contract, step.event);
  return el(
    "li",
    { class: "step" },
    el("span", { class: "gas" }, grouped(step.gas_used)),
    el(
      "span",
      {},
      el("code", {}, step.syscall),
      step.result !== undefined && step.result !== null && el("span", { class: "faint" }, ` = ${grouped(step.result)}`),
      (step.storage ?? []).map(accessed),
      event && [" ", el("bdi", { class: "name" }, untrustedWord(event.name)), shownFields(event.fields)],
      step.event && !event && [" ", bytes(step.event.topic ?? ""), " ", bytes(step.event.data)],
    ),
  );
}

function accessed({ store, key, before, after }) {
  const value = (hex) => (hex === null || hex === undefined ? el("span", { class: "faint" }, "nothing") : bytes(hex));
  return el(
    "div",
    { class: "access" },
    store === "transient" && "transient ",
    bytes(key),
    ": ",
    value(before),
    before !== after && [" → ", value(after)],
  );
}

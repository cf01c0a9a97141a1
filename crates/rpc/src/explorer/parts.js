// Parts of several pages: operations, receipts, events and changes of the state.

import { el, empty, facts, section, table } from "./dom.js";
import { bytes, grouped, shortened, size, status, time, untrusted, untrustedWord, hashLink } from "./format.js";
import { addressLink, knownInterface } from "./names.js";
import { method, readEvent, readFields, readValue } from "./interface.js";
import { shownFields, shownValue } from "./values.js";

/// Changes of the state that are shown.
const MAX_CHANGES = 200;

/// The addresses that a body names: their interfaces are needed to show it.
export function addressesOf(body) {
  if (!body) return [];
  const named = body.operations.flatMap((operation) => [operation.to, operation.contract, operation.admin]);
  return [body.sender, body.fee_payer, ...named].filter(Boolean);
}

/// The contracts whose events and results are in the receipts.
export function contractsOf(receipts) {
  return receipts.flatMap((receipt) => [...receipt.events.map((event) => event.address), receipt.deployed]).filter(Boolean);
}

/// What an operation does, in a line.
export function shownOperation(operation) {
  const value = operation.value && operation.value !== "0" && [", value ", grouped(operation.value)];
  const code = (hash) => el("span", { class: "mono", title: hash }, shortened(hash));
  const length = (hex) => size((hex.length - 2) / 2);
  switch (operation.kind) {
    case "transfer":
      return ["transfer ", grouped(operation.value), " to ", addressLink(operation.to)];
    case "call":
      return [addressLink(operation.to), ".", el("bdi", { class: "name" }, untrustedWord(operation.method)), argumentsOf(operation), value];
    case "upload":
      return ["upload ", length(operation.code), " of code"];
    case "deploy":
      return ["deploy ", length(operation.code), " of code", value];
    case "create":
      return ["create a contract of code ", code(operation.code_hash), value];
    case "upgrade":
      return ["upgrade ", addressLink(operation.contract), " to code ", code(operation.code_hash), value];
    case "set_admin":
      return ["hand ", addressLink(operation.contract), " over to ", operation.admin ? addressLink(operation.admin) : "nobody"];
    case "remove_code":
      return ["remove code ", code(operation.code_hash)];
    default:
      return untrustedWord(String(operation.kind));
  }
}

function argumentsOf({ to, method: name, input }) {
  const contract = knownInterface(to);
  const declared = method(contract, name);
  try {
    if (declared) return shownFields(readFields(contract, declared.args ?? [], input));
  } catch {
    // The interface is wrong about this call: its bytes are shown.
  }
  return input === "0x" ? "()" : [" ", bytes(input)];
}

/// The table of transactions with their results.
export function transactionTable(caption, transactions) {
  const rows = transactions.map(({ id, body, result }) => [
    id ? hashLink("transaction", id) : "undecodable",
    body ? addressLink(body.sender) : "–",
    body ? el("span", {}, shownOperation(body.operations[0]), body.operations.length > 1 && el("small", {}, ` and ${body.operations.length - 1} more`)) : "–",
    status(result.status),
    grouped(result.gas_used),
  ]);
  return table(caption, ["Transaction", "From", ["Operation", "wide"], "Result", ["Gas", "right"]], rows).node;
}

/// A receipt: how a call ended, what it returned and which events it emitted.
export function shownReceipt(receipt, address, name) {
  const contract = knownInterface(address);
  const known = contract?.errors?.find((error) => error.name === receipt.revert);
  return [
    facts([
      ["Result", status(receipt.status)],
      ["Message", receipt.revert !== undefined && untrusted(receipt.revert), known?.doc && untrusted(known.doc)].map((cell) => cell || undefined),
      ["Trap", receipt.trap],
      ["Rejected", receipt.rejection?.replaceAll("_", " ")],
      ["Returned", returned(receipt, contract, name)],
      ["Made", receipt.deployed && addressLink(receipt.deployed)],
      ["Gas", `${grouped(receipt.gas_used)} of ${grouped(receipt.gas_limit)}`],
    ]),
    receipt.events.length > 0 && eventList(receipt.events),
  ];
}

function returned(receipt, contract, name) {
  if (receipt.status !== "success" || receipt.output === "0x") return undefined;
  const declared = method(contract, name);
  try {
    if (declared) return shownValue(readValue(contract, declared.returns ?? "()", receipt.output));
  } catch {
    // The interface is wrong about this method: its bytes are shown.
  }
  return bytes(receipt.output);
}

/// Events, decoded where their contract's interface has them.
export function eventList(events) {
  return el("ul", { class: "events" }, events.map((event) => el("li", {}, addressLink(event.address), ": ", shownEvent(event))));
}

/// An event by the interface of its contract, otherwise its bytes.
export function shownEvent(event) {
  const decoded = readEvent(knownInterface(event.address), event);
  if (decoded) {
    return el("span", {}, el("bdi", { class: "name", title: untrustedWord(decoded.doc ?? "", 200) }, untrustedWord(decoded.name)), shownFields(decoded.fields));
  }
  const topics = event.topics ?? [event.topic];
  return el("span", {}, topics.map((topic) => [bytes(topic), " "]), bytes(event.data));
}

/// The changes of the state, by key.
export function changeTable(changes) {
  if (changes.length === 0) return section("Changes", empty("It changes nothing."));
  const value = (hex) => (hex === null || hex === undefined ? el("span", { class: "faint" }, "nothing") : bytes(hex));
  const rows = changes.slice(0, MAX_CHANGES).map((change) => [untrusted(change.name), value(change.before), value(change.after)]);
  const left = changes.length - rows.length;
  return section(
    "Changes",
    table("Changes of the state", [["Of", "wide"], "Before", "After"], rows).node,
    left > 0 && el("p", { class: "faint" }, `${grouped(left)} more are left out.`),
  );
}

/// The table of blocks, and a function that makes a row.
export function blockTable(caption, blocks) {
  const cells = (block) => [
    el("a", { href: `#/block/${block.height}` }, grouped(block.height)),
    time(block.time, "short"),
    grouped(block.transaction_count),
    grouped(block.gas_used),
    hashLink("block", block.hash),
  ];
  const columns = ["Height", "Time", ["Transactions", "right"], ["Gas", "right"], "Hash"];
  const made = table(caption, columns, blocks.map(cells));
  made.node.classList.add("blocks");
  return { ...made, cells };
}

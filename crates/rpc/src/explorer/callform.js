// The form of a method: it queries, simulates, and on development chains signs and sends.

import { call } from "./rpc.js";
import { copyButton, el, failure, fill, section } from "./dom.js";
import { grouped, hashLink, toHex, untrusted } from "./format.js";
import { learn } from "./names.js";
import { ValueError, writeFields } from "./interface.js";
import { changeTable, contractsOf, shownReceipt } from "./parts.js";
import { addressField, argumentFields, bytesField, numberField, wordField } from "./values.js";
import { canSign, nameOf, signForDevelopment, unsigned } from "./transaction.js";
import { shownTrace } from "./trace.js";

/// The gas limit that a form begins with, and the blocks until a transaction expires.
const [GAS, EXPIRY] = [50_000_000, 100];
/// Milliseconds that a sent transaction is waited for.
const WAIT = 20_000;

/// A form for a method of the interface, or for a raw one.
export function callForm(chain, address, described, method) {
  const form = { chain, address, method, described };
  try {
    form.inputs = method.isRaw ? rawFields(method) : argumentFields(described, method.args ?? []);
  } catch (error) {
    form.inputs = rawFields(method);
    form.note = `Its arguments have no form (${error.message}): enter their bytes.`;
  }
  form.from = addressField(chain.is_development ? "From" : "From (not signed)", chain.is_development ? "@alice" : "0".repeat(64));
  form.gas = numberField("Gas limit", grouped(GAS), 63);
  form.value = method.payable || method.isRaw ? numberField("Value", "0", 128) : { node: null, read: () => 0n };
  form.result = el("div", { class: "result", "aria-live": "polite" });
  const actions = [
    ["Query", () => query(form), method.read_only],
    ["Simulate", () => simulate(form), !method.read_only && !isSigning(chain)],
    isSigning(chain) && !method.read_only && ["Sign and send", () => send(form), true],
  ].filter(Boolean);
  const node = el(
    "form",
    { class: "call", novalidate: true },
    form.note && el("p", { class: "note" }, untrusted(form.note)),
    form.inputs.node,
    el("div", { class: "fields options" }, form.from.node, form.gas.node, form.value.node),
    el("div", { class: "row" }, actions.map(([label, work, isMain]) => actionButton(form, label, work, isMain))),
    form.result,
  );
  // Enter does what the main button does.
  node.addEventListener("submit", (event) => event.preventDefault());
  form.node = node;
  return node;
}

function isSigning(chain) {
  return chain.is_development && canSign();
}

function rawFields(method) {
  const name = method.isAny ? wordField("Method", "The name of an exported method.") : null;
  const input = bytesField("Input", "The arguments as the contract reads them.");
  return {
    node: el("div", { class: "fields" }, name?.node, input.node),
    readName: () => name?.read(),
    read: () => null,
    readInput: () => input.read().hex,
  };
}

function actionButton(form, label, work, isMain) {
  const button = el("button", { type: isMain ? "submit" : "button", class: isMain ? "main" : null }, label);
  button.addEventListener("click", async (event) => {
    event.preventDefault();
    const buttons = form.node.querySelectorAll(".row > button");
    try {
      form.entered = entered(form);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      fill(form.result);
      return;
    }
    for (const one of buttons) one.disabled = true;
    form.result.setAttribute("aria-busy", "true");
    try {
      fill(form.result, await work());
    } catch (error) {
      if (!error.isAnswer) console.warn(error);
      fill(form.result, failure(error));
    } finally {
      form.result.removeAttribute("aria-busy");
      for (const one of buttons) one.disabled = false;
      button.focus();
    }
  });
  return button;
}

/// What is in the fields. The first wrong one gets the focus.
function entered({ inputs, method, described, from, gas, value }) {
  const name = inputs.readName?.() ?? method.name;
  const values = inputs.read();
  const input = inputs.readInput ? inputs.readInput() : toHex(writeFields(described, method.args ?? [], values));
  return { name, input, from: from.read().address, gas: gas.read(), value: value.read() };
}

async function query({ address, entered: { name, input, from, gas }, chain }) {
  const most = BigInt(chain.query_gas);
  const answer = await call("query", {
    address,
    method: name,
    input,
    caller: from,
    gas: Number(gas < most ? gas : most),
  });
  await learn(contractsOf([answer.receipt]));
  return section("Answer", shownReceipt(answer.receipt, address, name), el("p", { class: "faint" }, "In the state after block ", el("a", { href: `#/block/${answer.height}` }, grouped(answer.height)), "."));
}

/// The body of the transaction that the form describes.
async function bodyOf({ chain, address, entered: { name, input, from, gas, value } }) {
  const [account, fees] = await Promise.all([call("getAccount", { address: from }), call("getFeeStatistics", { blocks: 1 })]);
  return {
    chain_id: chain.chain_id,
    sender: from,
    nonce: account.next_nonce,
    expiry: account.height + EXPIRY,
    gas_limit: gas,
    gas_price: fees.suggested_price,
    operations: [{ kind: "call", to: address, method: name, input, value }],
  };
}

async function simulate(form) {
  const body = await bodyOf(form);
  // Transactions that wait are not in the state that the simulation sees.
  const account = await call("getAccount", { address: body.sender });
  const name = form.chain.is_development ? nameOf(body.sender) : undefined;
  const transaction = unsigned({ ...body, nonce: account.nonce }, name);
  const simulation = await call("simulateTransaction", { transaction, trace: true });
  const { result, invalid, changes, trace } = simulation;
  if (invalid) {
    return failure({
      title: "The transaction would be invalid",
      message: invalid.message,
      next: advice(invalid.name),
    });
  }
  await learn(contractsOf(result.receipts));
  return [
    section("Simulation", result.receipts.map((receipt) => shownReceipt(receipt, form.address, form.entered.name)), el("p", { class: "faint" }, `In a block ${grouped(simulation.height)} of its own: ${grouped(result.gas_used)} gas, fee ${grouped(result.fee)}. Nothing is kept.`)),
    command(form),
    changeTable(changes),
    trace && (await shownTrace(trace)),
  ];
}

function advice(name) {
  const known = {
    cannot_pay: "lower the gas limit or the value, or choose a sender that has more",
    gas_limit_too_low: "raise the gas limit",
    gas_limit_above_block: "lower the gas limit to that of a block",
    quota_exceeded: "lower the gas limit, or wait for the next window of the quota",
  };
  return known[name] ?? "see the reasons in docs/book/src/transactions.md";
}

async function send(form) {
  const name = nameOf(form.entered.from);
  if (!name) {
    throw Object.assign(new Error("this page can sign for development accounts alone"), {
      next: "choose @alice, @bob, @carol, @dave or @erin, or use the command line",
      isAnswer: true,
    });
  }
  const transaction = await signForDevelopment(name, await bodyOf(form));
  const { id } = await call("sendTransaction", { transaction });
  fill(form.result, el("p", { class: "faint" }, "Sent: ", hashLink("transaction", id), ". Waiting for its block…"));
  const included = await call("sendTransactionAndWait", { transaction, timeout_ms: WAIT });
  const { receipts } = included.result;
  await learn(contractsOf(receipts));
  return section(
    "Result",
    el("p", {}, hashLink("transaction", id, "The transaction"), " is in block ", el("a", { href: `#/block/${included.height}` }, grouped(included.height)), "."),
    receipts.map((receipt) => shownReceipt(receipt, form.address, form.entered.name)),
  );
}

/// The command that calls the method, where the page cannot sign.
function command({ chain, address, entered: { name, input, from, gas, value } }) {
  if (isSigning(chain)) return null;
  const sender = nameOf(from) ?? "ACCOUNT";
  const amount = value > 0n ? ` --value ${value}` : "";
  const bytes = input === "" ? "" : ` --input 0x${input}`;
  const text = `fusee call ${address} ${quoted(name)}${bytes}${amount} --gas ${gas} --from ${sender} --node ${location.origin}`;
  return section("Command", el("p", {}, "This page has no keys. The command line signs with yours:"), el("pre", {}, el("code", {}, text)), copyButton(text, "command"));
}

/// A word of a shell: a method's name may be anything.
function quoted(word) {
  return /^[A-Za-z0-9_.-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

// The pages of a block and of a transaction.

import { call, find } from "./rpc.js";
import { add, el, empty, facts, fill, load, section } from "./dom.js";
import { bytes, counted, grouped, hashLink, size, status, time, untrusted, wholeHash } from "./format.js";
import { addressLink, learn } from "./names.js";
import { addressesOf, blockTable, contractsOf, shownOperation, shownReceipt, transactionTable } from "./parts.js";
import { shownTrace } from "./trace.js";

/// Blocks of a page.
const BLOCKS = 50;
/// Milliseconds until a transaction that waits is looked up again.
const AGAIN = 1500;

function missing(what, ...next) {
  return [el("h1", {}, `No such ${what}`), empty(`This node has no such ${what}.`, ...next)];
}

/// Blocks before a height, newest first.
export async function blocksPage(before) {
  const { blocks, next } = await call("getBlocks", { before: before ? Number(before) : undefined, limit: BLOCKS });
  if (blocks.length === 0) return [el("h1", {}, "Blocks"), empty("There are no blocks here.", el("a", { href: "#/" }, "See the newest."))];
  return [
    el("h1", {}, "Blocks"),
    blockTable("Blocks", blocks).node,
    el("p", { class: "row" }, el("a", { href: "#/" }, "Newest"), next !== undefined && el("a", { href: `#/blocks/${next}` }, "Older")),
  ];
}

/// A block by its height or hash.
export async function blockPage(wanted) {
  const by = /^\d{1,16}$/.test(wanted) ? { height: Number(wanted) } : { hash: wanted };
  const block = await find("getBlock", { ...by, transactions: "full" });
  if (!block) return missing("block", "A later one may come; an earlier one may be pruned.");
  const receipts = [...block.transactions.flatMap((one) => one.result.receipts), ...block.calls.map((one) => one.receipt)];
  await learn([...block.transactions.flatMap((one) => addressesOf(one.body)), ...contractsOf(receipts), block.proposer]);
  const beside = (height, label) => el("a", { href: `#/block/${height}` }, label);
  return [
    el("div", { class: "head" }, el("h1", {}, `Block ${grouped(block.height)}`), el("nav", { class: "row", "aria-label": "Neighbouring blocks" }, beside(block.height - 1, "← Before"), beside(block.height + 1, "After →"))),
    facts([
      ["Time", time(block.time)],
      ["Transactions", grouped(block.transaction_count)],
      ["Gas", `${grouped(block.gas_used)} of ${grouped(block.gas_declared)} declared`],
      ["Fees", grouped(block.fees)],
      ["Proposer", addressLink(block.proposer)],
      ["Hash", wholeHash(block.hash, "hash")],
      ["Parent", wholeHash(block.parent, "hash of the parent", "block")],
      ["State root", wholeHash(block.state_root, "state root")],
    ]),
    section("Transactions", block.transactions.length > 0 ? transactionTable("Transactions of the block", block.transactions) : empty("It has none.")),
    block.calls.length > 0 && section("Scheduled calls", block.calls.map(scheduledCall)),
    el("details", {}, el("summary", {}, "Roots and rules"), facts([
      ["Transactions root", wholeHash(block.transactions_root, "transactions root")],
      ["Receipts root", wholeHash(block.receipts_root, "receipts root")],
      ["Ledger rules", wholeHash(block.ledger_rules, "ledger rules")],
      ["Contract rules", wholeHash(block.contract_rules, "contract rules")],
    ])),
  ];
}

function scheduledCall({ index, phase, parameter_update: update, receipt }) {
  const changed = update === "none" ? "" : `, parameters ${update}`;
  return el("div", { class: "card" }, el("h3", {}, `Call ${index}, at the ${phase} of the block${changed}`), shownReceipt(receipt));
}

/// A transaction by its id.
export async function transactionPage(id) {
  const transaction = await find("getTransaction", { id });
  if (!transaction) return missing("transaction", "It may have expired, or be of another chain.");
  const { body, result } = transaction;
  await learn([...addressesOf(body), ...contractsOf(result?.receipts ?? [])]);
  const trace = el("div", {});
  if (transaction.height !== undefined) load(trace, () => traceOf(transaction), 4);
  const page = el("div", {});
  add(page, [
    el("h1", {}, "Transaction"),
    facts([
      ["State", transaction.state === "waiting" ? status("waiting") : status(result.status)],
      ["Id", wholeHash(transaction.id, "id")],
      ["Block", transaction.height !== undefined && el("a", { href: `#/block/${transaction.height}` }, grouped(transaction.height)), transaction.index > 0 && ` position ${transaction.index}`].map((cell) => cell || undefined),
      ["Time", transaction.time !== undefined ? time(transaction.time) : undefined],
      ["From", addressLink(body.sender)],
      ["Fee payer", body.fee_payer && addressLink(body.fee_payer)],
      ["Nonce", grouped(body.nonce)],
      ["Gas", result ? `${grouped(result.gas_used)} of ${grouped(body.gas_limit)}` : `up to ${grouped(body.gas_limit)}`],
      ["Fee", result && grouped(result.fee), `${grouped(body.gas_price)} a unit of gas`].map((cell) => cell || undefined),
      ["Expires", `after block ${grouped(body.expiry)}`],
      ["Size", size((transaction.transaction.length - 2) / 2)],
      ["Invalid", result && result.code !== 0 ? `reason ${result.code}` : undefined],
    ]),
    section(counted(body.operations.length, "Operation"), el("ol", { class: "operations" }, body.operations.map((operation, at) => operationItem(operation, result, at)))),
    trace,
    el("details", {}, el("summary", {}, "Encoded, with signatures"), bytes(transaction.transaction)),
  ]);
  if (transaction.state === "waiting") again(page, id);
  return page;
}

function operationItem(operation, result, at) {
  const receipt = result?.receipts[at];
  return el("li", { class: "card" }, el("p", { class: "operation" }, shownOperation(operation)), receipt && shownReceipt(receipt, operation.to, operation.method), result && !receipt && empty("It did not begin."));
}

function again(page, id) {
  setTimeout(async () => {
    if (!page.isConnected) return;
    const transaction = await find("getTransaction", { id }).catch(() => null);
    if (transaction?.state === "waiting") return again(page, id);
    fill(page, await transactionPage(id));
  }, AGAIN);
}

/// The trace of a transaction in a block: it is executed again on the state before the block.
async function traceOf({ transaction, height, index, result }) {
  if (result.code !== 0) return section("Trace", empty("It was invalid, so nothing ran."));
  let simulation;
  try {
    simulation = await call("simulateTransaction", { transaction, height: height - 1, trace: true });
  } catch (error) {
    if (error.kind === "pruned") return section("Trace", empty("The state before its block is not kept, so there is no trace."));
    throw error;
  }
  if (simulation.invalid) {
    return section("Trace", empty("On the state before its block it is invalid (", untrusted(simulation.invalid.message), "): it needs transactions before it in the block, so there is no trace."));
  }
  const differs = simulation.result.gas_used !== result.gas_used || simulation.result.status !== result.status;
  const note = differs
    ? "It came out differently on the state before its block, without the transactions before it. The trace is of that execution."
    : index > 0 && "The trace is of its execution on the state before its block, without the transactions before it. Result and gas are the same.";
  return [note && el("p", { class: "note" }, note), await shownTrace(simulation.trace)];
}

// The first page: the chain, and its blocks as they come.

import { call, followBlocks } from "./rpc.js";
import { el, empty, facts, fill, section } from "./dom.js";
import { learn } from "./names.js";
import { counted, grouped, size, status, wholeHash } from "./format.js";
import { addressesOf, blockTable, contractsOf, transactionTable } from "./parts.js";

/// Blocks and transactions that are shown, and blocks in which transactions are looked for.
const [BLOCKS, TRANSACTIONS, SEARCHED] = [15, 10, 6];
/// Milliseconds between two announcements to screen readers, and two looks at what may have changed.
const [QUIET, FACTS] = [10_000, 5000];

/// The page; `leave` runs a function when another page is shown.
export async function homePage(chain, leave) {
  const [{ blocks }, state] = await Promise.all([call("getBlocks", { limit: BLOCKS }), liveFacts()]);
  const top = el("div", {}, chainFacts(chain, state));
  const list = liveBlocks(blocks, leave);
  const recent = el("div", {});
  const found = new Recent(recent);
  found.start(blocks);
  list.onBlock = (block) => found.add(block);
  const timer = setInterval(async () => {
    if (document.visibilityState === "visible") fill(top, chainFacts(chain, await liveFacts().catch(() => state)));
  }, FACTS);
  leave(() => clearInterval(timer));
  return [
    el("h1", {}, el("bdi", {}, chain.chain_id), chain.is_development && [" ", el("span", { class: "tag" }, "development")]),
    top,
    section("Transactions", recent),
    list.node,
  ];
}

async function liveFacts() {
  const [health, fees, mempool] = await Promise.all([
    call("getHealth"),
    call("getFeeStatistics", { blocks: 10 }),
    call("getMempool", { limit: 1 }),
  ]);
  return { health, fees, mempool };
}

const PRODUCTION = {
  each: "for each transaction",
  every: "in intervals",
  by_hand: "by hand",
  consensus: "by a consensus engine",
};

function chainFacts(chain, { health, fees, mempool }) {
  const isOk = health.status === "ok" || health.status === "no_block";
  const price = fees.suggested_price;
  return [
    facts([
      ["Height", grouped(health.height ?? "none yet"), health.catching_up ? "the index is behind" : undefined],
      ["Node", status(isOk ? "success" : "failed", health.status.replaceAll("_", " ")), health.reason],
      ["Waiting", counted(mempool.transactions, "transaction"), mempool.bytes > 0 ? size(mempool.bytes) : undefined],
      ["Gas price", grouped(price), price === fees.minimum_price ? "the lowest" : `at least ${grouped(fees.minimum_price)}`],
      ["Blocks", PRODUCTION[chain.production] ?? chain.production],
      ["Version", `${chain.version}, ${chain.engine}`],
    ]),
    el("details", {}, el("summary", {}, "Identity, rules and limits"), facts([
      ["Chain", wholeHash(chain.chain, "identity of the chain")],
      ["Genesis", wholeHash(chain.genesis, "identity of genesis")],
      ["Ledger rules", wholeHash(chain.ledger_rules, "ledger rules")],
      ["Contract rules", wholeHash(chain.contract_rules, "contract rules")],
      ["Blocks kept", `from ${grouped(chain.first_height)}`],
      ["A block has up to", `${grouped(chain.parameters.limits.gas)} gas, ${size(chain.parameters.limits.bytes)}, ${counted(chain.parameters.limits.transactions, "transaction")}`],
      ["Scheduled calls", grouped(chain.parameters.calls.length)],
      ["Validators", chain.parameters.validators > 0 ? grouped(chain.parameters.validators) : undefined],
    ])),
  ];
}

/// The newest transactions of the last blocks.
class Recent {
  constructor(place) {
    this.place = place;
    this.shown = [];
    this.queue = Promise.resolve();
  }

  start(blocks) {
    const full = blocks.filter((block) => block.transaction_count > 0).slice(0, SEARCHED);
    fill(this.place, empty("Looking for transactions…"));
    for (const block of full.reverse()) this.add(block);
    if (full.length === 0) this.show();
  }

  add(block) {
    if (block.transaction_count === 0) return;
    this.queue = this.queue.then(() => this.read(block.height)).catch(() => {});
  }

  async read(height) {
    const { transactions, calls } = await call("getBlock", { height, transactions: "full" });
    const last = transactions.slice(-TRANSACTIONS).reverse();
    const receipts = [...last.flatMap((one) => one.result.receipts), ...calls.map((one) => one.receipt)];
    await learn([...last.flatMap((one) => addressesOf(one.body)), ...contractsOf(receipts)]);
    this.shown = [...last, ...this.shown].slice(0, TRANSACTIONS);
    this.show();
  }

  show() {
    const none = empty("No transaction in the last blocks.", "Send one with ", el("code", {}, "fusee"), ", or by the form of a contract.");
    const hasFocus = this.place.contains(document.activeElement) && document.activeElement.getAttribute("href");
    fill(this.place, this.shown.length > 0 ? transactionTable("The newest transactions", this.shown) : none);
    if (hasFocus) this.place.querySelector(`a[href="${CSS.escape(hasFocus)}"]`)?.focus();
  }
}

const STATES = {
  live: ["Live", "good"],
  polling: ["Every 2 seconds", "waits"],
  lost: ["No connection", "bad"],
  paused: ["Paused", "waits"],
};

function liveBlocks(blocks, leave) {
  const shown = blockTable("The newest blocks", blocks);
  const none = el("div", {}, blocks.length === 0 && empty("There is no block yet. The first transaction makes one, or the next interval."));
  const state = el("span", { class: "status" }, "Connecting");
  const announcer = el("p", { class: "hidden", role: "status", "aria-live": "polite" });
  const pause = el("button", { type: "button", class: "small", "aria-pressed": "false" }, "Pause");
  const list = { onBlock: () => {}, isPaused: false, missed: [], last: blocks[0]?.height ?? null };
  const append = (block) => {
    none.replaceChildren();
    shown.body.prepend(shown.row(shown.cells(block)));
    shown.body.firstChild.classList.add("new");
    while (shown.body.childElementCount > BLOCKS) shown.body.lastChild.remove();
    list.onBlock(block);
  };
  const take = (block) => (list.isPaused ? list.missed.push(block) : append(block));
  let announced = 0;
  const follow = async (block) => {
    if (list.last !== null && block.height <= list.last) return;
    const isGap = list.last !== null && block.height > list.last + 1;
    const after = list.last;
    list.last = block.height;
    if (isGap) await fillGap(after, block.height, take);
    take(block);
    if (!list.isPaused && Date.now() - announced > QUIET) {
      announced = Date.now();
      announcer.textContent = `Block ${grouped(block.height)}, ${counted(block.transaction_count, "transaction")}`;
    }
  };
  let queue = Promise.resolve();
  const tell = (name) => {
    const [text, kind] = STATES[list.isPaused ? "paused" : name];
    list.state = name;
    state.textContent = text;
    state.className = `status ${kind}`;
  };
  leave(followBlocks((block) => (queue = queue.then(() => follow(block))), tell));
  pause.addEventListener("click", () => {
    list.isPaused = !list.isPaused;
    pause.setAttribute("aria-pressed", String(list.isPaused));
    tell(list.state ?? "polling");
    if (!list.isPaused) list.missed.splice(0).slice(-BLOCKS).forEach(append);
  });
  list.node = section(
    ["Blocks ", el("span", { class: "live" }, state, pause)],
    shown.node,
    none,
    announcer,
    el("p", {}, el("a", { href: "#/blocks" }, "All blocks")),
  );
  return list;
}

/// The blocks between two heights, so that none is left out; of many, the last ones.
async function fillGap(after, before, take) {
  try {
    const { blocks } = await call("getBlocks", { before, limit: Math.min(before - after - 1, BLOCKS) });
    blocks.filter((block) => block.height > after).reverse().forEach(take);
  } catch {
    // The list of all blocks has them.
  }
}

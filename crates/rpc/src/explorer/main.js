// The page: its addresses, the search, and what is the same on every page.

import { call, find } from "./rpc.js";
import { el, empty, failure, fill, load } from "./dom.js";
import { untrustedWord } from "./format.js";
import { contractsNamed } from "./names.js";
import { accountList } from "./values.js";
import { addressOf, learnDevelopmentAccounts } from "./transaction.js";
import { homePage } from "./home.js";
import { blockPage, blocksPage, transactionPage } from "./pages.js";
import { addressPage } from "./address.js";

const main = document.getElementById("main");
const words = document.getElementById("words");

let chain = null;
let leaving = [];
let isFirst = true;

async function chainFacts() {
  if (chain === null) {
    chain = await call("getChain");
    if (chain.is_development) await learnDevelopmentAccounts();
    fill(
      document.getElementById("footer"),
      el("span", {}, "Served by the node of ", el("bdi", {}, chain.chain_id), `, Fusee ${chain.version}. `),
      el("a", { href: "openrpc.json" }, "Interface (OpenRPC)"),
      chain.is_development && accountList(),
    );
  }
  return chain;
}

/// The pages by the first part of their address: their title, and their content.
const PAGES = {
  "": [() => "Blocks", (parts, leave, facts) => homePage(facts, leave)],
  blocks: [() => "Blocks", ([before]) => blocksPage(before)],
  block: [([height]) => `Block ${height.slice(0, 16)}`, ([wanted]) => blockPage(wanted)],
  transaction: [([id]) => `Transaction ${id.slice(0, 8)}`, ([id]) => transactionPage(id)],
  address: [
    ([address]) => `Address ${address.slice(0, 8)}`,
    ([address, part, method], leave, facts) => addressPage(facts, address, part, method),
  ],
  search: [() => "Search", ([wanted]) => searchPage(wanted)],
};

/// Pages that need a hash or a height after their name.
const NEEDS = ["block", "transaction", "address"];

function route() {
  const [name, ...parts] = location.hash.replace(/^#\/?/, "").split("/").map(decode);
  for (const leave of leaving.splice(0)) leave();
  const [title, content] = PAGES[name] ?? [];
  const isWhole = title && (!NEEDS.includes(name) || /^[0-9a-f]+$/i.test(parts[0] ?? ""));
  document.title = `${isWhole ? title(parts) : "No such page"} · Fusee`;
  const mine = [];
  leaving = mine;
  const leave = (work) => (leaving === mine ? mine.push(work) : work());
  const work = async () => {
    if (!isWhole) return [el("h1", {}, "No such page"), empty("See the ", el("a", { href: "#/" }, "newest blocks"), ", or search.")];
    return content(parts, leave, await chainFacts());
  };
  const place = el("div", { class: "page" });
  fill(main, place);
  if (!isFirst) {
    scrollTo(0, 0);
    main.focus({ preventScroll: true });
  }
  isFirst = false;
  load(place, work, 8);
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/// Where a height, a hash, an address or a name leads to; a list if it is several.
async function searchPage(wanted) {
  const found = await search(wanted);
  if (found.length === 1) {
    location.replace(found[0][0]);
    return [];
  }
  return [
    el("h1", {}, "Search"),
    found.length > 0
      ? el("ul", {}, found.map(([address, label]) => el("li", {}, el("a", { href: address }, label))))
      : [
          empty("Nothing here is ", el("bdi", {}, untrustedWord(wanted ?? "", 80)), "."),
          el("p", {}, "Search for the height of a block, the hash of a block or transaction, the address or name of an account, or the name of a contract that you have seen on this page."),
        ],
  ];
}

async function search(text) {
  const wanted = (text ?? "").trim();
  const digits = wanted.replaceAll(/[,_ ]/g, "");
  if (/^\d{1,15}$/.test(digits)) return [[`#/block/${Number(digits)}`, `Block ${digits}`]];
  const address = addressOf(wanted);
  if (address && wanted.replace(/^0x/, "").length !== 64) return [[`#/address/${address}`, wanted]];
  if (!address) {
    return contractsNamed(wanted).map(([at, contract]) => [`#/address/${at}`, `${untrustedWord(contract.name)} ${at.slice(0, 8)}`]);
  }
  const [transaction, block, account] = await Promise.all([
    find("getTransaction", { id: address }),
    find("getBlock", { hash: address }),
    find("getAccount", { address }),
  ]);
  if (transaction) return [[`#/transaction/${address}`, "Transaction"]];
  if (block) return [[`#/block/${address}`, "Block"]];
  const isUsed = account && (account.code_hash || account.nonce > 0 || account.balance !== "0");
  return isUsed ? [[`#/address/${address}`, "Address"]] : [[`#/address/${address}`, "An address that was never used"], ["#/", "The newest blocks"]];
}

document.getElementById("search").addEventListener("submit", (event) => {
  event.preventDefault();
  const wanted = words.value.trim();
  if (wanted === "") return words.focus();
  location.hash = `#/search/${encodeURIComponent(wanted)}`;
  words.value = "";
});

document.querySelector(".skip").addEventListener("click", (event) => {
  // The part after # is the address of the page, so the link cannot have it.
  event.preventDefault();
  main.focus();
});

addEventListener("hashchange", route);
addEventListener("unhandledrejection", (event) => {
  main.prepend(failure(event.reason instanceof Error ? event.reason : new Error(String(event.reason))));
});
route();

// The page of an account, and of a contract: its interface, storage and events, and a form for each
// method.

import { call } from "./rpc.js";
import { el, empty, facts, failure, fill, load, section, table } from "./dom.js";
import { bytes, grouped, hashLink, size, untrusted, untrustedWord, wholeHash } from "./format.js";
import { addressLink, forget, interfaceOf, learn } from "./names.js";
import { shownEvent } from "./parts.js";
import { readEntry, signature } from "./interface.js";
import { shownValue } from "./values.js";
import { callForm } from "./callform.js";
import { nameOf } from "./transaction.js";

/// Entries of storage, and events, that are loaded at once.
const PAGE = 50;

/// The page of an address. `part`: `methods`, `storage` or `events` of a contract; `method`: the one
/// whose form is open.
export async function addressPage(chain, address, part = "methods", method = null) {
  const account = await call("getAccount", { address });
  if (!account.code_hash) return accountPage(account);
  forget(address);
  const [contract, [described, wrong]] = await Promise.all([
    call("getContract", { address }),
    interfaceOf(address).then((it) => [it, null], (error) => [null, error]),
  ]);
  await learn([contract.admin].filter(Boolean));
  const place = el("div", {});
  const parts = { methods: "Methods", storage: "Storage", events: "Events" };
  const shown = part in parts ? part : "methods";
  if (shown === "methods") fill(place, methodsPart(chain, contract, described, method));
  if (shown === "storage") load(place, () => storagePart(address, described), 5);
  if (shown === "events") load(place, () => eventsPart(address), 5);
  const link = ([name, label]) =>
    el("a", { href: `#/address/${address}/${name}`, "aria-current": name === shown ? "page" : null }, label);
  return [
    el("h1", {}, described?.name ? [el("bdi", {}, untrustedWord(described.name)), " ", el("span", { class: "tag" }, "contract")] : "Contract"),
    described?.doc && el("p", { class: "doc" }, untrusted(described.doc)),
    facts([
      ["Address", wholeHash(address, "address")],
      ["Code", wholeHash(contract.code_hash, "hash of the code"), size(contract.code_bytes)],
      ["Admin", contract.admin ? addressLink(contract.admin) : "nobody: its code stays as it is"],
      ["Balance", grouped(contract.balance)],
      ["Stored", contract.stored_bytes !== undefined ? size(contract.stored_bytes) : undefined],
    ]),
    wrong && failure(Object.assign(wrong, { title: "Its interface cannot be read" })),
    !described && !wrong && el("p", { class: "note" }, "It has no interface, so arguments and values are bytes."),
    described && el("p", { class: "note" }, "Names and descriptions are the contract's own words. Nothing checks that they are true."),
    el("nav", { class: "parts", "aria-label": "Parts of the contract" }, Object.entries(parts).map(link)),
    place,
  ];
}

function accountPage(account) {
  const name = nameOf(account.address);
  const isUnused = account.nonce === 0 && account.balance === "0";
  return [
    el("h1", {}, name ? [`@${name} `, el("span", { class: "tag" }, "development account")] : "Account"),
    facts([
      ["Address", wholeHash(account.address, "address")],
      ["Balance", grouped(account.balance)],
      ["Transactions sent", grouped(account.nonce), account.next_nonce > account.nonce ? `${grouped(account.next_nonce - account.nonce)} more wait` : undefined],
      ["Quota", account.quota && `${grouped(account.quota.used)} of ${grouped(account.quota.gas)} gas used until block ${grouped(account.quota.end)}`],
    ]),
    isUnused && empty("This address was never used, or has nothing left. Whoever has its key can use it."),
    el("p", { class: "faint" }, "As of block ", el("a", { href: `#/block/${account.height}` }, grouped(account.height)), "."),
  ];
}

function methodsPart(chain, contract, described, open) {
  const declared = described?.methods ?? [];
  const undeclared = (contract.methods ?? []).filter((name) => !declared.some((method) => method.name === name));
  const isMade = (name) => name !== "deploy" && name !== "migrate";
  const items = [
    ...declared.filter((method) => isMade(method.name)),
    ...undeclared.filter(isMade).map((name) => ({ name, isRaw: true })),
  ];
  const item = (method) => {
    const place = el("div", {});
    const details = el(
      "details",
      { class: "method", open: method.name === open },
      el(
        "summary",
        {},
        method.isAny
          ? "Any method, by its name and bytes"
          : el("code", {}, el("bdi", {}, untrustedWord(method.isRaw ? method.name : signature(method), 200))),
        " ",
        method.read_only && el("span", { class: "tag" }, "reads"),
        method.payable && el("span", { class: "tag" }, "payable"),
      ),
      method.doc && el("p", { class: "doc" }, untrusted(method.doc)),
      place,
    );
    const fillForm = () => {
      if (details.open && place.childElementCount === 0) fill(place, callForm(chain, contract.address, described, method));
    };
    details.addEventListener("toggle", fillForm);
    fillForm();
    return details;
  };
  const types = described?.types ?? [];
  return [
    items.length > 0 ? items.map(item) : empty("It has no method that can be called."),
    item({ name: "", isRaw: true, isAny: true }),
    declaredPart("Events", described?.events, (event) => `${event.name}(${[...(event.topics ?? []), ...(event.data ?? [])].map((field) => `${field.name}: ${field.type}`).join(", ")})`),
    declaredPart("Errors", described?.errors, (error) => error.name),
    declaredPart("Types", types, definition),
  ];
}

function definition({ name, struct, enum: variants }) {
  const inside = (fields) => (fields ?? []).map((field) => `${field.name}: ${field.type}`).join(", ");
  if (struct) return `${name} { ${inside(struct)} }`;
  return `${name} = ${(variants ?? []).map((one) => (one.fields?.length ? `${one.name} { ${inside(one.fields)} }` : one.name)).join(" | ")}`;
}

function declaredPart(title, list, text) {
  if (!list || list.length === 0) return null;
  const rows = list.map((one) => el("div", {}, el("dt", {}, el("code", {}, untrusted(text(one)))), el("dd", {}, one.doc ? untrusted(one.doc) : "")));
  return section(title, el("dl", { class: "declared" }, rows));
}

/// Entries that the interface tells have their field, key and value; others are bytes.
async function storagePart(address, described) {
  const first = await call("getStorage", { address, limit: PAGE });
  if (first.entries.length === 0) return section("Storage", empty("It stores nothing."));
  const cells = (entry) => {
    const of = size((entry.value.length - 2) / 2);
    const decoded = readEntry(described, entry);
    if (!decoded) return [bytes(entry.key), bytes(entry.value), of];
    const isMember = (described.storage ?? []).some((field) => field.name === decoded.field && field.set !== undefined);
    return [shownPlace(decoded), isMember ? "" : shownValue(decoded.value), of];
  };
  const load = (cursor) => call("getStorage", { address, after: cursor, limit: PAGE });
  return pages("Storage", "Entries of its storage, by their keys", [["Key", "wide"], ["Value", "wide"], ["Size", "right"]], first, {
    entries: (page) => page.entries,
    cells,
    load,
    note: `As of block ${grouped(first.height)}.`,
  });
}

/// The place of an entry: `balances[@bob]`.
function shownPlace({ field, key, isLength }) {
  const inside = key !== undefined && ["[", shownValue(key), "]"];
  return el("span", { class: "value" }, el("code", {}, el("bdi", {}, untrustedWord(field))), inside, isLength && ", length");
}

async function eventsPart(address) {
  const load = async (cursor) => {
    const page = await call("getEvents", { address, order: "newest_first", limit: PAGE, cursor });
    await learn(page.events.map((event) => event.address));
    return page;
  };
  const first = await load();
  if (first.events.length === 0) return section("Events", empty("It emitted none that this node keeps."));
  const cells = (event) => [
    el("a", { href: `#/block/${event.place.height}` }, grouped(event.place.height)),
    shownEvent(event),
    event.transaction ? hashLink("transaction", event.transaction) : "scheduled call",
  ];
  return pages("Events", "Its events, newest first", ["Block", ["Event", "wide"], "Transaction"], first, {
    entries: (page) => page.events,
    cells,
    load,
  });
}

/// A table to which further pages are appended on demand.
function pages(title, caption, columns, first, { entries, cells, load: next, note }) {
  const shown = table(caption, columns, entries(first).map(cells));
  const more = el("div", { class: "more" });
  const offer = (page) => {
    if (page.cursor === undefined) return fill(more);
    const button = el("button", { type: "button" }, "More");
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        const page2 = await next(page.cursor);
        const from = shown.body.childElementCount;
        entries(page2).forEach((entry) => shown.append(cells(entry)));
        offer(page2);
        shown.body.children[from]?.querySelector("a, button")?.focus();
      } catch (error) {
        fill(more, failure(error, () => offer(page)));
      }
    });
    return fill(more, button);
  };
  offer(first);
  return section(title, shown.node, more, note && el("p", { class: "faint" }, note));
}

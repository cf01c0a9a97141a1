// What is known of addresses: development accounts by name, contracts by their interfaces.

import { find } from "./rpc.js";
import { el } from "./dom.js";
import { hashLink, shortened, untrustedWord } from "./format.js";
import { nameOf } from "./transaction.js";

/// Interfaces by address, asked for once. `null` where there is none.
const asked = new Map();
const known = new Map();

/// The interface of a contract, or `null`.
export function interfaceOf(address) {
  if (!asked.has(address)) {
    const answer = nameOf(address) ? Promise.resolve(null) : find("getInterface", { address });
    const learned = answer.then((contract) => {
      if (contract) known.set(address, contract);
      return contract;
    });
    learned.catch(() => asked.delete(address));
    asked.set(address, learned);
  }
  return asked.get(address);
}

/// The interface if it was asked for before.
export function knownInterface(address) {
  return known.get(address) ?? null;
}

/// Asks for the interfaces of these addresses. What is not there, or not now, is left out.
export async function learn(addresses) {
  await Promise.allSettled([...new Set(addresses)].map(interfaceOf));
}

/// Forgets what may change: contracts get other code.
export function forget(address) {
  asked.delete(address);
  known.delete(address);
}

/// The contracts that this page has seen, which call themselves so.
export function contractsNamed(words) {
  const wanted = words.trim().toLowerCase();
  return [...known].filter(([, contract]) => contract.name.toLowerCase() === wanted);
}

/// What an address is called, as a text: `@alice`, `token 05c3f7b4`, or its ends.
export function label(address) {
  const name = nameOf(address);
  if (name) return `@${name}`;
  const contract = known.get(address);
  return contract?.name ? `${untrustedWord(contract.name, 24)} ${address.slice(0, 6)}` : shortened(address);
}

/// A link to an address. A contract chooses its name itself, so its address is beside it.
export function addressLink(address) {
  const name = nameOf(address);
  if (name) return hashLink("address", address, `@${name}`);
  const contract = known.get(address);
  if (!contract?.name) return hashLink("address", address);
  return el(
    "span",
    { class: "named" },
    hashLink("address", address, el("bdi", {}, untrustedWord(contract.name, 24))),
    " ",
    el("small", { class: "mono faint" }, address.slice(0, 8)),
  );
}

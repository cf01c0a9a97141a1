// Transactions as accounts sign them (docs/book/src/transactions.md), and the development accounts, for which
// everybody can sign. A test compares the encoding with the vectors of the ledger.

import { pushInteger, pushSized } from "./interface.js";
import { fromHex, toHex } from "./format.js";

/// The accounts that a development chain begins with.
export const DEVELOPMENT_ACCOUNTS = ["alice", "bob", "carol", "dave", "erin"];

const OPERATIONS = {
  transfer: 1,
  call: 2,
  upload: 3,
  deploy: 4,
  create: 5,
  upgrade: 6,
  set_admin: 7,
  remove_code: 8,
};

const text = new TextEncoder();
/// What an Ed25519 secret begins with in PKCS #8.
const PKCS8 = "302e020100300506032b657004220420";

/// Whether this browser, on this page, can compute addresses and sign.
export function canSign() {
  return globalThis.crypto?.subtle !== undefined;
}

/// The encoded body, which has the fields of the node's answers: everything but the signatures.
export function encodeBody(body) {
  const out = [1];
  pushSized(out, text.encode(body.chain_id));
  pushHex(out, body.sender);
  pushInteger(out, BigInt(body.nonce), 8);
  pushInteger(out, BigInt(body.expiry), 8);
  pushInteger(out, BigInt(body.gas_limit), 8);
  pushInteger(out, BigInt(body.gas_price), 16);
  pushOptional(out, body.fee_payer);
  pushInteger(out, BigInt(body.operations.length), 4);
  body.operations.forEach((operation) => pushOperation(out, operation));
  return Uint8Array.from(out);
}

function pushOperation(out, operation) {
  const value = () => pushInteger(out, BigInt(operation.value ?? 0), 16);
  const input = () => pushSized(out, fromHex(operation.input ?? ""));
  out.push(OPERATIONS[operation.kind]);
  switch (operation.kind) {
    case "transfer":
      pushHex(out, operation.to);
      return value();
    case "call":
      pushHex(out, operation.to);
      pushSized(out, text.encode(operation.method));
      input();
      return value();
    case "upload":
      return pushSized(out, fromHex(operation.code));
    case "deploy":
      pushSized(out, fromHex(operation.code));
      input();
      return value();
    case "create":
      pushHex(out, operation.code_hash);
      pushOptional(out, operation.salt);
      pushOptional(out, operation.admin);
      input();
      return value();
    case "upgrade":
      pushHex(out, operation.contract);
      pushHex(out, operation.code_hash);
      input();
      return value();
    case "set_admin":
      pushHex(out, operation.contract);
      return pushOptional(out, operation.admin);
    default:
      return pushHex(out, operation.code_hash);
  }
}

function pushHex(out, hex) {
  out.push(...fromHex(hex));
}

function pushOptional(out, hex) {
  out.push(hex ? 1 : 0);
  if (hex) pushHex(out, hex);
}

async function sha256(...parts) {
  const bytes = parts.flatMap((part) => [...part]);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", Uint8Array.from(bytes)));
}

/// The id of a transaction, as hexadecimal digits.
export async function transactionId(body) {
  return toHex(await sha256(text.encode("fusee transaction"), encodeBody(body)));
}

/// The address of a development account.
export async function developmentAddress(name) {
  return toHex(await sha256(text.encode("fusee development account"), text.encode(name)));
}

/// Signs by the key of a development account. Returns the whole transaction as hexadecimal digits.
export async function signForDevelopment(name, body) {
  const secret = await sha256(text.encode("fusee development key"), text.encode(name));
  const pkcs8 = Uint8Array.from([...fromHex(PKCS8), ...secret]);
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", false, ["sign"]);
  const id = fromHex(await transactionId(body));
  const signature = new Uint8Array(await crypto.subtle.sign("Ed25519", key, id));
  return toHex(developmentTransaction(name, body, signature));
}

function developmentTransaction(name, body, signature) {
  const out = [...encodeBody(body), 0];
  pushSized(out, text.encode(name));
  return Uint8Array.from([...out, ...signature]);
}

/// A transaction to simulate: its signature is of zeros, by a development account or an Ed25519 key.
export function unsigned(body, name) {
  const signature = new Uint8Array(64);
  if (name) return toHex(developmentTransaction(name, body, signature));
  return toHex(Uint8Array.from([...encodeBody(body), 1, ...new Uint8Array(32), ...signature]));
}

const names = new Map();

/// Learns the addresses of the development accounts.
export async function learnDevelopmentAccounts() {
  if (!canSign()) return;
  for (const name of DEVELOPMENT_ACCOUNTS) names.set(await developmentAddress(name), name);
}

/// The name of a development account, or `undefined`.
export function nameOf(address) {
  return names.get(address);
}

/// The address of a name with or without `@`, or of 64 digits with or without `0x`; `null` if it is
/// neither.
export function addressOf(words) {
  const word = words.trim().replace(/^@/, "");
  for (const [address, name] of names) if (name === word.toLowerCase()) return address;
  const digits = word.replace(/^0x/, "").toLowerCase();
  return /^[0-9a-f]{64}$/.test(digits) ? digits : null;
}

// The token contract in AssemblyScript: balances, allowances and a fixed supply, as the guest in
// token/.
//
// It has the same methods, storage, events and messages. Invariant: the balances add up to the
// total supply, which only `deploy` sets; so no balance overflows. Everything lies at fixed places
// in the memory, so the contract needs no allocator.

import * as fusee from "./fusee";

const ADDRESS: u32 = 32;
const NUMBER: u32 = 8;

// Two accounts and an amount: the data of both events, and the arguments of most methods.
const FROM = memory.data(72);
const TO = FROM + ADDRESS;
const AMOUNT = TO + ADDRESS;
const MOVED: u32 = 72;

// Storage keys: a tag, and one account or two.
const KEY = memory.data(65);
const BALANCE: u8 = 1;
const ALLOWANCE: u8 = 2;
const SUPPLY_KEY: u32 = 1;
const BALANCE_KEY: u32 = 33;
const ALLOWANCE_KEY: u32 = 65;

// A number that goes to the host, or comes from there.
const CELL = memory.data(8);

const MESSAGE = memory.data(100);
let messageLength: u32 = 0;

// A text of ASCII characters, appended to the message. Strings are UTF-16 in memory.
function text(text: string): void {
  for (let at = 0; at < text.length; at++) {
    store<u8>(MESSAGE + messageLength++, <u8>text.charCodeAt(at));
  }
}

function number(number: u64): void {
  let digits: u32 = 1;
  for (let rest = number / 10; rest != 0; rest /= 10) digits++;
  for (let at = digits; at > 0; at--) {
    store<u8>(MESSAGE + messageLength + at - 1, <u8>(48 + number % 10));
    number /= 10;
  }
  messageLength += digits;
}

// A call that reverts does not return.
function revert(): void {
  fusee.revert(MESSAGE, messageLength);
  unreachable();
}

// Reads the arguments: exactly as many bytes as they have.
function args(to: usize, length: u32): void {
  const has = <u32>fusee.input_read(to, length);
  if (has == length) return;
  text(has < length ? "arguments end too early" : "bytes after the arguments");
  revert();
}

// The number under the key, or 0.
function loadNumber(length: u32): u64 {
  store<u64>(CELL, 0);
  fusee.storage_read(KEY, length, CELL, NUMBER);
  return load<u64>(CELL);
}

function storeNumber(length: u32, number: u64): void {
  store<u64>(CELL, number);
  fusee.storage_write(KEY, length, CELL, NUMBER);
}

function output(length: u32): void {
  loadNumber(length);
  fusee.output_write(CELL, NUMBER);
}

function balanceKey(account: usize): void {
  store<u8>(KEY, BALANCE);
  memory.copy(KEY + 1, account, ADDRESS);
}

// An event with MOVED as its data, and the message as its topic.
function emit(topic: string): void {
  text(topic);
  fusee.event_emit(MESSAGE, messageLength, FROM, MOVED);
}

// What is left of the number, or a revert that names both.
function subtract(complaint: string, has: u64, needs: u64): u64 {
  if (has < needs) {
    text(complaint);
    text(": has ");
    number(has);
    text(", needs ");
    number(needs);
    revert();
  }
  return has - needs;
}

// Moves tokens with two writes and one event.
function moveTokens(): void {
  const amount = load<u64>(AMOUNT);
  balanceKey(FROM);
  storeNumber(BALANCE_KEY, subtract("insufficient balance", loadNumber(BALANCE_KEY), amount));
  // Read after the write above, so that a transfer to oneself leaves the balance as it was.
  balanceKey(TO);
  storeNumber(BALANCE_KEY, loadNumber(BALANCE_KEY) + amount);
  emit("transfer");
}

// deploy(supply: u64): credits the whole supply to the caller.
export function deploy(): void {
  args(AMOUNT, NUMBER);
  storeNumber(SUPPLY_KEY, load<u64>(AMOUNT));
  fusee.caller(FROM);
  balanceKey(FROM);
  storeNumber(BALANCE_KEY, load<u64>(AMOUNT));
}

// transfer(to: address, amount: u64): moves the caller's tokens.
export function transfer(): void {
  args(TO, ADDRESS + NUMBER);
  fusee.caller(FROM);
  moveTokens();
}

// approve(spender: address, amount: u64): sets how many of the caller's tokens another account may
// move, in place of any earlier number.
export function approve(): void {
  args(TO, ADDRESS + NUMBER);
  fusee.caller(FROM);
  store<u8>(KEY, ALLOWANCE);
  memory.copy(KEY + 1, FROM, 2 * ADDRESS);
  storeNumber(ALLOWANCE_KEY, load<u64>(AMOUNT));
  emit("approve");
}

// transfer_from(from: address, to: address, amount: u64): moves another account's tokens, out of
// the allowance that it gave to the caller.
export function transfer_from(): void {
  args(FROM, MOVED);
  store<u8>(KEY, ALLOWANCE);
  memory.copy(KEY + 1, FROM, ADDRESS);
  fusee.caller(KEY + 1 + ADDRESS);
  const allowed = loadNumber(ALLOWANCE_KEY);
  storeNumber(ALLOWANCE_KEY, subtract("insufficient allowance", allowed, load<u64>(AMOUNT)));
  moveTokens();
}

// balance_of(account: address) -> u64
export function balance_of(): void {
  args(FROM, ADDRESS);
  balanceKey(FROM);
  output(BALANCE_KEY);
}

// allowance(owner: address, spender: address) -> u64
export function allowance(): void {
  store<u8>(KEY, ALLOWANCE);
  args(KEY + 1, 2 * ADDRESS);
  output(ALLOWANCE_KEY);
}

// total_supply() -> u64
export function total_supply(): void {
  args(FROM, 0);
  store<u8>(KEY, 0);
  output(SUPPLY_KEY);
}

// A client of a hostile interface: nothing of it ran, and its methods are there.
import assert from "node:assert";
import * as client from "./js/client.js";

assert.strictEqual(globalThis.broken, undefined);
const Contract = Object.values(client).find((found) => found.prototype?.$0 ?? found.prototype?.["0"]);
const contract = new Contract("0x" + "00".repeat(32), "http://127.0.0.1:1");
assert.strictEqual(await contract, contract);
const values = Array.from({ length: 16 }, (_, position) => BigInt(position));
const call = contract.__proto__$(...values);
assert.strictEqual(call.method, "__proto__");
assert.strictEqual(call.input.length, 128);
console.log("done");

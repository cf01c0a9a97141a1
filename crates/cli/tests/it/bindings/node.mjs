// Reads a balance, sends a transfer and decodes its event, by a development node.
import assert from "node:assert";
import { createHash, createPrivateKey, sign } from "node:crypto";
import { ContractError, NodeError, Token, decodeEvent, encodeDeploy } from "./js/client.js";

const [url, contract, ...accounts] = process.argv.slice(2);
const [alice, bob] = accounts.map((digits) => `0x${digits.replace(/^0x/, "")}`);
const address = `0x${contract.replace(/^0x/, "")}`;
const sha256 = (bytes) => createHash("sha256").update(bytes).digest();

/** The signer of a development account, whose secret follows from its name. */
function development(name, account) {
  const seed = sha256(`fusee development key${name}`);
  const head = Buffer.from("302e020100300506032b657004220420", "hex");
  const key = createPrivateKey({ key: Buffer.concat([head, seed]), format: "der", type: "pkcs8" });
  const length = Buffer.from([name.length, 0, 0, 0]);
  return {
    address: account,
    async authorize(message) {
      const signature = sign(null, sha256(message), key);
      return Buffer.concat([Buffer.from([0]), length, Buffer.from(name), signature]);
    },
  };
}

const token = new Token(address, url, development("alice", alice));
assert.strictEqual(await token.total_supply(), 1000n);
assert.strictEqual(await token.balance_of(bob), 0n);
const before = (await token.node.call("getChain", {})).height;

const sent = await token.transfer(bob, 7n).send();
assert.strictEqual(sent.output, null);
assert.strictEqual(sent.height, before + 1);
const data = { from: alice, to: bob, amount: 7n };
assert.deepStrictEqual(sent.events.map(decodeEvent), [{ name: "transfer", topics: {}, data }]);
assert.strictEqual(decodeEvent({ ...sent.events[0], data: "0x00" }), null);
assert.strictEqual(decodeEvent({ ...sent.events[0], topic: "0x00" }), null);
assert.strictEqual(await token.balance_of(bob), 7n);
assert.strictEqual(await token.balance_of(bob, { height: before }), 0n);

// A contract that reverts, one that is not there, and no signer.
const many = token.transfer(bob, 5000n).send();
await assert.rejects(many, (error) => error instanceof ContractError && error.status === "reverted");
const absent = new Token(bob, url);
await assert.rejects(absent.total_supply(), (error) => {
  return error instanceof NodeError || error instanceof ContractError;
});
await assert.rejects(absent.transfer(bob, 1n).send(), /no signer/);
assert.strictEqual(Buffer.from(encodeDeploy(1000n)).toString("hex"), "e803000000000000");
console.log("done");

// Values as the codecs of the client and the interface in Rust have them. The test adds calls.
import assert from "node:assert";
import * as client from "./js/client.js";

const digits = (bytes) => `0x${Buffer.from(bytes).toString("hex")}`;

function same(codec, value, bytes) {
  assert.deepStrictEqual(client.$decode(codec, bytes), value);
  assert.strictEqual(digits(client.$encode(codec, value)), bytes);
}

function unwritten(codec, value) {
  assert.throws(() => client.$encode(codec, value), client.EncodingError);
}

function unread(codec, bytes) {
  assert.throws(() => client.$decode(codec, bytes), client.EncodingError);
}


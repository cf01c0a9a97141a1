// Interfaces of contracts: their types, and values by them. The rules and limits are those of the
// node (crates/interface); a test compares both.
//
// A value is: a boolean, a `BigInt` for every integer, a text, `null` for nothing and an absent
// option, or an object with one of these: `hex` (bytes), `address`, `some`, `items` (a list), `fields`
// (pairs of name and value), `variant` and `fields`.

import { fromHex, toHex } from "./format.js";

/// Types and values inside each other.
const [MAX_TYPE_DEPTH, MAX_DEPTH] = [16, 64];
/// Values that one read comes to, each inside of others counted.
const MAX_VALUES = 65_536;

/// A value that does not fit its type, with the place.
export class ValueError extends Error {
  constructor(place, reason) {
    super(place ? `${place}: ${reason}` : reason);
    this.place = place;
  }
}

/// Parses a type: `u64`, `option<address>`, `vec<(u8, string)>`, `[u8; 4]`.
export function parseType(text) {
  const parser = { text, at: 0 };
  const type = readType(parser, 0);
  if (parser.at !== text.length) throw new ValueError(text, "something follows the type");
  return type;
}

function readType(parser, depth) {
  if (depth > MAX_TYPE_DEPTH) throw new ValueError(parser.text.slice(0, 64), "the type is too deep");
  if (take(parser, "(")) return readTuple(parser, depth + 1);
  if (take(parser, "[")) {
    const inner = readType(parser, depth + 1);
    const length = /^; (\d+)\]/.exec(parser.text.slice(parser.at));
    if (!length) throw new ValueError(parser.text.slice(0, 64), "the length of an array is missing");
    parser.at += length[0].length;
    return { kind: "array", inner, length: Number(length[1]) };
  }
  const word = /^[A-Za-z0-9_]*/.exec(parser.text.slice(parser.at))[0];
  parser.at += word.length;
  const integer = /^([ui])(8|16|32|64|128)$/.exec(word);
  if (integer) return { kind: "integer", isSigned: integer[1] === "i", bits: Number(integer[2]) };
  if (["bool", "string", "bytes", "address"].includes(word)) return { kind: word };
  if (word === "option" || word === "vec") {
    if (!take(parser, "<")) throw new ValueError(word, "its type is missing");
    const inner = readType(parser, depth + 1);
    if (!take(parser, ">")) throw new ValueError(word, "a bracket is missing");
    return { kind: word, inner };
  }
  if (/^[A-Z]/.test(word)) return { kind: "named", name: word };
  throw new ValueError(parser.text.slice(0, 64), "there is no such type");
}

function readTuple(parser, depth) {
  if (take(parser, ")")) return { kind: "unit" };
  const types = [readType(parser, depth)];
  while (take(parser, ", ")) types.push(readType(parser, depth));
  take(parser, ",");
  if (!take(parser, ")")) throw new ValueError(parser.text.slice(0, 64), "a bracket is missing");
  return { kind: "tuple", types };
}

function take(parser, text) {
  const isThere = parser.text.startsWith(text, parser.at);
  if (isThere) parser.at += text.length;
  return isThere;
}

/// Whether the values of a type are bytes, as many as they are or `length`.
export function isBytes(type) {
  const isList = type.kind === "vec" || type.kind === "array";
  return type.kind === "bytes" || (isList && type.inner.kind === "integer" && type.inner.bits === 8 && !type.inner.isSigned);
}

function definition(contract, name) {
  const found = contract.types?.find((type) => type.name === name);
  if (!found) throw new ValueError(name, "the interface does not define this type");
  return found;
}

/// The fields of a struct, or `null`.
export function structFields(contract, type) {
  return type.kind === "named" ? (definition(contract, type.name).struct ?? null) : null;
}

/// The variants of an enum, or `null`.
export function enumVariants(contract, type) {
  return type.kind === "named" ? (definition(contract, type.name).enum ?? null) : null;
}

/// Reads a value that takes all of the bytes, which are hexadecimal.
export function readValue(contract, type, hex) {
  const reader = newReader(contract, hex);
  const value = read(reader, parseType(type), "the value");
  return ended(reader, value);
}

/// Reads fields that take all of the bytes: pairs of name and value.
export function readFields(contract, fields, hex) {
  const reader = newReader(contract, hex);
  return ended(reader, readEach(reader, fields));
}

function newReader(contract, hex) {
  const bytes = fromHex(hex);
  return { contract, bytes, view: new DataView(bytes.buffer), at: 0, left: MAX_VALUES, depth: 0 };
}

function ended(reader, value) {
  const more = reader.bytes.length - reader.at;
  if (more > 0) throw new ValueError("the value", `${more} bytes follow it`);
  return value;
}

function readEach(reader, fields) {
  return fields.map((field) => [field.name, read(reader, parseType(field.type), field.name)]);
}

function read(reader, type, place) {
  if ((reader.left -= 1) < 0) throw new ValueError(place, "there are too many values");
  if ((reader.depth += 1) > MAX_DEPTH) throw new ValueError(place, "values are too deep inside each other");
  const value = readKind(reader, type, place);
  reader.depth -= 1;
  return value;
}

function readKind(reader, type, place) {
  switch (type.kind) {
    case "unit":
      return null;
    case "bool":
      return readFlag(reader, place);
    case "integer":
      return readInteger(reader, type, place);
    case "string":
      return readString(reader, place);
    case "address":
      return { address: toHex(readBytes(reader, 32, place)) };
    case "bytes":
      return { hex: toHex(readBytes(reader, readLength(reader, place), place)) };
    case "option":
      return readFlag(reader, place) ? { some: read(reader, type.inner, place) } : null;
    case "vec":
    case "array":
      return readList(reader, type, place);
    case "tuple":
      return { items: type.types.map((inner) => read(reader, inner, place)) };
    default:
      return readNamed(reader, type);
  }
}

function readList(reader, type, place) {
  const length = type.kind === "vec" ? readLength(reader, place) : type.length;
  if (isBytes(type)) return { hex: toHex(readBytes(reader, length, place)) };
  const items = [];
  for (let at = 0; at < length; at += 1) items.push(read(reader, type.inner, place));
  return { items };
}

function readNamed(reader, type) {
  const { struct, enum: variants } = definition(reader.contract, type.name);
  if (struct) return { fields: readEach(reader, struct) };
  const position = readBytes(reader, 1, type.name)[0];
  const variant = variants?.[position];
  if (!variant) throw new ValueError(type.name, `there is no variant ${position}`);
  return { variant: variant.name, fields: readEach(reader, variant.fields ?? []) };
}

function readBytes(reader, length, place) {
  const end = reader.at + length;
  if (end > reader.bytes.length) throw new ValueError(place, "bytes are missing");
  const bytes = reader.bytes.subarray(reader.at, end);
  reader.at = end;
  return bytes;
}

function readFlag(reader, place) {
  const [byte] = readBytes(reader, 1, place);
  if (byte > 1) throw new ValueError(place, `${byte} is no bool`);
  return byte === 1;
}

function readLength(reader, place) {
  readBytes(reader, 4, place);
  return reader.view.getUint32(reader.at - 4, true);
}

function readInteger(reader, { bits, isSigned }, place) {
  const bytes = readBytes(reader, bits / 8, place);
  const number = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return isSigned ? BigInt.asIntN(bits, number) : number;
}

function readString(reader, place) {
  return decodeText(readBytes(reader, readLength(reader, place), place), place);
}

function decodeText(bytes, place) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new ValueError(place, "this is no text in UTF-8");
  }
}

/// Writes the values of fields, which are in their order. Returns bytes.
export function writeFields(contract, fields, values) {
  const out = [];
  writeEach({ contract, out, depth: 0 }, fields, values);
  return Uint8Array.from(out);
}

/// Writes a value. Returns bytes.
export function writeValue(contract, type, value) {
  const out = [];
  write({ contract, out, depth: 0 }, parseType(type), value, "the value");
  return Uint8Array.from(out);
}

function writeEach(writer, fields, values) {
  fields.forEach((field, at) => write(writer, parseType(field.type), values[at], field.name));
}

function write(writer, type, value, place) {
  if ((writer.depth += 1) > MAX_DEPTH) throw new ValueError(place, "values are too deep inside each other");
  writeKind(writer, type, value, place);
  writer.depth -= 1;
}

function writeKind(writer, type, value, place) {
  const { out } = writer;
  switch (type.kind) {
    case "unit":
      return;
    case "bool":
      out.push(value ? 1 : 0);
      return;
    case "integer":
      writeInteger(out, type, value, place);
      return;
    case "string":
      pushSized(out, new TextEncoder().encode(value));
      return;
    case "address":
      pushExactly(out, fromHex(value.address), 32, place);
      return;
    case "bytes":
      pushSized(out, fromHex(value.hex));
      return;
    case "option":
      out.push(value === null ? 0 : 1);
      if (value !== null) write(writer, type.inner, value.some, place);
      return;
    case "vec":
    case "array":
      writeList(writer, type, value, place);
      return;
    case "tuple":
      type.types.forEach((inner, at) => write(writer, inner, value.items[at], place));
      return;
    default:
      writeNamed(writer, type, value);
  }
}

function writeList(writer, type, value, place) {
  const isVec = type.kind === "vec";
  if (isBytes(type)) {
    const bytes = fromHex(value.hex);
    return isVec ? pushSized(writer.out, bytes) : pushExactly(writer.out, bytes, type.length, place);
  }
  const { items } = value;
  if (isVec) {
    pushInteger(writer.out, BigInt(items.length), 4);
  } else if (items.length !== type.length) {
    throw new ValueError(place, `${type.length} values are needed, and there are ${items.length}`);
  }
  items.forEach((item) => write(writer, type.inner, item, place));
}

function writeNamed(writer, type, value) {
  const { struct, enum: variants } = definition(writer.contract, type.name);
  const inOrder = value.fields.map(([, field]) => field);
  if (struct) return writeEach(writer, struct, inOrder);
  const position = variants.findIndex((variant) => variant.name === value.variant);
  if (position < 0) throw new ValueError(type.name, `there is no variant ${value.variant}`);
  writer.out.push(position);
  return writeEach(writer, variants[position].fields ?? [], inOrder);
}

function writeInteger(out, { bits, isSigned }, value, place) {
  const [low, high] = range(bits, isSigned);
  if (value < low || value > high) throw new ValueError(place, `a number from ${low} to ${high} is needed`);
  pushInteger(out, BigInt.asUintN(bits, value), bits / 8);
}

/// The least and the greatest integer of so many bits.
export function range(bits, isSigned) {
  const all = 1n << BigInt(bits);
  return isSigned ? [-all / 2n, all / 2n - 1n] : [0n, all - 1n];
}

/// Appends an integer in so many bytes, little-endian.
export function pushInteger(out, number, bytes) {
  for (let at = 0n; at < bytes; at += 1n) out.push(Number((number >> (8n * at)) & 255n));
}

/// Appends bytes after their number.
export function pushSized(out, bytes) {
  pushInteger(out, BigInt(bytes.length), 4);
  for (const byte of bytes) out.push(byte);
}

function pushExactly(out, bytes, length, place) {
  if (bytes.length !== length) {
    throw new ValueError(place, `${length} bytes are needed, and there are ${bytes.length}`);
  }
  for (const byte of bytes) out.push(byte);
}

/// The method with this name, or `null`.
export function method(contract, name) {
  return contract?.methods?.find((known) => known.name === name) ?? null;
}

/// Decodes an event by the interface of its contract: name, doc and fields; `null` if it is none that
/// the interface has.
export function readEvent(contract, event) {
  const topics = (event.topics ?? [event.topic]).map((topic) => topic.replace(/^0x/, ""));
  const text = new TextEncoder();
  const declared = contract?.events?.find((known) => toHex(text.encode(known.name)) === topics[0]);
  const inTopics = declared?.topics ?? [];
  if (!declared || topics.length !== inTopics.length + 1) return null;
  try {
    const fields = inTopics.map((field, at) => [field.name, readValue(contract, field.type, topics[at + 1])]);
    return { name: declared.name, doc: declared.doc, fields: [...fields, ...readFields(contract, declared.data ?? [], event.data)] };
  } catch (error) {
    if (error instanceof ValueError || error instanceof RangeError) return null;
    throw error;
  }
}

/// Decodes an entry of storage by the fields that the interface tells: field, which entry (`key`, or
/// `isLength`), and value; `null` if no field has it.
export function readEntry(contract, { key, value }) {
  try {
    const reader = newReader(contract, key);
    const [position] = readBytes(reader, 1, "the key");
    const field = contract?.storage?.find((known) => known.position === position);
    if (!field) return null;
    const isOnly = reader.at === reader.bytes.length;
    const { value: only, map, set, vector } = field;
    if (only !== undefined) return isOnly ? { field: field.name, value: readValue(contract, only, value) } : null;
    if (vector !== undefined && isOnly) return { field: field.name, isLength: true, value: readValue(contract, "u32", value) };
    const inside = readKey(reader, parseType(map?.key ?? set ?? "u32"));
    return { field: field.name, key: ended(reader, inside), value: readValue(contract, map?.value ?? vector ?? "()", value) };
  } catch (error) {
    if (error instanceof ValueError || error instanceof RangeError) return null;
    throw error;
  }
}

/// A key of a map or set: integers and lengths are big-endian.
function readKey(reader, type) {
  if ((reader.left -= 1) < 0) throw new ValueError("the key", "there are too many values");
  switch (type.kind) {
    case "integer":
      return readBytes(reader, type.bits / 8, "the key").reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    case "string": {
      const length = Number(readKey(reader, { kind: "integer", bits: 32 }));
      return decodeText(readBytes(reader, length, "the key"), "the key");
    }
    case "tuple":
      return { items: type.types.map((inner) => readKey(reader, inner)) };
    case "bool":
    case "address":
    case "array":
      return readKind(reader, type, "the key");
    default:
      throw new ValueError("the key", "this is no type of keys");
  }
}

/// `transfer(to: address, amount: u64) -> bool`.
export function signature({ name, args, returns }) {
  const inside = (args ?? []).map((field) => `${field.name}: ${field.type}`).join(", ");
  return `${name}(${inside})${returns && returns !== "()" ? ` → ${returns}` : ""}`;
}

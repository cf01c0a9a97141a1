/* eslint-disable */
/** Made by `fusee bindings`: make it again instead of changing it. */

/** The messages that the contract reverts with. */
export type ErrorMessage =
  /** The input is shorter than the arguments of the method. */
  | "arguments end too early"
  /** The input is longer than the arguments of the method. */
  | "bytes after the arguments"
  | never;

const $errors = new Map<string, string>([
  ["arguments end too early", "The input is shorter than the arguments of the method."],
  ["bytes after the arguments", "The input is longer than the arguments of the method."],
]);

/** The events that the contract emits. */
export type ContractEvent =
  /** An allowance was set. */
  | { name: "approve"; topics: {
    }; data: {
      owner: Address;
      spender: Address;
      amount: bigint;
    } }
  /** Tokens were moved. */
  | { name: "transfer"; topics: {
    }; data: {
      from: Address;
      to: Address;
      amount: bigint;
    } }
  | never;

/** 32 bytes that name an account or a contract: `0x` and 64 hexadecimal digits. */
export type Address = `0x${string}`;

/** A value that cannot be encoded, or bytes that are not of the declared type. */
export class EncodingError extends Error {}

/** The node refused a request, or could not be understood. */
export class NodeError extends Error {
  /** The code of JSON-RPC, or the status of HTTP. */
  readonly code: number;
  /** The `data` of the error: `kind` is for programs, `next` says what to do. */
  readonly data: unknown;

  constructor(message: string, code: number, data: unknown) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

/** A query or a transaction that was executed, and did not succeed. */
export class ContractError extends Error {
  /** `reverted`, `trapped`, `out_of_gas` or `rejected`. */
  readonly status: string;
  /** The message of the revert, if the interface declares it. */
  readonly declared: ErrorMessage | null;
  /** What the interface says about that message. */
  readonly doc: string;
  /** The receipt as the node has it. */
  readonly receipt: Receipt | null;

  constructor(status: string, receipt: Receipt | null) {
    const message = receipt?.revert ?? receipt?.trap ?? receipt?.rejection ?? null;
    super(message === null ? status : `${status}: ${message}`);
    const doc = receipt?.revert == null ? undefined : $errors.get(receipt.revert);
    this.status = status;
    this.declared = doc === undefined ? null : (receipt?.revert as ErrorMessage);
    this.doc = doc ?? "";
    this.receipt = receipt;
  }
}

/** An event as a node has it. */
export interface RawEvent {
  address: string;
  topic: string;
  topics?: string[] | null;
  data: string;
}

/** The result of an operation or a query, as a node has it. */
export interface Receipt {
  status: string;
  gas_used: number;
  output: string;
  events: RawEvent[];
  revert?: string | null;
  trap?: string | null;
  rejection?: string | null;
}

/** How a query is executed. */
export interface QueryOptions {
  /** The height of the state. Default: that of the last block. */
  height?: number;
  /** The gas limit. Default: the greatest that the node admits. */
  gas?: number;
  /** The caller that the contract sees. Default: 32 bytes 0. */
  caller?: Address;
}

/** How a transaction is made. */
export interface SendOptions {
  /** The gas limit. Default: 10,000,000. */
  gas?: bigint;
  /** The price of a unit of gas. Default: the lowest of the chain. */
  gasPrice?: bigint;
  /** The nonce. Default: the next one of the account. */
  nonce?: bigint;
  /** The last height that may include the transaction. Default: 100 blocks from now. */
  expiry?: bigint;
  /** How long to wait for a block in milliseconds. Default: that of the node. */
  timeoutMs?: number;
}

/** Signs transactions: a wallet, a key file, a remote signer. */
export interface Signer {
  /** The account that sends, and pays. */
  readonly address: Address;
  /**
   * The encoded authorization of a message: the number of the scheme, the public key and the
   * signature. What the scheme signs is the SHA-256 of the message, which is the transaction's id.
   */
  authorize(message: Uint8Array): Promise<Uint8Array>;
}

/** A transaction that is in a block. */
export interface Sent<T> {
  id: string;
  height: number;
  gasUsed: number;
  output: T;
  events: RawEvent[];
}

/** A node that is called by JSON-RPC over HTTP. */
export class NodeClient {
  readonly url: string;
  readonly #fetch: typeof fetch;

  constructor(url: string, fetcher: typeof fetch = (input, init) => fetch(input, init)) {
    this.url = url;
    this.#fetch = fetcher;
  }

  /** Calls a method of the node. Parameters that are `undefined` are left out. */
  async call<T>(method: string, params: Record<string, unknown>): Promise<T> {
    const response = await this.#fetch(this.url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
    });
    let answer: { result?: T; error?: { code: number; message: string; data?: unknown } };
    try {
      answer = await response.json();
    } catch {
      throw new NodeError(`no JSON, HTTP status ${response.status}`, response.status, null);
    }
    if (answer?.error) {
      throw new NodeError(answer.error.message, answer.error.code, answer.error.data ?? null);
    }
    if (answer?.result === undefined) {
      throw new NodeError(`no result, HTTP status ${response.status}`, response.status, null);
    }
    return answer.result;
  }
}

/** A call of a method, which changes the chain once it is signed and sent. */
export class PreparedCall<T> {
  readonly address: Address;
  readonly method: string;
  readonly input: Uint8Array;
  readonly value: bigint;
  readonly #node: NodeClient;
  readonly #signer: Signer | null;
  readonly #output: $Codec<T>;

  constructor(
    contract: $Contract,
    call: { method: string; input: Uint8Array; value: bigint },
    output: $Codec<T>,
  ) {
    this.address = contract.address;
    this.method = call.method;
    this.input = call.input;
    this.value = call.value;
    this.#node = contract.node;
    this.#signer = contract.signer;
    this.#output = output;
  }

  /** The encoded operation, for programs that make transactions themselves. */
  operation(): Uint8Array {
    const to = new $Writer();
    $codec.u8.write(to, 2, "operation");
    $codec.address.write(to, this.address, "address");
    $codec.string.write(to, this.method, "method");
    $codec.bytes.write(to, this.input, "input");
    $codec.u128.write(to, this.value, "value");
    return to.take();
  }

  /** Signs and sends it, and waits until it is in a block. */
  async send(options: SendOptions = {}): Promise<Sent<T>> {
    const signer = this.#signer;
    if (signer === null) {
      throw new EncodingError("there is no signer: pass one to the constructor of the contract");
    }
    const message = await this.#message(signer.address, options);
    const authorization = await signer.authorize(message);
    const body = message.subarray($prefix.length);
    const transaction = new Uint8Array(body.length + authorization.length);
    transaction.set(body);
    transaction.set(authorization, body.length);
    const sent = await this.#node.call<{
      id: string;
      height?: number | null;
      result?: { status: string; gas_used: number; receipts: Receipt[] } | null;
    }>("sendTransactionAndWait", {
      transaction: $toHex(transaction),
      timeout_ms: options.timeoutMs,
    });
    const receipt = sent.result?.receipts[0] ?? null;
    if (sent.result?.status !== "success" || receipt === null) {
      throw new ContractError(sent.result?.status ?? "waiting", receipt);
    }
    return {
      id: sent.id,
      height: sent.height ?? 0,
      gasUsed: sent.result.gas_used,
      output: $decode(this.#output, receipt.output),
      events: receipt.events,
    };
  }

  async #message(sender: Address, options: SendOptions): Promise<Uint8Array> {
    const chain = await this.#node.call<{
      chain_id: string;
      height: number;
      parameters: { payment: { fees?: { minimum_price: string } } };
    }>("getChain", {});
    let nonce = options.nonce;
    if (nonce === undefined) {
      const params = { address: sender };
      const account = await this.#node.call<{ next_nonce: number }>("getAccount", params);
      nonce = BigInt(account.next_nonce);
    }
    const lowest = BigInt(chain.parameters.payment.fees?.minimum_price ?? "0");
    const to = new $Writer();
    to.push($prefix);
    $codec.u8.write(to, 1, "version");
    $codec.string.write(to, chain.chain_id, "chain id");
    $codec.address.write(to, sender, "sender");
    $codec.u64.write(to, nonce, "nonce");
    $codec.u64.write(to, options.expiry ?? BigInt(chain.height) + 100n, "expiry");
    $codec.u64.write(to, options.gas ?? 10_000_000n, "gas");
    $codec.u128.write(to, options.gasPrice ?? lowest, "gasPrice");
    $codec.bool.write(to, false, "fee payer");
    $codec.u32.write(to, 1, "operations");
    to.push(this.operation());
    return to.take();
  }
}

/** What all contracts have. Names with a dollar sign are none of a contract. */
export class $Contract {
  readonly address: Address;
  readonly node: NodeClient;
  readonly signer: Signer | null;

  /** The contract at an address; `node` is a URL such as `http://127.0.0.1:8645`. */
  constructor(address: Address, node: string | NodeClient, signer: Signer | null = null) {
    this.address = address;
    this.node = typeof node === "string" ? new NodeClient(node) : node;
    this.signer = signer;
  }

  protected async $query<T>(
    method: string,
    input: Uint8Array,
    output: $Codec<T>,
    options: QueryOptions,
  ): Promise<T> {
    const { receipt } = await this.node.call<{ receipt: Receipt }>("query", {
      address: this.address,
      method,
      input: $toHex(input),
      height: options.height,
      gas: options.gas,
      caller: options.caller,
    });
    if (receipt.status !== "success") {
      throw new ContractError(receipt.status, receipt);
    }
    return $decode(output, receipt.output);
  }

  protected $call<T>(
    method: string,
    input: Uint8Array,
    output: $Codec<T>,
    value: bigint,
  ): PreparedCall<T> {
    return new PreparedCall(this, { method, input, value }, output);
  }
}

/** The event, if the interface declares it and the bytes are of the declared types. */
export function decodeEvent(event: RawEvent): ContractEvent | null {
  const [first, ...topics] = event.topics ?? [event.topic];
  try {
    const name = $decodeText(first ?? "0x");
    const declared = $events.get(name);
    if (declared === undefined || declared.topics.length !== topics.length) {
      return null;
    }
    const values = declared.topics.map(([field, codec], position) => {
      return [field, $decode(codec, topics[position] ?? "0x")];
    });
    const data = $decode($fields(declared.data), event.data);
    return { name, topics: Object.fromEntries(values), data } as unknown as ContractEvent;
  } catch (error) {
    if (error instanceof EncodingError) {
      return null;
    }
    throw error;
  }
}

/** How values of a type are written and read. */
export interface $Codec<T> {
  write(to: $Writer, value: T, place: string): void;
  read(from: $Reader, place: string): T;
}

/** Fields in order, with their names. */
type $Fields = ReadonlyArray<readonly [string, $Codec<any>]>;

const $prefix = new TextEncoder().encode("fusee transaction");

/** Values inside each other, at most. */
const $maxDepth = 64;

/** Values that one read makes, at most: values without a size cost their author nothing. */
const $maxValues = 65_536;

/** What is written. */
export class $Writer {
  #bytes = new Uint8Array(64);
  #length = 0;
  #depth = 0;

  push(more: ArrayLike<number>): void {
    const length = this.#length + more.length;
    if (length > this.#bytes.length) {
      const bytes = new Uint8Array(2 * length);
      bytes.set(this.#bytes);
      this.#bytes = bytes;
    }
    this.#bytes.set(more, this.#length);
    this.#length = length;
  }

  value<T>(codec: $Codec<T>, value: T, place: string): void {
    this.#depth += 1;
    $check(this.#depth <= $maxDepth, place, "there are too many values inside each other");
    codec.write(this, value, place);
    this.#depth -= 1;
  }

  take(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

/** What is left to be read. */
export class $Reader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #depth = 0;
  #values = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  take(length: number, place: string): Uint8Array {
    $check(length <= this.#bytes.length - this.#at, place, "bytes are missing");
    this.#at += length;
    return this.#bytes.slice(this.#at - length, this.#at);
  }

  value<T>(codec: $Codec<T>, place: string): T {
    this.#depth += 1;
    this.#values += 1;
    $check(this.#depth <= $maxDepth, place, "there are too many values inside each other");
    $check(this.#values <= $maxValues, place, "there are too many values");
    const value = codec.read(this, place);
    this.#depth -= 1;
    return value;
  }

  end(): void {
    const more = this.#bytes.length - this.#at;
    $check(more === 0, "the value", `${more} bytes follow it`);
  }
}

function $check(holds: boolean, place: string, reason: string): asserts holds {
  if (!holds) {
    throw new EncodingError(`${place}: ${reason}`);
  }
}

function $toHex(bytes: Uint8Array): Address {
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"));
  return `0x${digits.join("")}`;
}

function $fromHex(text: string, place: string): Uint8Array {
  const isHex = typeof text === "string" && /^0x([0-9a-fA-F]{2})*$/.test(text);
  $check(isHex, place, "0x and hexadecimal digits are expected");
  const bytes = new Uint8Array(text.length / 2 - 1);
  for (let at = 0; at < bytes.length; at += 1) {
    bytes[at] = Number.parseInt(text.slice(2 * at + 2, 2 * at + 4), 16);
  }
  return bytes;
}

function $decodeText(hex: string): string {
  return $utf8($fromHex(hex, "the topic"), "the topic");
}

function $utf8(bytes: Uint8Array, place: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new EncodingError(`${place}: it is not UTF-8`);
  }
}

/** A value that takes all of the bytes. */
export function $decode<T>(codec: $Codec<T>, bytes: string | Uint8Array): T {
  const from = new $Reader(typeof bytes === "string" ? $fromHex(bytes, "the value") : bytes);
  const value = from.value(codec, "the value");
  from.end();
  return value;
}

/** The bytes of a value. */
export function $encode<T>(codec: $Codec<T>, value: T): Uint8Array {
  const to = new $Writer();
  to.value(codec, value, "the value");
  return to.take();
}

/** The bytes of arguments. */
function $arguments(fields: $Fields, values: readonly unknown[]): Uint8Array {
  const to = new $Writer();
  fields.forEach(([name, codec], position) => to.value(codec, values[position], name));
  return to.take();
}

function $integer(bits: number, signed: boolean): $Codec<bigint> {
  const wrap = signed ? BigInt.asIntN : BigInt.asUintN;
  return {
    write(to, value, place) {
      const fits = typeof value === "bigint" && wrap(bits, value) === value;
      $check(fits, place, `${String(value)} is no ${signed ? "i" : "u"}${bits} as a bigint`);
      const bytes = new Uint8Array(bits / 8);
      let rest = BigInt.asUintN(bits, value);
      for (let at = 0; at < bytes.length; at += 1) {
        bytes[at] = Number(rest & 255n);
        rest >>= 8n;
      }
      to.push(bytes);
    },
    read(from, place) {
      const bytes = from.take(bits / 8, place);
      return wrap(bits, bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n));
    },
  };
}

/** Integers that a number holds exactly. */
function $small(bits: number, signed: boolean): $Codec<number> {
  const codec = $integer(bits, signed);
  return {
    write(to, value, place) {
      $check(Number.isInteger(value), place, `${String(value)} is no integer as a number`);
      codec.write(to, BigInt(value), place);
    },
    read: (from, place) => Number(codec.read(from, place)),
  };
}

function $length(to: $Writer, length: number, place: string): void {
  $codec.u32.write(to, length, place);
}

/** So many bytes, or any number of them. */
function $blob(size: number | null): $Codec<Uint8Array> {
  return {
    write(to, value, place) {
      $check(value instanceof Uint8Array, place, "a Uint8Array is expected");
      $check(size === null || value.length === size, place, `${size} bytes are expected`);
      if (size === null) {
        $length(to, value.length, place);
      }
      to.push(value);
    },
    read: (from, place) => from.take(size ?? $codec.u32.read(from, place), place),
  };
}

/** So many values, or any number of them. */
function $list<T>(inner: $Codec<T>, size: number | null): $Codec<Array<T>> {
  return {
    write(to, value, place) {
      $check(Array.isArray(value), place, "an array is expected");
      $check(size === null || value.length === size, place, `${size} values are expected`);
      if (size === null) {
        $length(to, value.length, place);
      }
      for (const item of value) {
        to.value(inner, item, place);
      }
    },
    read(from, place) {
      const length = size ?? $codec.u32.read(from, place);
      const values: Array<T> = [];
      while (values.length < length) {
        values.push(from.value(inner, place));
      }
      return values;
    },
  };
}

function $tuple<T extends unknown[]>(parts: ReadonlyArray<$Codec<any>>): $Codec<T> {
  return {
    write(to, value, place) {
      const fits = Array.isArray(value) && value.length === parts.length;
      $check(fits, place, `an array of ${parts.length} is expected`);
      parts.forEach((part, position) => to.value(part, value[position], place));
    },
    read: (from, place) => parts.map((part) => from.value(part, place)) as T,
  };
}

function $option<T>(inner: $Codec<T>): $Codec<T | null> {
  return {
    write(to, value, place) {
      $codec.bool.write(to, value !== null, place);
      if (value !== null) {
        to.value(inner, value, place);
      }
    },
    read: (from, place) => ($codec.bool.read(from, place) ? from.value(inner, place) : null),
  };
}

/** An option of what may be null itself. */
function $some<T>(inner: $Codec<T>): $Codec<{ some: T } | null> {
  return {
    write(to, value, place) {
      $codec.bool.write(to, value !== null, place);
      if (value !== null) {
        $check(Object.hasOwn(value, "some"), place, "null or { some } is expected");
        to.value(inner, value.some, place);
      }
    },
    read: (from, place) =>
      $codec.bool.read(from, place) ? { some: from.value(inner, place) } : null,
  };
}

function $fields<T>(fields: $Fields): $Codec<T> {
  return {
    write(to, value, place) {
      $check(typeof value === "object" && value !== null, place, "an object is expected");
      for (const [name, codec] of fields) {
        $check(Object.hasOwn(value, name), name, "it is missing");
        to.value(codec, (value as Record<string, unknown>)[name], name);
      }
    },
    read(from) {
      const values = fields.map(([name, codec]) => [name, from.value(codec, name)]);
      return Object.fromEntries(values) as T;
    },
  };
}

function $enum<T>(variants: ReadonlyArray<readonly [string, $Fields]>): $Codec<T> {
  return {
    write(to, value, place) {
      const chosen = value as { kind: string; fields?: unknown };
      const position = variants.findIndex(([name]) => name === chosen?.kind);
      const variant = variants[position];
      $check(variant !== undefined, place, `there is no ${String(chosen?.kind)}`);
      to.push([position]);
      $fields(variant[1]).write(to, chosen.fields ?? {}, place);
    },
    read(from, place) {
      const position = $codec.u8.read(from, place);
      const variant = variants[position];
      $check(variant !== undefined, place, `there is no variant ${position}`);
      const [kind, parts] = variant;
      const fields = $fields(parts).read(from, place);
      return (parts.length === 0 ? { kind } : { kind, fields }) as T;
    },
  };
}

/** The codecs of all types without a name. */
export const $codec = {
  unit: {
    write: (_to, value, place) => $check(value === null, place, "null is expected"),
    read: () => null,
  } as $Codec<null>,
  bool: {
    write(to, value, place) {
      $check(typeof value === "boolean", place, "a boolean is expected");
      to.push([value ? 1 : 0]);
    },
    read(from, place) {
      const byte = from.take(1, place)[0];
      $check(byte === 0 || byte === 1, place, "it is no boolean");
      return byte === 1;
    },
  } as $Codec<boolean>,
  u8: $small(8, false),
  u16: $small(16, false),
  u32: $small(32, false),
  u64: $integer(64, false),
  u128: $integer(128, false),
  i8: $small(8, true),
  i16: $small(16, true),
  i32: $small(32, true),
  i64: $integer(64, true),
  i128: $integer(128, true),
  string: {
    write(to, value, place) {
      $check(typeof value === "string", place, "a string is expected");
      $check(!/[\ud800-\udfff]/u.test(value), place, "it has half of a character");
      $codec.bytes.write(to, new TextEncoder().encode(value), place);
    },
    read: (from, place) => $utf8($codec.bytes.read(from, place), place),
  } as $Codec<string>,
  bytes: $blob(null),
  address: {
    write(to, value, place) {
      const bytes = $fromHex(value, place);
      $check(bytes.length === 32, place, "0x and 64 hexadecimal digits are expected");
      to.push(bytes);
    },
    read: (from, place) => $toHex(from.take(32, place)),
  } as $Codec<Address>,
  blob: $blob,
  list: $list,
  tuple: $tuple,
  option: $option,
  some: $some,
  fields: $fields,
  variants: $enum,
  arguments: $arguments,
};

const $events = new Map<string, { topics: $Fields; data: $Fields }>([
  ["approve", { topics: [], data: [["owner", $codec.address], ["spender", $codec.address], ["amount", $codec.u64]] }],
  ["transfer", { topics: [], data: [["from", $codec.address], ["to", $codec.address], ["amount", $codec.u64]] }],
]);

/**
 * The input of `deploy`.
 * Credits the whole supply to the caller.
 */
export function encodeDeploy(supply: bigint): Uint8Array {
  return $codec.arguments([["supply", $codec.u64]], [supply]);
}

/** Balances, allowances and a fixed supply. */
export class Token extends $Contract {
  /** How many of the owner's tokens the spender may move. */
  allowance(owner: Address, spender: Address, options$: QueryOptions = {}): Promise<bigint> {
    const input$ = $codec.arguments([["owner", $codec.address], ["spender", $codec.address]], [owner, spender]);
    return this.$query("allowance", input$, $codec.u64, options$);
  }

  /** Sets how many of the caller's tokens another account may move. */
  approve(spender: Address, amount: bigint): PreparedCall<null> {
    const input$ = $codec.arguments([["spender", $codec.address], ["amount", $codec.u64]], [spender, amount]);
    return this.$call("approve", input$, $codec.unit, 0n);
  }

  /** The tokens of an account. */
  balance_of(account: Address, options$: QueryOptions = {}): Promise<bigint> {
    const input$ = $codec.arguments([["account", $codec.address]], [account]);
    return this.$query("balance_of", input$, $codec.u64, options$);
  }

  /** The tokens of all accounts together. */
  total_supply(options$: QueryOptions = {}): Promise<bigint> {
    const input$ = $codec.arguments([], []);
    return this.$query("total_supply", input$, $codec.u64, options$);
  }

  /** Moves the caller's tokens. */
  transfer(to: Address, amount: bigint): PreparedCall<null> {
    const input$ = $codec.arguments([["to", $codec.address], ["amount", $codec.u64]], [to, amount]);
    return this.$call("transfer", input$, $codec.unit, 0n);
  }

  /** Moves another account's tokens, out of the allowance that it gave to the caller. */
  transfer_from(from: Address, to: Address, amount: bigint): PreparedCall<null> {
    const input$ = $codec.arguments([["from", $codec.address], ["to", $codec.address], ["amount", $codec.u64]], [from, to, amount]);
    return this.$call("transfer_from", input$, $codec.unit, 0n);
  }
}

// The node's interface: requests over HTTP, and blocks as they come over a WebSocket.

/// Milliseconds between two looks for a new block without a WebSocket.
const POLL = 2000;
/// Milliseconds until a lost WebSocket is opened again, and the most of them.
const [FIRST_WAIT, LONGEST_WAIT] = [1000, 30_000];
/// Milliseconds that a request may take.
const PATIENCE = 60_000;

const base = new URL(".", location.href);

/// The node's answer that something is wrong, or that there was no answer. Has the message, the
/// next step, and the kind by which programs tell errors apart.
export class RpcError extends Error {
  constructor(message, { code, kind, next, data, title, isAnswer = false } = {}) {
    super(message);
    Object.assign(this, { code, kind, next, data, title, isAnswer });
  }
}

let number = 0;

/// Calls a method with parameters by name, of which `undefined` ones are left out.
export async function call(method, parameters = {}, { signal } = {}) {
  const id = (number += 1);
  const stop = AbortSignal.timeout(PATIENCE);
  let text;
  let response;
  try {
    response = await fetch(base, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id, method, params: parameters }),
      signal: signal ? AbortSignal.any([signal, stop]) : stop,
    });
    text = await response.text();
  } catch (error) {
    if (error.name === "TimeoutError") {
      throw new RpcError(`the node did not answer ${method} within ${PATIENCE / 1000} seconds`, {
        kind: "no_answer",
        next: "try again, with less gas or a shorter list",
      });
    }
    throw new RpcError("the node does not answer", {
      title: "No connection",
      kind: "no_answer",
      next: "see whether the node runs, and this page loads again",
    });
  }
  return answer(response, text);
}

function answer(response, text) {
  let document;
  try {
    document = parse(text);
  } catch {
    const isLimit = response.status === 429;
    throw new RpcError(isLimit ? "too many requests" : `the node answered ${response.status}`, {
      kind: isLimit ? "too_many_requests" : "no_json",
      next: isLimit ? "wait a moment, then try again" : "see the log of the node",
    });
  }
  if (document.error) {
    const { code, message, data } = document.error;
    throw new RpcError(message, { code, data, kind: data?.kind, next: data?.next, isAnswer: true });
  }
  return document.result;
}

/// JSON whose integers keep all digits: those beyond 2^53 are a `BigInt`.
export function parse(text) {
  return JSON.parse(text, (_, value, context) => {
    const isRounded = typeof value === "number" && !Number.isSafeInteger(value);
    return isRounded && /^-?\d+$/.test(context?.source ?? "") ? BigInt(context.source) : value;
  });
}

/// The result of the method, or `null` if there is no such thing.
export async function find(method, parameters) {
  try {
    return await call(method, parameters);
  } catch (error) {
    if (error.kind === "not_found") return null;
    throw error;
  }
}

/// Tells of each new block and of the state of the connection (`live`, `polling`, `lost`), until the
/// returned function is called.
export function followBlocks(onBlock, onState) {
  const follower = { isOver: false, socket: null, timer: null, last: null };
  const tell = (block) => {
    if (follower.isOver || (follower.last !== null && block.height <= follower.last)) return;
    follower.last = block.height;
    onBlock(block);
  };
  const poll = async () => {
    try {
      tell(await call("getLatestBlock"));
      onState("polling");
    } catch {
      onState("lost");
    }
    if (!follower.isOver && !follower.socket) follower.timer = setTimeout(poll, POLL);
  };
  connect(follower, tell, onState, poll, FIRST_WAIT);
  return () => {
    follower.isOver = true;
    clearTimeout(follower.timer);
    follower.socket?.close();
  };
}

function connect(follower, tell, onState, poll, wait) {
  const address = new URL(base);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(address);
  let isOpen = false;
  socket.addEventListener("open", () => {
    socket.send(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "subscribeBlocks", params: {} }));
  });
  socket.addEventListener("message", (event) => {
    const message = parse(event.data);
    if (message.id === 1 && message.result !== undefined) {
      isOpen = true;
      follower.socket = socket;
      clearTimeout(follower.timer);
      onState("live");
      // What came before the subscription.
      call("getLatestBlock").then(tell, () => {});
    } else if (message.error || message.params?.error) {
      socket.close();
    } else if (message.params?.result?.height !== undefined) {
      tell(message.params.result);
    }
  });
  socket.addEventListener("close", () => {
    follower.socket = null;
    if (follower.isOver) return;
    clearTimeout(follower.timer);
    poll();
    const next = isOpen ? FIRST_WAIT : Math.min(2 * wait, LONGEST_WAIT);
    setTimeout(() => follower.isOver || connect(follower, tell, onState, poll, next), next);
  });
}

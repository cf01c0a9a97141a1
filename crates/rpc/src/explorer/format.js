// Numbers, times, bytes and texts as people read them.

import { el, copyButton } from "./dom.js";

/// Digits of a hash or address at either end in lists.
const SHORT = 8;
/// Characters of an untrusted text, and bytes of a value, that are shown at once.
const LONG = 240;

const group = new Intl.NumberFormat("en", { useGrouping: true });

/// A number, a `BigInt` or a decimal text, with its digits in groups of three.
export function grouped(number) {
  if (number === null || number === undefined) return "–";
  if (typeof number === "string") return /^-?\d+$/.test(number) ? group.format(BigInt(number)) : number;
  return group.format(number);
}

/// `1 block`, `2 blocks`.
export function counted(number, noun) {
  return `${grouped(number)} ${noun}${Number(number) === 1 ? "" : "s"}`;
}

/// A size in bytes.
export function size(bytes) {
  if (bytes < 1024) return counted(bytes, "byte");
  const [unit, divisor] = bytes < 1024 ** 2 ? ["KiB", 1024] : ["MiB", 1024 ** 2];
  return `${(bytes / divisor).toFixed(1)} ${unit}`;
}

/// A time in milliseconds since 1970, local, with UTC as its title. A chain may begin at time 0.
export function time(milliseconds, form = "long") {
  const date = new Date(Number(milliseconds));
  if (Number.isNaN(date.getTime())) return el("span", {}, grouped(milliseconds), " ms");
  const utc = date.toISOString();
  const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  const day = { year: "numeric", month: "short", day: "numeric" };
  const isToday = date.toDateString() === new Date().toDateString();
  const shown = form === "short" && isToday ? clock : { ...day, ...clock };
  const text = new Intl.DateTimeFormat(undefined, shown).format(date);
  return el("time", { datetime: utc, title: `${utc.replace("T", " ").replace("Z", "")} UTC` }, text);
}

export function shortened(hash) {
  return hash.length > 2 * SHORT + 3 ? `${hash.slice(0, SHORT)}…${hash.slice(-SHORT + 2)}` : hash;
}

/// A link to what has this hash, by its beginning and end.
export function hashLink(kind, hash, label) {
  return el(
    "a",
    { href: `#/${kind}/${hash}`, class: label ? null : "mono", title: hash },
    label ?? shortened(hash),
  );
}

/// A whole hash, which can be copied. `kind` makes it a link.
export function wholeHash(hash, what, kind) {
  const text = el(kind ? "a" : "span", { class: "mono wrap", href: kind && `#/${kind}/${hash}` }, hash);
  return el("span", { class: "whole" }, text, copyButton(hash, what));
}

export function status(name, text) {
  const kind = { success: "good", waiting: "waits", included: "good" }[name] ?? "bad";
  return el("span", { class: `status ${kind}` }, text ?? name.replaceAll("_", " "));
}

const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}]/u;

/// Characters that a reader cannot see, or that reorder others, by their number.
function visible(text) {
  let shown = "";
  for (const character of text) {
    const isHidden = HIDDEN.test(character) && character !== "\n";
    shown += isHidden ? `\\u{${character.codePointAt(0).toString(16)}}` : character;
  }
  return shown;
}

/// A text that a contract or an account wrote: text alone, isolated from the direction of what is
/// around it, hidden characters visible, the rest of a long one on demand.
export function untrusted(text, properties = {}) {
  const characters = Array.from(String(text));
  const bdi = el("bdi", { class: "untrusted", dir: "ltr", ...properties });
  if (characters.length <= LONG) {
    bdi.textContent = visible(characters.join(""));
    return bdi;
  }
  bdi.textContent = `${visible(characters.slice(0, LONG).join(""))}…`;
  const more = el("button", { type: "button", class: "link" }, `all ${grouped(characters.length)} characters`);
  more.addEventListener("click", () => {
    bdi.textContent = visible(characters.join(""));
    more.remove();
  });
  return el("span", {}, bdi, " ", more);
}

/// The same where there is room for a word alone, as in a title or a flame graph.
export function untrustedWord(text, longest = 64) {
  const characters = Array.from(String(text));
  const isLong = characters.length > longest;
  return visible(characters.slice(0, longest).join("")).replaceAll("\n", " ") + (isLong ? "…" : "");
}

/// Bytes, as text as well if they are text.
export function bytes(hex) {
  const digits = hex.replace(/^0x/, "");
  if (digits === "") return el("span", { class: "faint" }, "empty");
  const text = printable(digits);
  return el(
    "span",
    {},
    text !== null && [el("q", {}, untrusted(text)), " "],
    untrusted(digits, { class: "mono wrap faint" }),
  );
}

/// The text of bytes that are one in UTF-8 without control characters, or `null`.
export function printable(digits) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(fromHex(digits));
    return text !== "" && !HIDDEN.test(text) && /[\p{L}\p{N}]/u.test(text) ? text : null;
  } catch {
    return null;
  }
}

export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/// Bytes of hexadecimal digits, with `0x` or without. Throws a `RangeError` if they are none.
export function fromHex(text) {
  const digits = text.replace(/^0x/, "");
  if (digits.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(digits)) {
    throw new RangeError("this is not hexadecimal: an even number of the digits 0 to f");
  }
  return Uint8Array.from({ length: digits.length / 2 }, (_, at) =>
    Number.parseInt(digits.slice(2 * at, 2 * at + 2), 16),
  );
}

// Entries of a contract's storage by its interface. An interface may declare no storage: then, and
// where an entry is not as declared, entries are shown as bytes.

/// Decodes an entry: the name of the field, its keys (of a map), and its value. `null` if the
/// interface does not tell.
export function decodeEntry(described, key, value) {
  void described;
  void key;
  void value;
  return null;
}

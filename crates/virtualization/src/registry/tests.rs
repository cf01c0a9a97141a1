//! The journal of the registry.

use super::ModuleRegistry;

#[test]
fn reverting_restores_what_was_replaced() {
    let registry = ModuleRegistry::default();
    registry.keep(b"owner", b"", b"a", 1);
    let checkpoint = registry.checkpoint();
    registry.keep(b"owner", b"", b"a", 2);
    registry.keep(b"owner", b"", b"a", 3);
    registry.keep(b"owner", b"", b"b", 4);
    assert_eq!(registry.find(b"owner", b"", b"a"), Some(3));
    registry.revert(checkpoint);
    assert_eq!(registry.find(b"owner", b"", b"a"), Some(1));
    assert_eq!(registry.find(b"owner", b"", b"b"), None);
}

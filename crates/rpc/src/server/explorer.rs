//! The page of the explorer, and its files.

/// The content type and the bytes of a file of the page. The page itself is `index.html`.
pub(super) const fn asset(_path: &str) -> Option<(&'static str, &'static [u8])> {
    None
}

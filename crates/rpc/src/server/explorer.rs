//! The page of the explorer, and its files.
//!
//! They are part of the program, and the page asks nobody else for anything: it works without a
//! network beside the node's.

/// The content type and the bytes of a file of the page. The page itself is `index.html`.
pub(super) fn asset(path: &str) -> Option<(&'static str, &'static [u8])> {
    let found = FILES.iter().find(|(name, ..)| *name == path);
    found.map(|(_, content_type, bytes)| (*content_type, *bytes))
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! files {
    ($($content_type:expr => $($name:literal),+;)+) => {
        /// Names, content types and bytes.
        const FILES: &[(&str, &str, &[u8])] = &[$($(
            ($name, $content_type, include_bytes!(concat!("../explorer/", $name))),
        )+)+];
    };
}

files! {
    "text/html; charset=utf-8" => "index.html";
    "text/css; charset=utf-8" => "explorer.css";
    "image/svg+xml" => "icon.svg";
    SCRIPT => "main.js", "home.js", "pages.js", "address.js", "callform.js", "parts.js", "trace.js",
        "flame.js", "values.js", "names.js", "interface.js", "transaction.js", "rpc.js",
        "format.js", "dom.js";
}

#[cfg(test)]
mod tests;

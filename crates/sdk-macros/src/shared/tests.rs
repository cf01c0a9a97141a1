//! Documentation and names.

use syn::{ItemStruct, parse_quote};

use super::{doc, words};

#[test]
fn the_documentation_is_the_first_paragraph_in_one_line() {
    let item: ItemStruct = parse_quote! {
        ///
        /// Counts what
        /// there is.
        ///
        /// Nothing else.
        struct Counter;
    };
    assert_eq!(doc(&item.attrs), "Counts what there is.");
    let item: ItemStruct = parse_quote!(
        struct Counter;
    );
    assert_eq!(doc(&item.attrs), "");
}

#[test]
fn a_name_in_camel_case_has_words() {
    assert_eq!(words("InsufficientBalance", ' '), "insufficient balance");
    assert_eq!(words("Transfer", '_'), "transfer");
}

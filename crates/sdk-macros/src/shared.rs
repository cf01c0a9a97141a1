//! What all attributes do: documentation, names, and errors.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Expr, ExprLit, Field, Fields, Generics, Lit, Meta, Type};

/// The code, or the error in place of it.
pub(crate) fn expanded(result: syn::Result<TokenStream>) -> proc_macro::TokenStream {
    result
        .unwrap_or_else(|error| error.to_compile_error())
        .into()
}

/// The first paragraph of the documentation, in one line.
pub(crate) fn doc(attributes: &[Attribute]) -> String {
    let mut lines = Vec::new();
    for attribute in attributes {
        if let Meta::NameValue(meta) = &attribute.meta
            && meta.path.is_ident("doc")
            && let Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            }) = &meta.value
        {
            lines.extend(text.value().lines().map(|line| line.trim().to_owned()));
            if text.value().is_empty() {
                lines.push(String::new());
            }
        }
    }
    let paragraph = lines.into_iter().skip_while(String::is_empty);
    let paragraph: Vec<_> = paragraph.take_while(|line| !line.is_empty()).collect();
    paragraph.join(" ")
}

/// Takes an attribute without arguments off, and tells whether it was there.
pub(crate) fn take(attributes: &mut Vec<Attribute>, name: &str) -> bool {
    let before = attributes.len();
    attributes.retain(|attribute| !attribute.path().is_ident(name));
    attributes.len() < before
}

/// The words of a name in camel case, in lower case, with this between them.
pub(crate) fn words(name: &str, between: char) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push(between);
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

/// Refuses type parameters and lifetimes.
pub(crate) fn plain(generics: &Generics, what: &str) -> syn::Result<()> {
    match generics.params.first() {
        None => Ok(()),
        Some(parameter) => Err(syn::Error::new_spanned(
            parameter,
            format!("{what} has no type parameters: its interface has to be one. Name the types"),
        )),
    }
}

/// A field of the interface.
pub(crate) fn interface_field(name: &str, doc: &str, value_type: &Type) -> TokenStream {
    quote! {
        ::fusee_sdk::interface::Field {
            name: #name,
            doc: #doc,
            value_type: <#value_type as ::fusee_sdk::codec::Codec>::TYPE,
        }
    }
}

/// The fields of a struct or variant as the interface has them. Those without a name have a number.
pub(crate) fn interface_fields(fields: &Fields) -> Vec<TokenStream> {
    let field = |(index, field): (usize, &Field)| {
        let name = field.ident.as_ref();
        let name = name.map_or_else(|| index.to_string(), plain_name);
        interface_field(&name, &doc(&field.attrs), &field.ty)
    };
    fields.iter().enumerate().map(field).collect()
}

/// A name without the mark of raw identifiers.
pub(crate) fn plain_name(name: &syn::Ident) -> String {
    let name = name.to_string();
    name.strip_prefix("r#").map(str::to_owned).unwrap_or(name)
}

/// The definitions of all types with a name in these.
pub(crate) fn definitions<'a>(types: impl Iterator<Item = &'a Type>) -> TokenStream {
    quote! {
        ::fusee_sdk::interface::Definitions::NONE
            #(.merge(<#types as ::fusee_sdk::codec::Codec>::TYPES))*
    }
}

#[cfg(test)]
mod tests;

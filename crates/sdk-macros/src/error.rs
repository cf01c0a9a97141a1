//! `#[error]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Fields, Ident, ItemEnum, LitStr, Variant};

use crate::shared::{doc, plain, words};

/// A part of a message.
enum Piece {
    Text(String),
    Field(Ident),
}

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    if !arguments.is_empty() {
        return Err(syn::Error::new_spanned(
            arguments,
            "`#[error]` takes no arguments: the text of a variant is `#[message(\"..\")]`",
        ));
    }
    let mut item: ItemEnum = syn::parse2(item).map_err(|error| {
        syn::Error::new(error.span(), "errors are an enum, with a variant for each")
    })?;
    plain(&item.generics, "an error")?;
    let (mut messages, mut arms) = (Vec::new(), Vec::new());
    for variant in &mut item.variants {
        let (text, place) = message(variant)?;
        let pieces = pieces(&text, &place, &variant.fields)?;
        let (ident, doc) = (&variant.ident, doc(&variant.attrs));
        messages.push(quote! {
            ::fusee_sdk::interface::ErrorMessage { name: #text, doc: #doc }
        });
        let names = variant.fields.iter().map(|field| &field.ident);
        let written = pieces.iter().map(|piece| match piece {
            Piece::Text(text) => quote!(message.text(#text);),
            Piece::Field(field) => quote!(message.show(#field);),
        });
        arms.push(quote! {
            #[allow(unused_variables, reason = "a message need not have all fields")]
            Self::#ident { #(#names),* } => { #(#written)* }
        });
    }
    let ident = &item.ident;
    Ok(quote! {
        #item

        impl ::fusee_sdk::contract::Error for #ident {
            const MESSAGES: &'static [::fusee_sdk::interface::ErrorMessage] = &[#(#messages),*];

            fn write(&self, message: &mut ::fusee_sdk::message::Message) {
                let _ = &message;
                match self { #(#arms)* }
            }
        }

        impl ::core::fmt::Display for #ident {
            fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                let mut message = ::fusee_sdk::message::Message::new();
                ::fusee_sdk::contract::Error::write(self, &mut message);
                let text = ::core::str::from_utf8(message.as_bytes()).unwrap_or_default();
                formatter.write_str(text)
            }
        }
    })
}

/// The message of a variant, and where it is.
fn message(variant: &mut Variant) -> syn::Result<(String, LitStr)> {
    if let Fields::Unnamed(fields) = &variant.fields {
        return Err(syn::Error::new_spanned(
            fields,
            "the fields of an error have names, by which its message has them: \
             `Poor { has: u64, needs: u64 }`",
        ));
    }
    let name = words(&variant.ident.to_string(), ' ');
    let mut found = LitStr::new(&name, variant.ident.span());
    for attribute in &variant.attrs {
        if attribute.path().is_ident("message") {
            found = attribute.parse_args().map_err(|error| {
                syn::Error::new(
                    error.span(),
                    "write `#[message(\"has {has}, needs {needs}\")]`",
                )
            })?;
        }
    }
    variant
        .attrs
        .retain(|attribute| !attribute.path().is_ident("message"));
    let text = found.value();
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(syn::Error::new_spanned(
            &found,
            "a message is one line of text",
        ));
    }
    Ok((text, found))
}

/// Splits a message at the fields in braces.
fn pieces(text: &str, place: &LitStr, fields: &Fields) -> syn::Result<Vec<Piece>> {
    let fail = |reason: String| Err(syn::Error::new_spanned(place, reason));
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        let Some((name, after)) = behind.split_once('}') else {
            return fail("a brace is not closed".to_owned());
        };
        let is_named = |field: &&syn::Field| field.ident.as_ref().is_some_and(|own| own == name);
        let Some(field) = fields
            .iter()
            .find(is_named)
            .and_then(|field| field.ident.clone())
        else {
            let known: Vec<_> = fields
                .iter()
                .filter_map(|field| field.ident.as_ref())
                .collect();
            let known: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
            return match known.is_empty() {
                true => fail(format!("the variant has no field `{name}`: it has none")),
                false => fail(format!(
                    "the variant has no field `{name}`: it has {}",
                    known.join(", ")
                )),
            };
        };
        if !before.is_empty() {
            pieces.push(Piece::Text(before.to_owned()));
        }
        pieces.push(Piece::Field(field));
        rest = after;
    }
    if rest.contains('}') {
        return fail("a brace is closed that is not open".to_owned());
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Ok(pieces)
}

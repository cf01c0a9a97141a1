//! `#[contract]`: storage.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{
    Fields, ItemStruct, Path, Token, parse::Parser, punctuated::Punctuated, spanned::Spanned,
};

use crate::shared::{doc, plain, plain_name, words};

/// The most fields: their positions are bytes.
const MOST_FIELDS: usize = 256;

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let item: ItemStruct = syn::parse2(item).map_err(|error| {
        syn::Error::new(
            error.span(),
            "`#[contract]` is for a struct with the storage; the impl block has `#[methods]`",
        )
    })?;
    plain(&item.generics, "a contract")?;
    let events = events(arguments)?;
    let fields = fields(&item)?;
    let (opened, described) = (fields.iter().map(opened), fields.iter().map(description));
    let (ident, doc) = (&item.ident, doc(&item.attrs));
    let name = words(&ident.to_string(), '_');
    Ok(quote! {
        #[allow(missing_debug_implementations, reason = "a place in storage, or an event")]
        #item

        impl ::fusee_sdk::contract::Storage for #ident {
            const NAME: &'static str = #name;
            const DOC: &'static str = #doc;
            const EVENTS: &'static [&'static ::fusee_sdk::interface::Event] =
                &[#(&<#events as ::fusee_sdk::contract::Event>::DESCRIPTION),*];

            const FIELDS: &'static [::fusee_sdk::interface::StorageField] = &[#(#described),*];

            #[inline]
            fn open() -> Self {
                Self { #(#opened),* }
            }
        }

        #(impl ::fusee_sdk::contract::DeclaredBy<#ident> for #events {})*
    })
}

/// The fields, with their positions.
fn fields(item: &ItemStruct) -> syn::Result<Vec<(u8, &syn::Field)>> {
    let fields = match &item.fields {
        Fields::Named(fields) => fields.named.iter().collect(),
        Fields::Unit => Vec::new(),
        Fields::Unnamed(fields) => {
            return Err(syn::Error::new_spanned(
                fields,
                "the fields of a contract have names: `struct Token { supply: Value<u64> }`",
            ));
        }
    };
    if let Some(field) = fields.get(MOST_FIELDS) {
        return Err(syn::Error::new_spanned(
            field,
            "a contract has at most 256 fields: put values that belong together into a struct \
             with `#[derive(Codec)]`",
        ));
    }
    Ok((0..=u8::MAX).zip(fields).collect())
}

/// The field, opened at its position.
fn opened((position, field): &(u8, &syn::Field)) -> TokenStream {
    let (ident, value_type) = (&field.ident, &field.ty);
    quote_spanned! { value_type.span() =>
        #ident: <#value_type as ::fusee_sdk::storage::Field>::at(#position)
    }
}

/// What the interface tells of a field.
fn description((position, field): &(u8, &syn::Field)) -> TokenStream {
    let (value_type, doc) = (&field.ty, doc(&field.attrs));
    let name = field.ident.as_ref().map_or_else(String::new, plain_name);
    quote_spanned! { value_type.span() =>
        ::fusee_sdk::interface::StorageField {
            name: #name,
            doc: #doc,
            position: #position,
            kind: <#value_type as ::fusee_sdk::storage::Field>::KIND,
            types: <#value_type as ::fusee_sdk::storage::Field>::TYPES,
        }
    }
}

/// The events of `events(Transfer, Approve)`.
fn events(arguments: TokenStream) -> syn::Result<Vec<Path>> {
    let mut events = Vec::new();
    let parser = syn::meta::parser(|meta| {
        if !meta.path.is_ident("events") {
            return Err(meta.error("this is not known: write `#[contract(events(Transfer, ..))]`"));
        }
        let content;
        syn::parenthesized!(content in meta.input);
        events.extend(Punctuated::<Path, Token![,]>::parse_terminated(&content)?);
        Ok(())
    });
    parser.parse2(arguments)?;
    Ok(events)
}

//! `#[event]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Fields, ItemStruct, LitStr, parse::Parser};

use crate::shared::{definitions, doc, interface_field, plain, plain_name, take, words};

/// The most topics behind the name.
const MOST_TOPICS: usize = 3;

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let mut item: ItemStruct = syn::parse2(item).map_err(|error| {
        syn::Error::new(
            error.span(),
            "an event is a struct: `#[event] struct Transfer { .. }`",
        )
    })?;
    plain(&item.generics, "an event")?;
    let name = name(arguments)?.unwrap_or_else(|| words(&item.ident.to_string(), '_'));
    if let Fields::Unnamed(fields) = &item.fields {
        return Err(syn::Error::new_spanned(
            fields,
            "the fields of an event have names, by which tools show them",
        ));
    }

    let (mut topics, mut data) = (Vec::new(), Vec::new());
    for field in &mut item.fields {
        match take(&mut field.attrs, "topic") {
            true => topics.push(field.clone()),
            false => data.push(field.clone()),
        }
    }
    if let Some(field) = topics.get(MOST_TOPICS) {
        return Err(syn::Error::new_spanned(
            &field.ident,
            "an event has at most 3 fields with `#[topic]`, since its name is the first topic",
        ));
    }
    let described = |fields: &[syn::Field]| -> Vec<TokenStream> {
        let describe = |field: &syn::Field| {
            let name = field.ident.as_ref().map(plain_name).unwrap_or_default();
            interface_field(&name, &doc(&field.attrs), &field.ty)
        };
        fields.iter().map(describe).collect()
    };
    let (topic_fields, data_fields) = (described(&topics), described(&data));
    let types = definitions(item.fields.iter().map(|field| &field.ty));
    let (ident, doc) = (&item.ident, doc(&item.attrs));
    let data_names = data.iter().map(|field| &field.ident);
    let data_types = data.iter().map(|field| &field.ty);
    let topic_names: Vec<_> = topics.iter().map(|field| &field.ident).collect();
    let topic_types = topics.iter().map(|field| &field.ty);
    Ok(quote! {
        #[allow(missing_debug_implementations, reason = "a place in storage, or an event")]
        #item

        impl ::fusee_sdk::contract::Event for #ident {
            const DESCRIPTION: ::fusee_sdk::interface::Event = ::fusee_sdk::interface::Event {
                name: #name,
                doc: #doc,
                topics: &[#(#topic_fields),*],
                data: &[#(#data_fields),*],
                types: #types,
            };
            const TOPIC_BYTES: usize = 0_usize
                #(.saturating_add(4)
                    .saturating_add(<#topic_types as ::fusee_sdk::codec::Codec>::MAX_BYTES))*;
            const MAX_BYTES: usize = 0_usize
                #(.saturating_add(<#data_types as ::fusee_sdk::codec::Codec>::MAX_BYTES))*;

            fn topics(&self, topics: &mut impl ::fusee_sdk::codec::Sink) {
                #(::fusee_sdk::contract::put_topic(topics, &self.#topic_names);)*
                let _ = topics;
            }

            #[inline]
            fn data(&self, sink: &mut impl ::fusee_sdk::codec::Sink) {
                #(::fusee_sdk::codec::Codec::encode(&self.#data_names, sink);)*
                let _ = sink;
            }
        }
    })
}

fn name(arguments: TokenStream) -> syn::Result<Option<String>> {
    let mut name = None;
    let parser = syn::meta::parser(|meta| {
        if !meta.path.is_ident("name") {
            return Err(meta.error("this is not known: write `#[event(name = \"..\")]`"));
        }
        let literal: LitStr = meta.value()?.parse()?;
        let text = literal.value();
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        if text.is_empty() || !text.chars().all(is_name) {
            return Err(syn::Error::new_spanned(
                literal,
                "the name of an event has letters, digits and underscores",
            ));
        }
        name = Some(text);
        Ok(())
    });
    parser.parse2(arguments)?;
    Ok(name)
}

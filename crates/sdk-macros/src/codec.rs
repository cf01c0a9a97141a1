//! `#[derive(Codec)]`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Data, DataEnum, DeriveInput, Fields, Type, spanned::Spanned};

use crate::shared::{definitions, doc, interface_fields, plain};

pub(crate) fn expand(item: TokenStream) -> syn::Result<TokenStream> {
    let item: DeriveInput = syn::parse2(item)?;
    plain(&item.generics, "a type of the interface")?;
    let ident = &item.ident;
    let name = ident.to_string();
    if !name.starts_with(|first: char| first.is_ascii_uppercase()) || !name.is_ascii() {
        return Err(syn::Error::new_spanned(
            ident,
            "the name of a type in the interface has ASCII letters, and begins with a capital one",
        ));
    }
    let parts = match &item.data {
        Data::Struct(data) => of_struct(&data.fields),
        Data::Enum(data) => of_enum(data)?,
        Data::Union(data) => {
            return Err(syn::Error::new_spanned(
                data.union_token,
                "a union has no encoding: use an enum",
            ));
        }
    };
    let Parts {
        consts,
        kind,
        types,
        max_bytes,
        encode,
        decode,
    } = parts;
    let (doc, definitions) = (doc(&item.attrs), definitions(types.iter()));
    Ok(quote! {
        const _: () = {
            #consts
            const DEFINITION: ::fusee_sdk::interface::Definition =
                ::fusee_sdk::interface::Definition { name: #name, doc: #doc, kind: #kind };

            impl ::fusee_sdk::codec::Codec for #ident {
                const TYPE: ::fusee_sdk::interface::TypeText =
                    ::fusee_sdk::interface::TypeText::new(#name);
                const TYPES: ::fusee_sdk::interface::Definitions = #definitions.with(&DEFINITION);
                const MAX_BYTES: usize = #max_bytes;

                fn encode(&self, sink: &mut impl ::fusee_sdk::codec::Sink) {
                    let _ = &sink;
                    #encode
                }

                fn decode(
                    input: &mut ::fusee_sdk::codec::Input<'_>,
                ) -> ::core::result::Result<Self, ::fusee_sdk::codec::Malformed> {
                    let _ = &input;
                    #decode
                }
            }
        };
    })
}

struct Parts {
    consts: TokenStream,
    kind: TokenStream,
    types: Vec<Type>,
    max_bytes: TokenStream,
    encode: TokenStream,
    decode: TokenStream,
}

fn of_struct(fields: &Fields) -> Parts {
    let described = interface_fields(fields);
    let (decoded, members) = (decoded(fields), fields.members());
    Parts {
        consts: quote! {
            const FIELDS: &[::fusee_sdk::interface::Field] = &[#(#described),*];
        },
        kind: quote!(::fusee_sdk::interface::Kind::Struct(FIELDS)),
        types: fields.iter().map(|field| field.ty.clone()).collect(),
        max_bytes: size(fields),
        encode: quote!(#(::fusee_sdk::codec::Codec::encode(&self.#members, sink);)*),
        decode: quote!(Ok(Self { #decoded })),
    }
}

fn of_enum(data: &DataEnum) -> syn::Result<Parts> {
    let (mut described, mut encode, mut decode) = (Vec::new(), Vec::new(), Vec::new());
    let mut max_bytes = quote!(0_usize);
    for (index, variant) in data.variants.iter().enumerate() {
        let Ok(index) = u8::try_from(index) else {
            return Err(syn::Error::new_spanned(
                variant,
                "an enum has at most 256 variants, which a byte tells apart",
            ));
        };
        let (ident, doc) = (&variant.ident, doc(&variant.attrs));
        let (name, fields) = (ident.to_string(), interface_fields(&variant.fields));
        described.push(quote! {
            ::fusee_sdk::interface::Variant { name: #name, doc: #doc, fields: &[#(#fields),*] }
        });
        let members: Vec<_> = variant.fields.members().collect();
        let bound: Vec<_> = (0..members.len())
            .map(|n| format_ident!("field{n}"))
            .collect();
        encode.push(quote! {
            Self::#ident { #(#members: #bound),* } => {
                sink.put(&[#index]);
                #(::fusee_sdk::codec::Codec::encode(#bound, sink);)*
            }
        });
        let decoded = decoded(&variant.fields);
        decode.push(quote!([#index] => Ok(Self::#ident { #decoded }),));
        let bytes = size(&variant.fields);
        max_bytes = quote!(::fusee_sdk::codec::larger(#max_bytes, #bytes));
    }
    Ok(Parts {
        consts: quote! {
            const VARIANTS: &[::fusee_sdk::interface::Variant] = &[#(#described),*];
        },
        kind: quote!(::fusee_sdk::interface::Kind::Enum(VARIANTS)),
        types: data
            .variants
            .iter()
            .flat_map(|variant| variant.fields.iter().map(|field| field.ty.clone()))
            .collect(),
        max_bytes: quote!(::fusee_sdk::codec::sum(1, #max_bytes)),
        encode: quote!(match self { #(#encode)* }),
        decode: quote! {
            match input.array()? {
                #(#decode)*
                _ => Err(::fusee_sdk::codec::Malformed::Invalid),
            }
        },
    })
}

/// Fields that are decoded in order.
fn decoded(fields: &Fields) -> TokenStream {
    let members = fields.members();
    let types = fields.iter().map(|field| {
        let value_type = &field.ty;
        quote_spanned!(value_type.span() => <#value_type as ::fusee_sdk::codec::Codec>)
    });
    quote!(#(#members: #types::decode(input)?),*)
}

/// The most bytes of all fields together.
fn size(fields: &Fields) -> TokenStream {
    let types = fields.iter().map(|field| &field.ty);
    quote! {
        0_usize #(.saturating_add(<#types as ::fusee_sdk::codec::Codec>::MAX_BYTES))*
    }
}

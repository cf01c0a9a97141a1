//! `#[methods]`: entry points, the interface, and the client.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{
    FnArg, Ident, ImplItem, ImplItemFn, ItemImpl, LitStr, Pat, Path, ReturnType, Type, Visibility,
    parse::Parser, parse_quote, spanned::Spanned,
};

use crate::shared::{definitions, doc, interface_field, plain, plain_name, take};

/// The most arguments of a method.
const MOST_ARGUMENTS: usize = 10;

/// Methods that nobody calls by their name: the chain does.
const OF_THE_CHAIN: [&str; 3] = ["deploy", "migrate", "receive"];

/// A method of the contract.
struct Method {
    ident: Ident,
    name: String,
    doc: String,
    arguments: Vec<(Ident, Type)>,
    returns: Type,
    payable: bool,
    read_only: bool,
}

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let mut item: ItemImpl = syn::parse2(item).map_err(|error| {
        syn::Error::new(
            error.span(),
            "`#[methods]` is for an impl block; the struct with the storage has `#[contract]`",
        )
    })?;
    if let Some((_, path, _)) = &item.trait_ {
        return Err(syn::Error::new_spanned(
            path,
            "the methods of a contract are in an impl block of its own, not in one of a trait",
        ));
    }
    plain(&item.generics, "a contract")?;
    let contract = contract_path(&item.self_ty)?;
    let feature = feature(arguments)?;
    let mut methods = Vec::new();
    for entry in &mut item.items {
        if let ImplItem::Fn(function) = entry
            && let Some(method) = method(function)?
        {
            methods.push(method);
        }
    }
    methods.sort_by(|left, right| left.name.cmp(&right.name));

    let entries = methods.iter().map(|method| entry(&contract, method));
    let exports = methods.iter().map(|method| {
        let (ident, entry) = (&method.ident, entry_name(&contract, method));
        quote!(#ident #entry)
    });
    let listed = methods.iter().map(|method| {
        let (name, entry) = (&method.name, entry_name(&contract, method));
        quote!((#name, #entry))
    });
    let exporting = format_ident!("__exports_of_{}", contract_name(&contract));
    let described = methods.iter().map(description);
    let checks = methods.iter().flat_map(checks);
    let client = client(&contract, &methods);
    let unless = feature.map(|feature| quote!(#[cfg(not(feature = #feature))]));
    Ok(quote! {
        #item

        #(#entries)*

        const _: () = {
            #(#checks)*

            impl ::fusee_sdk::contract::Contract for #contract {
                const INTERFACE: &'static [u8] = {
                    const ENCODED: ::fusee_sdk::interface::Encoded =
                        ::fusee_sdk::interface::encode(&::fusee_sdk::interface::Interface {
                            name: <#contract as ::fusee_sdk::contract::Storage>::NAME,
                            doc: <#contract as ::fusee_sdk::contract::Storage>::DOC,
                            methods: &[#(#described),*],
                            events: <#contract as ::fusee_sdk::contract::Storage>::EVENTS,
                            storage: <#contract as ::fusee_sdk::contract::Storage>::FIELDS,
                        });
                    const BYTES: [u8; ENCODED.size()] = ENCODED.array();
                    &BYTES
                };
                const METHODS: &'static [(&'static str, fn())] = &[#(#listed),*];
            }

            #unless
            ::fusee_sdk::export_interface!(#contract);
        };

        #unless
        ::fusee_sdk::export!(#exporting #(#exports),*);

        #client
    })
}

/// The name of the contract, which the client's is made of.
fn contract_path(self_type: &Type) -> syn::Result<Path> {
    match self_type {
        Type::Path(path) => Ok(path.path.clone()),
        other => Err(syn::Error::new_spanned(
            other,
            "`#[methods]` is for the impl block of a struct with `#[contract]`",
        )),
    }
}

/// The feature of `unless_feature = ".."`.
fn feature(arguments: TokenStream) -> syn::Result<Option<LitStr>> {
    let mut feature = None;
    let parser = syn::meta::parser(|meta| {
        if !meta.path.is_ident("unless_feature") {
            return Err(
                meta.error("this is not known: write `#[methods(unless_feature = \"library\")]`")
            );
        }
        feature = Some(meta.value()?.parse()?);
        Ok(())
    });
    parser.parse2(arguments)?;
    Ok(feature)
}

/// The method that a public function is.
fn method(function: &mut ImplItemFn) -> syn::Result<Option<Method>> {
    let payable = take(&mut function.attrs, "payable");
    let signature = &function.sig;
    if !matches!(function.vis, Visibility::Public(_)) {
        return match payable {
            false => Ok(None),
            true => Err(syn::Error::new_spanned(
                &signature.ident,
                "only methods that others call are payable: make it `pub`",
            )),
        };
    }
    plain(&signature.generics, "a method")?;
    if let Some(keyword) = &signature.asyncness {
        return Err(syn::Error::new_spanned(
            keyword,
            "a method is not `async`: calls of other contracts return when they have ended",
        ));
    }
    let name = plain_name(&signature.ident);
    if name.starts_with('_') {
        return Err(syn::Error::new_spanned(
            &signature.ident,
            "the name of a method begins with a letter",
        ));
    }
    let mut inputs = signature.inputs.iter();
    let read_only = match inputs.next() {
        Some(FnArg::Receiver(receiver)) if receiver.reference.is_some() => {
            receiver.mutability.is_none()
        }
        _ => {
            return Err(syn::Error::new_spanned(
                &signature.ident,
                "a method takes `&self` if it changes nothing, else `&mut self`; a function that \
                 is not a method is not `pub`",
            ));
        }
    };
    let arguments: Vec<_> = inputs.map(argument).collect::<syn::Result<_>>()?;
    if let Some((argument, _)) = arguments.get(MOST_ARGUMENTS) {
        return Err(syn::Error::new_spanned(
            argument,
            "a method has at most 10 arguments: put them into a struct with `#[derive(Codec)]`",
        ));
    }
    if payable && read_only {
        return Err(syn::Error::new_spanned(
            &signature.ident,
            "a method that takes a value changes the balance: write `&mut self`",
        ));
    }
    let returns = match &signature.output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, returns) => (**returns).clone(),
    };
    Ok(Some(Method {
        ident: signature.ident.clone(),
        doc: doc(&function.attrs),
        name,
        arguments,
        returns,
        payable,
        read_only,
    }))
}

fn argument(input: &FnArg) -> syn::Result<(Ident, Type)> {
    let FnArg::Typed(argument) = input else {
        return Err(syn::Error::new_spanned(input, "a method has one receiver"));
    };
    if let Type::Reference(reference) = &*argument.ty {
        return Err(syn::Error::new_spanned(
            reference,
            "an argument is a value of its own, since it is decoded: write `String` for `&str`, \
             `Vec<T>` for `&[T]`, and `T` for `&T`",
        ));
    }
    match &*argument.pat {
        Pat::Ident(pattern) if pattern.by_ref.is_none() && pattern.subpat.is_none() => {
            Ok((pattern.ident.clone(), (*argument.ty).clone()))
        }
        other => Err(syn::Error::new_spanned(
            other,
            "an argument has a name, which callers see in the interface",
        )),
    }
}

/// The name of a contract: the last part of its path.
fn contract_name(contract: &Path) -> String {
    let last = contract.segments.last();
    last.map_or_else(String::new, |segment| segment.ident.to_string())
}

fn entry_name(contract: &Path, method: &Method) -> Ident {
    format_ident!("__{}_{}", contract_name(contract), method.name)
}

/// The function that takes the arguments from the input, and makes the result the output.
fn entry(contract: &Path, method: &Method) -> TokenStream {
    let (ident, entry) = (&method.ident, entry_name(contract, method));
    let names: Vec<_> = method.arguments.iter().map(|(name, _)| name).collect();
    let types = method.arguments.iter().map(|(_, value_type)| value_type);
    quote! {
        #[doc(hidden)]
        #[allow(non_snake_case, reason = "named after the contract and its method")]
        fn #entry() {
            #[allow(clippy::unused_unit, clippy::let_unit_value, reason = "generated")]
            let (#(#names,)*): (#(#types,)*) = ::fusee_sdk::contract::arguments();
            #[allow(unused_mut, reason = "a method that changes nothing needs no mut")]
            let mut contract = <#contract as ::fusee_sdk::contract::Storage>::open();
            ::fusee_sdk::contract::Output::finish(contract.#ident(#(#names),*));
        }
    }
}

/// Types that do not fit are told at the place where they are written.
fn checks(method: &Method) -> Vec<TokenStream> {
    let mut checks = Vec::new();
    for (_, value_type) in &method.arguments {
        checks.push(quote_spanned! { value_type.span() =>
            const _: fn() = ::fusee_sdk::contract::is_argument::<#value_type>;
        });
    }
    let returns = &method.returns;
    checks.push(quote_spanned! { returns.span() =>
        const _: fn() = ::fusee_sdk::contract::is_output::<#returns>;
    });
    checks
}

/// What the interface tells of a method.
fn description(method: &Method) -> TokenStream {
    let Method {
        name,
        doc,
        returns,
        payable,
        read_only,
        ..
    } = method;
    let fields = method.arguments.iter();
    let fields =
        fields.map(|(name, value_type)| interface_field(&plain_name(name), "", value_type));
    let returned: Type = parse_quote!(<#returns as ::fusee_sdk::contract::Output>::Value);
    let types = method.arguments.iter().map(|(_, value_type)| value_type);
    let types = definitions(types.chain([&returned]));
    quote! {
        ::fusee_sdk::interface::Method {
            name: #name,
            doc: #doc,
            args: &[#(#fields),*],
            returns: <#returned as ::fusee_sdk::codec::Codec>::TYPE,
            payable: #payable,
            read_only: #read_only,
            types: #types,
            errors: <#returns as ::fusee_sdk::contract::Output>::ERRORS,
        }
    }
}

/// The client: a method for each of the contract's, which returns its call.
fn client(contract: &Path, methods: &[Method]) -> TokenStream {
    let client = format_ident!("{}Client", contract_name(contract));
    let calls = methods.iter().map(|method| {
        let Method {
            ident,
            name,
            doc,
            returns,
            ..
        } = method;
        let names: Vec<_> = method.arguments.iter().map(|(name, _)| name).collect();
        let types: Vec<_> = method.arguments.iter().map(|(_, of)| of).collect();
        let (receiver, target, doc) = match OF_THE_CHAIN.contains(&name.as_str()) {
            true => (
                quote!(),
                quote!(::fusee_sdk::Address::new([0; 32])),
                format!("The input of `{name}`, which the chain calls. {doc}"),
            ),
            false => (quote!(&self,), quote!(self.address), doc.clone()),
        };
        quote! {
            #[doc = #doc]
            pub fn #ident(
                #receiver #(#names: #types),*
            ) -> ::fusee_sdk::call::Call<
                (#(#types,)*),
                <#returns as ::fusee_sdk::contract::Output>::Value,
            > {
                ::fusee_sdk::call::Call::new(#target, #name, (#(#names,)*))
            }
        }
    });
    let doc = "Calls of the contract at an address.";
    quote! {
        #[doc = #doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct #client {
            address: ::fusee_sdk::Address,
        }

        impl #client {
            /// The contract at this address.
            #[must_use]
            pub const fn at(address: ::fusee_sdk::Address) -> Self {
                Self { address }
            }

            #(#calls)*
        }
    }
}

//! What the attributes say about code that is no contract, and where they say it.

use proc_macro2::TokenStream;
use quote::quote;

use crate::{codec, contract, error, event, methods};

/// The error, and the code that it points at.
fn told(result: syn::Result<TokenStream>) -> (String, String) {
    let error = result.unwrap_err();
    let place = error.span().source_text().unwrap_or_default();
    (error.to_string(), place)
}

fn parsed(code: &str) -> TokenStream {
    code.parse().unwrap()
}

#[track_caller]
fn methods_say(code: &str, place: &str, advice: &str) {
    let (message, found) = told(methods::expand(quote!(), parsed(code)));
    assert!(message.contains(advice), "{message}");
    assert_eq!(found, place, "{message}");
}

#[test]
fn an_argument_that_is_borrowed_is_told_what_to_be() {
    methods_say(
        "impl Token { pub fn name(&self, text: &str) {} }",
        "&str",
        "write `String` for `&str`",
    );
}

#[test]
fn a_function_without_self_is_no_method() {
    methods_say("impl Token { pub fn new() {} }", "new", "takes `&self`");
    methods_say("impl Token { pub fn end(self) {} }", "end", "takes `&self`");
    // One that is not public may be anything.
    methods::expand(quote!(), parsed("impl Token { fn new<T>(_: &T) {} }")).unwrap();
}

#[test]
fn what_has_no_interface_is_refused() {
    methods_say(
        "impl Token { pub fn set<T>(&mut self, value: T) {} }",
        "T",
        "has no type parameters",
    );
    methods_say(
        "impl Token { pub async fn set(&mut self) {} }",
        "async",
        "is not `async`",
    );
    methods_say(
        "impl Clone for Token { fn clone(&self) -> Self {} }",
        "Clone",
        "not in one of a trait",
    );
    methods_say("struct Token;", "struct", "`#[contract]`");
}

#[test]
fn a_payable_method_is_public_and_changes_something() {
    methods_say(
        "impl Token { #[payable] fn pay(&mut self) {} }",
        "pay",
        "make it `pub`",
    );
    methods_say(
        "impl Token { #[payable] pub fn pay(&self) {} }",
        "pay",
        "write `&mut self`",
    );
}

#[test]
fn storage_has_names_and_known_options() {
    let (message, place) = told(contract::expand(quote!(), parsed("struct T(Value<u8>);")));
    assert!(
        message.contains("have names") && place == "(Value<u8>)",
        "{message} {place}"
    );
    let (message, place) = told(contract::expand(parsed("event(A)"), parsed("struct T {}")));
    assert!(
        message.contains("events(Transfer, ..)") && place == "event",
        "{message} {place}"
    );
    let (message, _) = told(contract::expand(quote!(), parsed("impl T {}")));
    assert!(message.contains("`#[methods]`"), "{message}");
    let fields: String = (0..257).map(|n| format!("f{n}: Value<u8>,")).collect();
    let item = parsed(&format!("struct T {{ {fields} }}"));
    let (message, place) = told(contract::expand(quote!(), item));
    assert!(message.contains("at most 256 fields"), "{message}");
    assert!(place.starts_with("f256"), "{place}");
}

#[test]
fn a_message_names_fields_that_there_are() {
    let expand = |message: &str| {
        let item = format!("enum E {{ #[message({message:?})] Poor {{ has: u64 }} }}");
        error::expand(quote!(), parsed(&item))
    };
    expand("has {has}, {has}").unwrap();
    for (message, advice) in [
        ("has {hsa}", "it has `has`"),
        ("has {has", "is not closed"),
        ("has }", "is not open"),
        ("", "one line of text"),
    ] {
        let (found, place) = told(expand(message));
        assert!(found.contains(advice), "{found}");
        assert_eq!(place, format!("{message:?}"));
    }
}

#[test]
fn an_event_has_at_most_three_topics_behind_its_name() {
    let fields = ["a", "b", "c", "d"]
        .map(|name| format!("#[topic] {name}: u8,"))
        .concat();
    let item = parsed(&format!("struct E {{ {fields} }}"));
    let (message, place) = told(event::expand(quote!(), item));
    assert!(
        message.contains("at most 3") && place == "d",
        "{message} {place}"
    );
    let (message, place) = told(event::expand(
        parsed("name = \"a b\""),
        parsed("struct E {}"),
    ));
    assert!(
        message.contains("letters") && place == "\"a b\"",
        "{message} {place}"
    );
}

#[test]
fn a_type_of_the_interface_has_one_form() {
    let (message, place) = told(codec::expand(parsed("struct Pair<T>(T, T);")));
    assert!(
        message.contains("no type parameters") && place == "T",
        "{message} {place}"
    );
    let (message, _) = told(codec::expand(parsed("union U { a: u8 }")));
    assert!(message.contains("use an enum"), "{message}");
}

//! Text of contracts in TypeScript: identifiers, strings and comments.
//!
//! An interface is written by the author of a contract and may be hostile. Whatever it has, an
//! identifier stays one identifier that means nothing else, and strings and comments end where the
//! generator ends them. Names of interfaces have no dollar sign, so a name with one is free.

/// Words that are no names of parameters, in modules.
const KEYWORDS: &[&str] = &[
    "arguments",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "eval",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "if",
    "implements",
    "import",
    "in",
    "instanceof",
    "interface",
    "let",
    "new",
    "null",
    "package",
    "private",
    "protected",
    "public",
    "return",
    "static",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "undefined",
    "var",
    "void",
    "while",
    "with",
    "yield",
];

/// Types and values that the generated file uses or defines.
const GLOBALS: &[&str] = &[
    "Address",
    "Array",
    "ArrayLike",
    "BigInt",
    "ContractError",
    "ContractEvent",
    "EncodingError",
    "Error",
    "ErrorMessage",
    "Infinity",
    "JSON",
    "Map",
    "NaN",
    "NodeClient",
    "NodeError",
    "Number",
    "Object",
    "PreparedCall",
    "Promise",
    "QueryOptions",
    "RawEvent",
    "ReadonlyArray",
    "Receipt",
    "Record",
    "RegExp",
    "SendOptions",
    "Sent",
    "Signer",
    "String",
    "TextDecoder",
    "TextEncoder",
    "Uint8Array",
];

/// Members that every contract or every object has, and those that languages treat apart: an object
/// with `then` is a promise to `await`.
const MEMBERS: &[&str] = &[
    "__defineGetter__",
    "__defineSetter__",
    "__lookupGetter__",
    "__lookupSetter__",
    "__proto__",
    "address",
    "constructor",
    "hasOwnProperty",
    "isPrototypeOf",
    "node",
    "propertyIsEnumerable",
    "signer",
    "then",
    "toJSON",
    "toLocaleString",
    "toString",
    "valueOf",
];

/// A parameter.
pub(super) fn parameter(name: &str) -> String {
    match name.starts_with(|first: char| first.is_ascii_digit()) {
        true => format!("${name}"),
        false => apart(name, KEYWORDS),
    }
}

/// A type that the interface defines.
pub(super) fn type_name(name: &str) -> String {
    apart(name, GLOBALS)
}

/// A method of the class.
pub(super) fn member(name: &str) -> String {
    property(&apart(name, MEMBERS))
}

/// A property of a type.
pub(super) fn property(name: &str) -> String {
    match name.starts_with(|first: char| first.is_ascii_digit()) {
        true => string(name),
        false => name.to_owned(),
    }
}

fn apart(name: &str, taken: &[&str]) -> String {
    match taken.contains(&name) {
        true => format!("{name}$"),
        false => name.to_owned(),
    }
}

/// The class: the contract's name in camel case, and dollar signs until no type has it.
pub(super) fn class(name: &str, types: &[String]) -> String {
    let words = name.split(|letter: char| !letter.is_ascii_alphanumeric());
    let mut class = String::new();
    for word in words {
        let mut letters = word.chars();
        class.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        class.extend(letters);
    }
    if !class.starts_with(|first: char| first.is_ascii_uppercase()) {
        class.insert_str(0, "Contract");
    }
    while GLOBALS.contains(&class.as_str()) || types.contains(&class) {
        class.push('$');
    }
    class
}

/// A literal. With its slashes escaped, it ends no comment and no element of a page around it.
pub(super) fn string(text: &str) -> String {
    let mut literal = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' | '/' => literal.extend(['\\', letter]),
            ' '..='~' => literal.push(letter),
            other => literal.push_str(&format!("\\u{{{:x}}}", u32::from(other))),
        }
    }
    literal.push('"');
    literal
}

/// Lines of a comment, without its ends. Tags are text, so that no comment marks a method or turns
/// a tool off; letters that turn the direction of text are shown as numbers.
pub(super) fn comment(text: &str) -> String {
    let mut comment = String::new();
    for letter in text.chars() {
        match letter {
            '@' | '{' | '}' => comment.extend(['\\', letter]),
            '/' if comment.ends_with('*') => comment.push_str("\\/"),
            '\n' => comment.push(letter),
            hidden if is_hidden(hidden) => {
                comment.push_str(&format!("U+{:04X}", u32::from(hidden)));
            }
            other => comment.push(other),
        }
    }
    comment
}

fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(letter, '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_where_it_is() {
        assert_eq!(
            string("a\"b\\c\n`${d}\u{2028}"),
            r#""a\"b\\c\u{a}`${d}\u{2028}""#
        );
        assert_eq!(string("*/ </script>"), r#""*\/ <\/script>""#);
        assert_eq!(comment("a */ b **/ */"), r"a *\/ b **\/ *\/");
        assert_eq!(
            comment("@ts-nocheck {@link x}"),
            r"\@ts-nocheck \{\@link x\}"
        );
        assert_eq!(comment("a\u{202e}b\u{2028}\r"), "aU+202EbU+2028U+000D");
    }

    #[test]
    fn names_mean_nothing_else() {
        let words = ["delete", "0", "to"].map(parameter);
        assert_eq!(words, ["delete$", "$0", "to"]);
        let members = ["constructor", "then", "delete", "0a", "__proto__"].map(member);
        assert_eq!(
            members,
            ["constructor$", "then$", "delete", "\"0a\"", "__proto__$"]
        );
        assert_eq!(type_name("Promise"), "Promise$");
        let types = ["Token".to_owned(), "Token$".to_owned()];
        assert_eq!(class("token", &types), "Token$$");
        let classes = ["my-token", "", "9 lives", "*/ x", "map"].map(|name| class(name, &[]));
        assert_eq!(
            classes,
            ["MyToken", "Contract", "Contract9Lives", "X", "Map$"]
        );
    }

    #[test]
    fn no_type_of_an_interface_can_stand_for_one_that_the_file_uses() {
        let code = include_str!("runtime.ts").lines().filter(|line| {
            let line = line.trim_start();
            !line.starts_with("/*") && !line.starts_with('*')
        });
        for line in code {
            // Literals may have any words.
            let parts = line.split(['"', '`', '/']).step_by(2);
            for word in parts.flat_map(|part| {
                part.split(|letter: char| {
                    !letter.is_ascii_alphanumeric() && !"_$#.".contains(letter)
                })
            }) {
                let word = word.split('.').next().unwrap_or_default();
                let is_type = word.starts_with(|first: char| first.is_ascii_uppercase());
                assert!(
                    !is_type || word.len() == 1 || GLOBALS.contains(&word),
                    "{word}: {line}"
                );
            }
        }
    }
}

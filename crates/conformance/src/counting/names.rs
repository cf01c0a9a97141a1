//! The names of operators in the text format.

use wasmparser::Operator;

macro_rules! visitors {
    ($( @$proposal:ident $operator:ident $({ $($field:ident: $type:ty),* })? => $visit:ident ($($arity:tt)*) )*) => {
        fn visitor(operator: &Operator<'_>) -> &'static str {
            match operator {
                $( Operator::$operator { .. } => stringify!($visit), )*
                _ => "",
            }
        }
    };
}

wasmparser::for_each_operator!(visitors);

/// The possible prefixes of a name, before the dot.
const SPACES: &[&str] = &[
    "data", "elem", "f32", "f64", "global", "i32", "i64", "local", "memory", "ref", "table",
];

/// The name of an operator, such as `i32.add`. A `select` with a type is `select t`.
pub(super) fn name(operator: &Operator<'_>) -> String {
    let visitor = visitor(operator);
    let name = visitor.strip_prefix("visit_").unwrap_or(visitor);
    if name == "typed_select" {
        return "select t".to_owned();
    }
    // A call in place of a return has the price of another call.
    let name = name.strip_prefix("return_").unwrap_or(name);
    match name.split_once('_') {
        Some((space, rest)) if SPACES.contains(&space) => format!("{space}.{rest}"),
        _ => name.to_owned(),
    }
}

//! The OpenRPC document, which is made of the table of methods.

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::{
    error::ErrorKind,
    methods::{self, Method, Subscribe},
};

/// The document of the public methods.
#[must_use]
pub fn document() -> Value {
    // The schemas of OpenRPC are those of JSON Schema draft 7.
    let settings = SchemaSettings::draft07().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut list = Vec::new();
    methods::each_public(&mut |describe| list.push(describe(&mut generator)));
    let errors = ErrorKind::ALL.iter();
    let errors = errors.map(|kind| {
        let error = json!({
            "code": kind.code(),
            "message": kind.name(),
        });
        (kind.name().to_owned(), error)
    });
    let errors: Map<String, Value> = errors.collect();
    json!({
        "openrpc": "1.3.2",
        "info": {
            "title": "Fusee",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "MIT OR Apache-2.0"},
        },
        "methods": list,
        "components": {
            "schemas": generator.take_definitions(true),
            "errors": errors,
        },
    })
}

/// The document as text.
#[must_use]
pub fn text() -> String {
    format!("{:#}\n", document())
}

/// The entry of a method.
pub(crate) fn describe<M: Method>(generator: &mut SchemaGenerator) -> Value {
    let result = reference::<M::Answer>(generator);
    entry::<M>(generator, (M::NAME, M::PARAMS), result)
}

/// The entry of a subscription, whose answer is its id.
pub(crate) fn describe_subscription<S: Subscribe>(generator: &mut SchemaGenerator) -> Value {
    let item = reference::<S::Item>(generator);
    let id = json!({"type": ["integer", "string"]});
    let mut entry = entry::<S>(generator, (S::SUBSCRIBE, S::PARAMS), id);
    if let Value::Object(entry) = &mut entry {
        let notification = json!({"method": S::NOTIFICATION, "item": item});
        entry.insert("x-notification".to_owned(), notification);
        entry.insert("x-unsubscribe".to_owned(), S::UNSUBSCRIBE.into());
    }
    entry
}

fn entry<P: JsonSchema>(
    generator: &mut SchemaGenerator,
    (name, params): (&str, &[&str]),
    result: Value,
) -> Value {
    let schema = P::json_schema(generator).to_value();
    let required = schema.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|all| all.contains(&Value::from(name)));
    let param = |name: &&str| {
        let schema = schema.get("properties").and_then(|all| all.get(name));
        json!({"name": name, "required": is_required(name), "schema": schema})
    };
    let summary = schema.get("description").and_then(Value::as_str);
    json!({
        "name": name,
        "summary": summary.unwrap_or_default(),
        "paramStructure": "either",
        "params": params.iter().map(param).collect::<Vec<_>>(),
        "result": {"name": "result", "schema": result},
    })
}

fn reference<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}

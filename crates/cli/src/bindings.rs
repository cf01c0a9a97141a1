//! A client in TypeScript, generated from an interface.
//!
//! The file has the types of the interface, their encoding, and a class with its methods, and
//! depends on nothing but `fetch`. `runtime.ts` is the part that all clients share. Text of the
//! interface passes through [`names`], whatever it has.

mod names;

use fusee::interface::{Event, Field, Interface, Kind, Method, Type, TypeDefinition, Variant};

use self::names::{class, comment, member, parameter, property, string, type_name};

/// What all clients share.
const RUNTIME: &str = include_str!("bindings/runtime.ts");

/// The methods that a deployment and an upgrade call, and nobody else, and how their encoders are
/// named.
const HOOKS: [(&str, &str); 2] = [("deploy", "encodeDeploy"), ("migrate", "encodeMigrate")];

/// The client.
pub(crate) fn typescript(interface: &Interface) -> String {
    let mut file = File::default();
    file.line(0, "/* eslint-disable */");
    let about = "Made by `fusee bindings`: make it again instead of changing it.";
    file.doc(0, &[about.to_owned()]);
    file.blank();
    for definition in &interface.types {
        file.definition(definition);
    }
    file.errors(interface);
    file.events(interface);
    // What follows needs the codecs and the class of the runtime when the module is evaluated.
    file.text.push_str(RUNTIME);
    file.blank();
    for definition in &interface.types {
        file.codec(definition);
    }
    file.event_codecs(&interface.events);
    for (name, encoder) in HOOKS {
        if let Some(method) = interface.method(name) {
            file.hook(method, encoder);
        }
    }
    file.class(interface);
    file.text
}

/// The text so far.
#[derive(Default)]
struct File {
    text: String,
}

impl File {
    fn line(&mut self, indent: usize, line: &str) {
        self.text.push_str(&" ".repeat(indent));
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn blank(&mut self) {
        self.text.push('\n');
    }

    /// A comment, if it says anything. The lines are comments already.
    fn doc(&mut self, indent: usize, paragraphs: &[String]) {
        let lines: Vec<&str> = paragraphs.iter().flat_map(|text| text.lines()).collect();
        match lines.as_slice() {
            [] => {}
            [line] => self.line(indent, &format!("/** {line} */")),
            lines => {
                self.line(indent, "/**");
                for line in lines {
                    self.line(indent, format!(" * {line}").trim_end());
                }
                self.line(indent, " */");
            }
        }
    }

    fn definition(&mut self, definition: &TypeDefinition) {
        self.doc(0, &[comment(&definition.doc)]);
        let name = type_name(&definition.name);
        match &definition.kind {
            Kind::Struct(fields) => {
                self.line(0, &format!("export interface {name} {{"));
                self.fields(2, fields);
                self.line(0, "}");
            }
            Kind::Enum(variants) => {
                self.line(0, &format!("export type {name} ="));
                for variant in variants {
                    self.variant(variant);
                }
                self.line(2, "| never;");
            }
        }
        self.blank();
    }

    fn variant(&mut self, variant: &Variant) {
        self.doc(2, &[comment(&variant.doc)]);
        let kind = string(&variant.name);
        match variant.fields.as_slice() {
            [] => self.line(2, &format!("| {{ kind: {kind} }}")),
            fields => {
                self.line(2, &format!("| {{ kind: {kind}; fields: {{"));
                self.fields(6, fields);
                self.line(4, "} }");
            }
        }
    }

    fn fields(&mut self, indent: usize, fields: &[Field]) {
        for field in fields {
            self.doc(indent, &[comment(&field.doc)]);
            let (name, value) = (property(&field.name), type_text(&field.value_type));
            self.line(indent, &format!("{name}: {value};"));
        }
    }

    fn class(&mut self, interface: &Interface) {
        let types = interface.types.iter();
        let types: Vec<String> = types.map(|known| type_name(&known.name)).collect();
        self.doc(0, &[comment(&interface.doc)]);
        let class = class(&interface.name, &types);
        self.line(0, &format!("export class {class} extends $Contract {{"));
        let methods = interface.methods.iter();
        let methods = methods.filter(|method| HOOKS.iter().all(|(hook, _)| *hook != method.name));
        for (position, method) in methods.enumerate() {
            if position > 0 {
                self.blank();
            }
            self.method(method);
        }
        self.line(0, "}");
    }

    fn method(&mut self, method: &Method) {
        self.doc(2, &about(method));
        let returns = type_text(&method.returns);
        let mut parameters = parameters(&method.args);
        let (returns, verb, last) = match (method.read_only, method.payable) {
            (true, _) => {
                parameters.push("options$: QueryOptions = {}".to_owned());
                (format!("Promise<{returns}>"), "$query", "options$")
            }
            (false, true) => {
                parameters.push("value$: bigint = 0n".to_owned());
                (format!("PreparedCall<{returns}>"), "$call", "value$")
            }
            (false, false) => (format!("PreparedCall<{returns}>"), "$call", "0n"),
        };
        let (name, parameters) = (member(&method.name), parameters.join(", "));
        self.line(2, &format!("{name}({parameters}): {returns} {{"));
        let (name, output) = (string(&method.name), codec_text(&method.returns));
        let input = input(&method.args);
        self.line(4, &format!("const input$ = {input};"));
        self.line(
            4,
            &format!("return this.{verb}({name}, input$, {output}, {last});"),
        );
        self.line(2, "}");
    }

    fn hook(&mut self, method: &Method, encoder: &str) {
        let first = format!("The input of `{}`.", method.name);
        self.doc(0, &[vec![first], about(method)].concat());
        let parameters = parameters(&method.args).join(", ");
        self.line(
            0,
            &format!("export function {encoder}({parameters}): Uint8Array {{"),
        );
        self.line(2, &format!("return {};", input(&method.args)));
        self.line(0, "}");
        self.blank();
    }

    fn errors(&mut self, interface: &Interface) {
        self.line(0, "/** The messages that the contract reverts with. */");
        self.line(0, "export type ErrorMessage =");
        for error in &interface.errors {
            self.doc(2, &[comment(&error.doc)]);
            self.line(2, &format!("| {}", string(&error.name)));
        }
        self.line(2, "| never;");
        self.blank();
        self.line(0, "const $errors = new Map<string, string>([");
        for error in &interface.errors {
            self.line(
                2,
                &format!("[{}, {}],", string(&error.name), string(&error.doc)),
            );
        }
        self.line(0, "]);");
        self.blank();
    }

    fn events(&mut self, interface: &Interface) {
        self.line(0, "/** The events that the contract emits. */");
        self.line(0, "export type ContractEvent =");
        for event in &interface.events {
            self.doc(2, &[comment(&event.doc)]);
            self.line(
                2,
                &format!("| {{ name: {}; topics: {{", string(&event.name)),
            );
            self.fields(6, &event.topics);
            self.line(4, "}; data: {");
            self.fields(6, &event.data);
            self.line(4, "} }");
        }
        self.line(2, "| never;");
        self.blank();
    }

    fn codec(&mut self, definition: &TypeDefinition) {
        let (codec, name) = (codec_name(&definition.name), type_name(&definition.name));
        let head = format!("export const {codec}: $Codec<{name}> =");
        match &definition.kind {
            Kind::Struct(fields) => {
                self.line(0, &format!("{head} $codec.fields({});", codecs(fields)));
            }
            Kind::Enum(variants) => {
                self.line(0, &format!("{head} $codec.variants(["));
                for variant in variants {
                    let (name, fields) = (string(&variant.name), codecs(&variant.fields));
                    self.line(2, &format!("[{name}, {fields}],"));
                }
                self.line(0, "]);");
            }
        }
        self.blank();
    }

    fn event_codecs(&mut self, events: &[Event]) {
        let entry = "{ topics: $Fields; data: $Fields }";
        self.line(0, &format!("const $events = new Map<string, {entry}>(["));
        for event in events {
            let (topics, data) = (codecs(&event.topics), codecs(&event.data));
            let name = string(&event.name);
            self.line(
                2,
                &format!("[{name}, {{ topics: {topics}, data: {data} }}],"),
            );
        }
        self.line(0, "]);");
        self.blank();
    }
}

/// What the interface says of a method and its arguments.
fn about(method: &Method) -> Vec<String> {
    let mut paragraphs = vec![comment(&method.doc)];
    for field in method.args.iter().filter(|field| !field.doc.is_empty()) {
        let words: Vec<&str> = field.doc.split_whitespace().collect();
        let (name, doc) = (parameter(&field.name), comment(&words.join(" ")));
        paragraphs.push(format!("@param {name} - {doc}"));
    }
    paragraphs
}

fn parameters(fields: &[Field]) -> Vec<String> {
    let fields = fields.iter();
    let declared = fields.map(|field| {
        format!(
            "{}: {}",
            parameter(&field.name),
            type_text(&field.value_type)
        )
    });
    declared.collect()
}

/// The encoding of parameters.
fn input(fields: &[Field]) -> String {
    let values: Vec<String> = fields.iter().map(|field| parameter(&field.name)).collect();
    format!(
        "$codec.arguments({}, [{}])",
        codecs(fields),
        values.join(", ")
    )
}

/// The names and codecs of fields.
fn codecs(fields: &[Field]) -> String {
    let fields = fields.iter();
    let pairs: Vec<String> = fields
        .map(|field| {
            format!(
                "[{}, {}]",
                string(&field.name),
                codec_text(&field.value_type)
            )
        })
        .collect();
    format!("[{}]", pairs.join(", "))
}

/// No other name of the file begins like this.
fn codec_name(name: &str) -> String {
    format!("$type_{name}")
}

/// Whether a value of the type can be null.
const fn is_nullable(value_type: &Type) -> bool {
    matches!(value_type, Type::Unit | Type::Option(_))
}

/// The type in TypeScript.
fn type_text(value_type: &Type) -> String {
    match value_type {
        Type::Unit => "null".to_owned(),
        Type::Bool => "boolean".to_owned(),
        Type::Unsigned(bits) | Type::Signed(bits) => match bits {
            0..=32 => "number".to_owned(),
            _ => "bigint".to_owned(),
        },
        Type::String => "string".to_owned(),
        Type::Bytes => "Uint8Array".to_owned(),
        Type::Vec(_) | Type::Array(..) if value_type.is_bytes() => "Uint8Array".to_owned(),
        Type::Address => "Address".to_owned(),
        Type::Option(inner) if is_nullable(inner) => {
            format!("{{ some: {} }} | null", type_text(inner))
        }
        Type::Option(inner) => format!("{} | null", type_text(inner)),
        Type::Vec(inner) | Type::Array(inner, _) => format!("Array<{}>", type_text(inner)),
        Type::Tuple(types) => format!("[{}]", list(types, type_text)),
        Type::Named(name) => type_name(name),
    }
}

/// The codec of a type.
fn codec_text(value_type: &Type) -> String {
    match value_type {
        Type::Unit => "$codec.unit".to_owned(),
        Type::Option(inner) => match is_nullable(inner) {
            true => format!("$codec.some({})", codec_text(inner)),
            false => format!("$codec.option({})", codec_text(inner)),
        },
        Type::Array(_, length) if value_type.is_bytes() => format!("$codec.blob({length})"),
        bytes if bytes.is_bytes() => "$codec.bytes".to_owned(),
        Type::Vec(inner) => format!("$codec.list({}, null)", codec_text(inner)),
        Type::Array(inner, length) => format!("$codec.list({}, {length})", codec_text(inner)),
        Type::Tuple(types) => {
            let (of, codecs) = (type_text(value_type), list(types, codec_text));
            format!("$codec.tuple<{of}>([{codecs}])")
        }
        Type::Named(name) => codec_name(name),
        // The others have their own names.
        plain => format!("$codec.{plain}"),
    }
}

fn list(types: &[Type], text: fn(&Type) -> String) -> String {
    let texts: Vec<String> = types.iter().map(text).collect();
    texts.join(", ")
}

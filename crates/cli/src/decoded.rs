//! Arguments, outputs, events and errors by the interfaces of the code that made them.
//!
//! A contract writes its interface itself, so what does not fit is shown as bytes only, and all
//! that is read of one result is bounded: a trace has many values, and its bytes do not bound how
//! many a hostile interface finds in them.

use std::rc::Rc;

use fusee::chain::{Address, Event, Receipt, StateReader, Status, Trace, TraceStep};
use fusee::interface::{
    EntryKey, ErrorMessage, Field, Interface, MAX_VALUES, ReadBudget, StorageEntry, StorageKind,
};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::{
    interfaces::{Interfaces, shortened},
    names,
    receipt::{Line, line},
};

/// The most values that are read of a result and its trace.
const MAX_READ: usize = 2 * MAX_VALUES;

/// The most characters that text has of some values, or of a documentation.
const MAX_SHOWN: usize = 256;

/// What a call came to, by the interfaces of its contracts.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Decoded {
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    events: Vec<EventValue>,
}

/// What a frame of a trace was given and came to, by the interface of the code that it ran.
#[derive(Debug, Default, Serialize)]
pub(crate) struct FrameValues {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) arguments: Option<Fields>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) output: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<ErrorValue>,
    /// The events, by the positions of the steps that emitted them. They are shown with those.
    #[serde(skip)]
    pub(crate) events: Vec<(usize, EventValue)>,
}

/// An event of which the interface tells.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct EventValue {
    address: String,
    name: String,
    /// Topics and data.
    fields: Fields,
}

/// A message of which the interface tells, of a contract that reverted.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ErrorValue {
    name: String,
    doc: String,
}

/// An entry of storage of which the interface tells.
#[derive(Debug, Default, Serialize)]
pub(crate) struct EntryValue {
    field: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Value>,
    /// The number of values of a vector.
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<Value>,
    /// Members of sets have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
}

/// Values with their names, in the order in which they are declared.
#[derive(Clone, Debug)]
pub(crate) struct Fields(Vec<(String, Value)>);

/// Reads values within one budget.
struct Decoder {
    budget: ReadBudget,
}

impl Decoded {
    /// Decodes the output of a method, or the message with which it reverted, and the events.
    pub(crate) fn new(
        (interfaces, state): (&Interfaces, &dyn StateReader),
        (contract, method): (Address, &str),
        receipt: &Receipt,
    ) -> Self {
        let mut decoder = Decoder::new();
        let interface = interfaces.of_contract(state, contract);
        let interface = interface.as_deref();
        let events = receipt.events.iter().filter_map(|event| {
            let interface = interfaces.of_contract(state, event.address)?;
            decoder.event(&interface, event)
        });
        let events = events.collect();
        Self {
            output: interface
                .filter(|_| receipt.status == Status::Success)
                .and_then(|interface| decoder.output(interface, method, &receipt.output)),
            error: interface
                .filter(|_| receipt.status == Status::Reverted)
                .and_then(|interface| ErrorValue::new(interface, &receipt.output)),
            events,
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.output.is_none() && self.error.is_none() && self.events.is_empty()
    }

    pub(crate) fn lines(&self) -> Vec<Line> {
        let mut lines = self.result();
        let events = self.events.iter();
        lines.extend(events.map(|event| line("emitted", event.text())));
        lines
    }

    /// The lines without those of events.
    pub(crate) fn result(&self) -> Vec<Line> {
        let output = self.output.iter();
        let mut lines: Vec<Line> = output.map(|value| line("returned", shown(value))).collect();
        let meaning = self.error.as_ref().and_then(ErrorValue::meaning);
        lines.extend(meaning.map(|meaning| line("meaning", meaning)));
        lines
    }

    /// The events, each with the address of the contract that emitted it.
    pub(crate) fn events(&self) -> impl Iterator<Item = (&str, &EventValue)> {
        self.events
            .iter()
            .map(|event| (event.address.as_str(), event))
    }
}

/// Decodes events. `None` for those of which no interface tells.
pub(crate) fn events(
    (interfaces, state): (&Interfaces, &dyn StateReader),
    events: &[Event],
) -> Vec<Option<EventValue>> {
    let mut decoder = Decoder::new();
    let events = events.iter().map(|event| {
        let interface = interfaces.of_contract(state, event.address)?;
        decoder.event(&interface, event)
    });
    events.collect()
}

/// Decodes entries of a contract's storage, each a key and a value. `None` for those that no field
/// of the interface has.
pub(crate) fn entries<'a>(
    interface: Option<&Interface>,
    entries: impl Iterator<Item = (&'a [u8], &'a [u8])>,
) -> Vec<Option<EntryValue>> {
    let mut decoder = Decoder::new();
    let entries = entries.map(|(key, value)| {
        let entry = interface?.read_entry(key, value, &mut decoder.budget)?;
        Some(EntryValue::new(entry))
    });
    entries.collect()
}

/// Decodes each frame of a trace by the interface of the code that it ran.
pub(crate) fn frames(
    interfaces: &Interfaces,
    state: &dyn StateReader,
    trace: &Trace,
) -> Vec<FrameValues> {
    let mut decoder = Decoder::new();
    let frames = trace.frames.iter().map(|frame| {
        let interface: Option<Rc<Interface>> =
            frame.code.and_then(|code| interfaces.of_code(state, code));
        let Some(interface) = interface else {
            return FrameValues::default();
        };
        let method = interface.method(&frame.method);
        let end = frame.end.as_ref();
        let output = |wanted| {
            end.filter(|end| end.status == wanted)
                .and_then(|end| end.output.as_deref())
        };
        let steps = frame.steps.iter().enumerate();
        let events = steps.filter_map(|(position, step)| match step {
            TraceStep::Syscall(syscall) => {
                let event = decoder.event(&interface, syscall.event.as_ref()?)?;
                Some((position, event))
            }
            TraceStep::Call(_) => None,
        });
        let events = events.collect();
        FrameValues {
            arguments: method
                .and_then(|method| decoder.fields(&interface, &method.args, &frame.input)),
            output: output(Status::Success)
                .and_then(|output| decoder.output(&interface, &frame.method, output)),
            error: output(Status::Reverted).and_then(|output| ErrorValue::new(&interface, output)),
            events,
        }
    });
    frames.collect()
}

impl FrameValues {
    pub(crate) const fn is_empty(&self) -> bool {
        self.arguments.is_none() && self.output.is_none() && self.error.is_none()
    }

    /// The event that a step emitted.
    pub(crate) fn event(&self, position: usize) -> Option<&EventValue> {
        let found = self
            .events
            .binary_search_by_key(&position, |(step, _)| *step);
        let (_, event) = self.events.get(found.ok()?)?;
        Some(event)
    }
}

impl EventValue {
    /// `transfer(from: @alice, to: @bob, amount: 7)`.
    pub(crate) fn text(&self) -> String {
        format!("{}({})", self.name, self.fields.text())
    }
}

impl EntryValue {
    fn new(entry: StorageEntry<'_>) -> Self {
        let StorageEntry { field, key, value } = entry;
        let (key, is_length) = match key {
            EntryKey::Only => (None, false),
            EntryKey::Length => (None, true),
            EntryKey::Key(key) => (Some(key), false),
        };
        let is_member = matches!(field.kind, StorageKind::Set(_));
        let (length, value) = match is_length {
            true => (Some(value), None),
            false => (None, Some(value).filter(|_| !is_member)),
        };
        Self {
            field: field.name.clone(),
            key,
            length,
            value,
        }
    }

    /// `balances[@bob]` and `250`.
    pub(crate) fn text(&self) -> [String; 2] {
        let Self { field, key, .. } = self;
        let place = match (key, &self.length) {
            (Some(key), _) => format!("{field}[{}]", shown(key)),
            (None, Some(_)) => format!("{field}, length"),
            (None, None) => field.clone(),
        };
        let value = self.length.as_ref().or(self.value.as_ref());
        [place, value.map_or_else(|| "-".to_owned(), shown)]
    }
}

impl ErrorValue {
    /// The error whose message this is.
    fn new(interface: &Interface, message: &[u8]) -> Option<Self> {
        let mut errors = interface.errors.iter();
        let ErrorMessage { name, doc } = errors.find(|error| error.name.as_bytes() == message)?;
        Some(Self {
            name: name.clone(),
            doc: doc.clone(),
        })
    }

    /// When the contract gives the message, in one line. `None` if the interface does not tell.
    pub(crate) fn meaning(&self) -> Option<String> {
        let words: Vec<&str> = self.doc.split_whitespace().collect();
        (!words.is_empty()).then(|| shortened(words.join(" "), MAX_SHOWN))
    }
}

impl Fields {
    fn new(fields: &[Field], mut values: Map<String, Value>) -> Self {
        let named = fields.iter().filter_map(|field| {
            let value = values.remove(&field.name)?;
            Some((field.name.clone(), value))
        });
        Self(named.collect())
    }

    /// `to: @bob, amount: 7`.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (index, (name, value)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            text.push_str(&format!("{comma}{name}: "));
            show(&mut text, value);
        }
        shortened(text, MAX_SHOWN)
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl Decoder {
    const fn new() -> Self {
        Self {
            budget: ReadBudget::new(MAX_READ),
        }
    }

    fn fields(&mut self, interface: &Interface, fields: &[Field], bytes: &[u8]) -> Option<Fields> {
        let values = interface.read_fields_within(fields, bytes, &mut self.budget);
        Some(Fields::new(fields, values.ok()?))
    }

    /// The output of a method. `None` if it is nothing.
    fn output(&mut self, interface: &Interface, method: &str, output: &[u8]) -> Option<Value> {
        let method = interface.method(method)?;
        let value = interface.read_within(&method.returns, output, &mut self.budget);
        value.ok().filter(|value| !value.is_null())
    }

    fn event(&mut self, interface: &Interface, event: &Event) -> Option<EventValue> {
        let (name, topics) = event.topics.split_first()?;
        let declared = interface.event(name)?;
        if topics.len() != declared.topics.len() {
            return None;
        }
        let mut fields = Vec::new();
        for (field, topic) in declared.topics.iter().zip(topics) {
            let value = interface.read_within(&field.value_type, topic, &mut self.budget);
            fields.push((field.name.clone(), value.ok()?));
        }
        let Fields(data) = self.fields(interface, &declared.data, &event.data)?;
        fields.extend(data);
        Some(EventValue {
            address: event.address.to_string(),
            name: declared.name.clone(),
            fields: Fields(fields),
        })
    }
}

/// A value as text, or the beginning of it.
pub(crate) fn shown(value: &Value) -> String {
    let mut text = String::new();
    show(&mut text, value);
    shortened(text, MAX_SHOWN)
}

/// Appends a value as JSON, in which addresses of known accounts are `@alice` and names have no
/// quotes. Ends early if the text is long, since nobody sees the rest.
fn show(text: &mut String, value: &Value) {
    if text.len() > 4 * MAX_SHOWN {
        return;
    }
    match value {
        Value::String(string) => {
            let address = string.strip_prefix("0x").and_then(|text| text.parse().ok());
            match address.and_then(names::known) {
                Some(name) => text.push_str(&format!("@{name}")),
                None => quote(text, string),
            }
        }
        Value::Array(values) => {
            text.push('[');
            for (index, value) in values.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { ", " });
                show(text, value);
                if text.len() > 4 * MAX_SHOWN {
                    break;
                }
            }
            text.push(']');
        }
        Value::Object(fields) => {
            text.push('{');
            for (index, (name, value)) in fields.iter().enumerate() {
                let comma = if index == 0 { "" } else { ", " };
                text.push_str(&format!("{comma}{name}: "));
                show(text, value);
            }
            text.push('}');
        }
        other => text.push_str(&other.to_string()),
    }
}

/// Appends a string in quotes. A terminal obeys control characters, and characters that reorder
/// text show what is not there: both are escaped.
fn quote(text: &mut String, string: &str) {
    text.push('"');
    for character in string.chars().take(MAX_SHOWN + 1) {
        let reorders = matches!(character, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        match character {
            '"' | '\\' => text.extend(['\\', character]),
            _ if character.is_control() || reorders => text.extend(character.escape_unicode()),
            _ => text.push(character),
        }
    }
    text.push('"');
}

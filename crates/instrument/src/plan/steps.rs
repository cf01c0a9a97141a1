//! Steps: where a function does something that metering minds. Between them, its code is copied as it is.
//!
//! They are what the rewrite and [`super::liveness`] know of a function, so that nobody reads its operators twice.

use wasmparser::BlockType;

use crate::{
    floats::Width,
    length::{Bulk, Length},
};

/// The steps of a function, in their order. Code that is not reached has none.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Steps {
    pub(crate) list: Vec<Step>,
    /// The labels of all `br_table`.
    labels: Vec<u32>,
}

/// An operator, or what is done before one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// The operator's offset in the body.
    pub(crate) offset: u32,
    /// The bytes that it is encoded in.
    pub(crate) length: u32,
    pub(crate) action: Action,
}

/// What there is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Before the operator here, a NaN on top of the stack becomes the canonical one.
    Canonicalise(Width),
    Get(u32),
    Set(u32),
    Tee(u32),
    Block(BlockType),
    Loop(BlockType),
    If(BlockType),
    Else,
    End,
    Branch(u32),
    BranchIf(u32),
    BranchTable(Labels),
    Return,
    Unreachable,
    Call(u32),
    CallIndirect {
        type_index: u32,
        table: u32,
    },
    RefFunc(u32),
    Select,
    TypedSelect,
    /// An operator that works by a length.
    ByLength(Length),
    /// An operator that works by a length, in chunks.
    InChunks(Bulk),
    /// Nothing, but the operator can be encoded in fewer bytes than it is.
    Encode,
}

/// The labels of one `br_table`, its default last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Labels {
    begin: u32,
    end: u32,
}

impl Steps {
    /// With room for the steps of a body of so many bytes: most have one for each four.
    pub(super) fn of_body(bytes: u64) -> Self {
        Self {
            list: Vec::with_capacity(usize::try_from(bytes / 4).unwrap_or(0)),
            labels: Vec::new(),
        }
    }

    /// A step of the operator at this offset, of a length that is not known yet.
    pub(super) fn push(&mut self, offset: u32, action: Action) {
        self.list.push(Step {
            offset,
            length: 0,
            action,
        });
    }

    /// The length of the operator that the last step is of.
    pub(super) fn set_length(&mut self, length: u32) {
        if let Some(step) = self.list.last_mut() {
            step.length = length;
        }
    }

    /// Takes down the labels of a `br_table`.
    pub(super) fn add_labels(&mut self, labels: impl Iterator<Item = u32>) -> Labels {
        let position = |length| u32::try_from(length).unwrap_or(u32::MAX);
        let begin = position(self.labels.len());
        self.labels.extend(labels);
        Labels {
            begin,
            end: position(self.labels.len()),
        }
    }

    pub(crate) fn labels(&self, labels: Labels) -> &[u32] {
        let position = |index| usize::try_from(index).unwrap_or(usize::MAX);
        self.labels
            .get(position(labels.begin)..position(labels.end))
            .unwrap_or_default()
    }
}

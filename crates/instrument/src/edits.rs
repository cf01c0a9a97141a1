//! Edits: the operators of a function that the rewrite does not copy verbatim.
//!
//! The plan records them once. The rewrite and the liveness analysis work on them, so that no
//! operator is decoded twice.

use wasmparser::BlockType;

use crate::{
    floats::Width,
    length::{BulkOperator, Length},
};

/// The edits of one function, in the order of its operators. Unreachable code has none.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Edits {
    pub(crate) list: Vec<Edit>,
    /// The labels of all `br_table` operators.
    labels: Vec<u32>,
}

/// One operator to edit, or a position before which code is injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    /// Byte offset of the operator in the body.
    pub(crate) offset: u32,
    /// Size of the operator's encoding in bytes.
    pub(crate) length: u32,
    pub(crate) action: Action,
}

/// What the rewrite does at an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Before this operator, replaces a NaN on top of the stack by the canonical NaN.
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
    /// A call in place of a return.
    ReturnCall(u32),
    ReturnCallIndirect {
        type_index: u32,
        table: u32,
    },
    RefFunc(u32),
    /// `table.grow`, which the host executes.
    TableGrow(u32),
    Select,
    TypedSelect,
    /// An operator whose cost depends on a length operand.
    ByLength(Length),
    /// A bulk memory operator that is executed in chunks.
    InChunks(BulkOperator),
    /// An operator that is encoded again because its encoding is not the shortest one.
    Encode,
}

/// The labels of one `br_table`, with the default label last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Labels {
    begin: u32,
    end: u32,
}

impl Edits {
    /// Allocates for a body of this size in bytes. Most bodies have one edit for each 4 bytes.
    pub(crate) fn of_body(bytes: u64) -> Self {
        Self {
            list: Vec::with_capacity(usize::try_from(bytes / 4).unwrap_or(0)),
            labels: Vec::new(),
        }
    }

    /// Adds an edit of the operator at this offset. [`set_length`](Self::set_length) sets its size.
    pub(crate) fn push(&mut self, offset: u32, action: Action) {
        self.list.push(Edit {
            offset,
            length: 0,
            action,
        });
    }

    /// Sets the size of the operator of the last edit.
    pub(crate) fn set_length(&mut self, length: u32) {
        if let Some(edit) = self.list.last_mut() {
            edit.length = length;
        }
    }

    /// Stores the labels of a `br_table`.
    pub(crate) fn add_labels(&mut self, labels: impl Iterator<Item = u32>) -> Labels {
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

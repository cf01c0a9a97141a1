//! The canonical encoding of rules: the bytes whose digest is their id.
//!
//! The encoding is written field by field, in the order that `docs/book/src/rules.md` documents.
//! Renaming a Rust item does not change it. Adding a field to a set of rules fails to compile here
//! until the field is encoded.
//!
//! - Integers have a fixed width and are little-endian.
//! - A text or a byte string is its length as a `u32`, then its bytes.
//! - A list is its length as a `u32`, then its items.
//! - An optional value is the byte 0, or the byte 1 and the value.

use fusee_engine::{Gas, Rate, ValueType};

use crate::{
    Dynamic, Extensions, Floats, FrameSize, InstructionSets, Limits, PolkaVmChecks, PolkaVmRules,
    Schedule, SyscallPrice, SyscallRule,
    schedule::Row,
    work::{Crossings, Transfers, UNITS, Units},
};

/// The version of the encoding, which each encoding begins with.
const FORMAT: u32 = 1;

/// Writes the canonical encoding of rules.
#[derive(Debug)]
pub struct RulesWriter(Vec<u8>);

impl RulesWriter {
    /// Begins the encoding of rules of a kind: with the kind and the version of the encoding.
    #[must_use]
    pub fn new(kind: &str) -> Self {
        let mut writer = Self(Vec::new());
        writer.text(kind);
        writer.u32(FORMAT);
        writer
    }

    /// Begins a part of an encoding.
    pub(crate) const fn part() -> Self {
        Self(Vec::new())
    }

    /// Writes one byte.
    pub fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    /// Writes a 32-bit integer.
    pub fn u32(&mut self, value: u32) {
        self.0.extend(value.to_le_bytes());
    }

    /// Writes a 64-bit integer.
    pub fn u64(&mut self, value: u64) {
        self.0.extend(value.to_le_bytes());
    }

    /// Writes an amount of gas as a 64-bit integer.
    pub fn gas(&mut self, value: Gas) {
        self.u64(value.units());
    }

    /// Writes a length or a count as a 32-bit integer.
    pub fn count(&mut self, count: usize) {
        self.u32(u32::try_from(count).unwrap_or(u32::MAX));
    }

    /// Writes a byte string.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.extend(bytes);
    }

    /// Writes a text.
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Writes a list.
    pub fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.count(items.len());
        for item in items {
            write(self, item);
        }
    }

    /// Writes an optional value.
    pub fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        match value {
            None => self.u8(0),
            Some(value) => {
                self.u8(1);
                write(self, value);
            }
        }
    }

    /// The encoding.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn schedule(&mut self, schedule: &Schedule) {
        let Schedule {
            version,
            operators: _,
            resident_pages,
            dynamic,
            instance,
            frame,
        } = schedule;
        self.u32(*version);
        let operators: Vec<_> = schedule.operators().collect();
        self.list(&operators, |writer, (name, price)| {
            writer.text(name);
            writer.u32(*price);
        });
        self.u32(*resident_pages);
        let Dynamic {
            grow_page,
            grow_far_page,
            bulk_64_bytes,
            table_element,
            grow_element,
        } = *dynamic;
        for price in [grow_page, grow_far_page, bulk_64_bytes, table_element] {
            self.u32(price);
        }
        if schedule.has_price(Row::TableGrow) {
            self.u32(grow_element);
        }
        for (_, price) in instance.iter() {
            self.u32(price);
        }
        let FrameSize {
            base,
            slot,
            eight_operators,
        } = *frame;
        for bytes in [base, slot, eight_operators] {
            self.u32(bytes);
        }
    }

    pub(crate) fn limits(&mut self, limits: &Limits) {
        let Limits {
            program_bytes,
            code_bytes,
            output_bytes,
            function_bytes,
            types,
            functions,
            imports,
            exports,
            params,
            results,
            locals,
            nesting,
            br_table_targets,
            globals,
            tables,
            table_elements,
            element_segments,
            segment_elements,
            data_segments,
            data_bytes,
            memory_pages,
            function_work,
            program_work,
            frame_bytes,
            stack_bytes,
        } = *limits;
        let limits = [
            program_bytes,
            code_bytes,
            output_bytes,
            function_bytes,
            types,
            functions,
            imports,
            exports,
            params,
            results,
            locals,
            nesting,
            br_table_targets,
            globals,
            tables,
            table_elements,
            element_segments,
            segment_elements,
            data_segments,
            data_bytes,
            memory_pages,
            function_work,
            program_work,
            frame_bytes,
            stack_bytes,
        ];
        self.list(&limits, |writer, limit| writer.u64(*limit));
    }

    pub(crate) fn units(&mut self) {
        let Units {
            function,
            local,
            local_use,
            operator,
            memory,
            division,
            branch,
            if_,
            target,
            call,
            call_indirect,
            operand,
            crossings,
            registers,
            operand_alive,
            local_alive,
            loop_,
            loop_around,
            memory_bulk,
            table_bulk,
            table_copy,
            table_element,
            ref_func,
            met,
            transfers,
        } = UNITS;
        let units = [
            function,
            local,
            local_use,
            operator,
            memory,
            division,
            branch,
            if_,
            target,
            call,
            call_indirect,
            operand,
            registers,
            operand_alive,
            local_alive,
            loop_,
            loop_around,
            memory_bulk,
            table_bulk,
            table_copy,
            table_element,
            ref_func,
            met,
        ];
        self.list(&units, |writer, unit| writer.u64(*unit));
        let Crossings {
            call,
            blocks,
            if_,
            loop_,
            branch,
            target,
        } = crossings;
        let crossings = [call, blocks, if_, loop_, branch, target];
        self.list(&crossings, |writer, unit| writer.u64(*unit));
        let Transfers {
            edge,
            locals,
            operands,
            call_indirect,
            memory_bulk,
            table_bulk,
            table_copy,
            table_element,
            square,
        } = transfers;
        let transfers = [
            edge,
            locals,
            operands,
            call_indirect,
            memory_bulk,
            table_bulk,
            table_copy,
            table_element,
            square,
        ];
        self.list(&transfers, |writer, unit| writer.u64(*unit));
    }

    pub(crate) fn floats(&mut self, floats: Floats) {
        self.u8(match floats {
            Floats::Refused => 0,
            Floats::Canonical => 1,
        });
    }

    /// Rules that admit no extension encode none, and those that admit the first two only encode
    /// two.
    pub(crate) fn extensions(&mut self, extensions: Extensions) {
        let encoded = match extensions.generation() {
            0 => 0,
            1 => 2,
            _ => 4,
        };
        for (_, is_admitted) in extensions.iter().take(encoded) {
            self.u8(u8::from(is_admitted));
        }
    }

    /// Rules of the first form, which admit only `revivev1` and check strictly, do not encode it.
    pub(crate) fn polkavm(&mut self, polkavm: Option<PolkaVmRules>) {
        let Some(PolkaVmRules {
            version,
            rate,
            code_instruction,
            code_block,
            instruction_sets,
            checks,
        }) = polkavm
        else {
            self.u8(0);
            return;
        };
        if (instruction_sets, checks) == (InstructionSets::ReviveV1, PolkaVmChecks::Strict) {
            self.u8(1);
        } else {
            self.u8(2);
            self.u8(match instruction_sets {
                InstructionSets::ReviveV1 => 0,
                InstructionSets::ReviveV1AndJamV1 => 1,
            });
            self.u8(match checks {
                PolkaVmChecks::Strict => 0,
                PolkaVmChecks::Lenient => 1,
            });
        }
        self.u32(version);
        self.rate(rate);
        self.u32(code_instruction);
        self.u32(code_block);
    }

    fn rate(&mut self, rate: Rate) {
        self.u32(rate.gas());
        self.u32(rate.units());
    }

    pub(crate) fn syscall(&mut self, rule: &SyscallRule) {
        let SyscallRule {
            module,
            name,
            number,
            params,
            result,
            may_suspend,
            price,
        } = rule;
        self.text(module);
        self.text(name);
        self.u32(*number);
        self.list(params, |writer, param| writer.value_type(*param));
        self.option(*result, Self::value_type);
        self.u8(u8::from(*may_suspend));
        self.price(*price);
    }

    fn price(&mut self, price: SyscallPrice) {
        let SyscallPrice {
            base,
            unit,
            each,
            square,
        } = price;
        self.gas(base);
        self.u32(unit.bytes());
        self.gas(each);
        self.gas(square);
    }

    /// As in the binary format of wasm.
    fn value_type(&mut self, ty: ValueType) {
        self.u8(match ty {
            ValueType::I32 => 0x7f,
            ValueType::I64 => 0x7e,
            ValueType::F32 => 0x7d,
            ValueType::F64 => 0x7c,
        });
    }
}

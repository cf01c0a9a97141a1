//! The layout of the metered program: the indices of the types, functions and globals that the
//! meter adds.

use wasm_encoder::BlockType;

use super::{
    counter::Packing,
    profile::Profile,
    reindex::{count, value_type},
};
use crate::{
    length::{BulkOperator, Length},
    rules::Rules,
    survey::Survey,
};

/// Index of the imported function `low`.
pub(super) const IMPORT_LOW: u32 = 0;

/// Index of the imported function `grow`.
pub(super) const IMPORT_GROW: u32 = 1;

/// Number of imports that every metered program has. The guest's imports follow.
pub(super) const FIXED_IMPORTS: u32 = 2;

pub(super) struct Layout {
    /// How gas and height share the packed counter.
    pub(super) packing: Packing,
    /// The number by which the guest's function indices are shifted.
    pub(super) shift: u32,
    /// The function that calls the import `low`. The functions that charge by length follow, then
    /// those that work in chunks, one wrapper for each export, and the one that resets the globals.
    pub(super) low: u32,
    /// Type `(i64, i64) -> (i64)`, of the import `low`.
    pub(super) import_low_type: u32,
    /// Type `(i64) -> (i64)`, of the function `low`.
    pub(super) low_type: u32,
    /// Type `(i32) -> (i32)`, of the import `grow`.
    pub(super) grow_type: u32,
    /// Type `(i32, i64) -> (i64)`, of the functions that charge by length.
    pub(super) length_type: u32,
    /// Type `() -> ()`, of the function that resets the globals.
    pub(super) reset_type: u32,
    /// The first of the guest's types with the packed counter added, in the order of the guest's
    /// types.
    metered_types: u32,
    /// Types of the syscall imports, by number of arguments: up to the greatest number that the
    /// program needs, or the six that every program has.
    pub(super) syscall_types: Vec<u32>,
    /// Types `() -> results` of the blocks around function bodies, by function type. Present for
    /// types with several results.
    body_types: Vec<Option<u32>>,
    /// The global that holds the gas when the guest leaves by `unreachable`.
    pub(super) gas: u32,
    /// The first of the globals that locals are spilled to. They are the last globals.
    pub(super) spill_globals: u32,
    /// The lengths that the program can charge by.
    pub(super) lengths: Vec<Length>,
    /// The bulk operators that the program needs a chunk function for.
    pub(super) bulk: Vec<BulkOperator>,
    /// Type `(i32, i32, i32, i64) -> (i64)` of the chunk functions. The type
    /// `(i32, i32, i32) -> ()` of the blocks around their calls follows. Both are present if there
    /// is a chunk function.
    pub(super) bulk_type: u32,
    /// The imports that functions call for profiling, if the rules say so.
    pub(super) profile: Option<Profile>,
    /// The import in place of `table.grow`, if the program has one.
    pub(super) grow_table: Option<GrowTable>,
}

/// The last import, in place of `table.grow`.
#[derive(Clone, Copy)]
pub(super) struct GrowTable {
    pub(super) function: u32,
    /// Type `(funcref, i32, i32) -> (i32)`.
    pub(super) function_type: u32,
}

/// The number of syscall arguments for which every program has a type.
const FIXED_SYSCALL_ARGS: usize = 6;

/// The greatest number of syscall arguments for which the program has a type.
fn most_args(survey: &Survey) -> usize {
    let imports = survey.imports.iter();
    let args = imports.map(|import| import.import.params.len());
    args.fold(FIXED_SYSCALL_ARGS, usize::max)
}

impl Layout {
    pub(super) fn of(survey: &Survey, rules: &Rules) -> Self {
        let import_low_type = count(survey.types.len());
        let mut next = import_low_type.saturating_add(1);
        let mut take = |types: u32| {
            let index = next;
            next = next.saturating_add(types);
            index
        };
        let syscalls_end = count(survey.imports.len()).saturating_add(FIXED_IMPORTS);
        let packing = Packing::of(rules.limits());
        let profile = rules
            .is_profiled()
            .then(|| Profile::starting_at(syscalls_end, packing));
        let profile_end = profile.as_ref().map_or(syscalls_end, Profile::end);
        let grows_tables = survey.grows_tables();
        let shift = profile_end.saturating_add(u32::from(grows_tables));
        let is_needed = |bulk: &BulkOperator| {
            survey.plans.iter().any(|plan| match bulk {
                BulkOperator::Fill => plan.fills,
                BulkOperator::Copy => plan.copies,
            })
        };
        let bulk: Vec<BulkOperator> = [BulkOperator::Fill, BulkOperator::Copy]
            .into_iter()
            .filter(is_needed)
            .collect();
        Self {
            packing,
            shift,
            low: count(survey.imports.len())
                .saturating_add(count(survey.functions.len()))
                .saturating_add(shift),
            import_low_type,
            low_type: take(1),
            grow_type: take(1),
            length_type: take(1),
            reset_type: take(1),
            metered_types: take(count(survey.types.len())),
            syscall_types: (0..=most_args(survey)).map(|_| take(1)).collect(),
            body_types: survey
                .types
                .iter()
                .map(|found| found.has_many_results().then(|| take(1)))
                .collect(),
            lengths: Length::ALWAYS
                .into_iter()
                .chain(grows_tables.then_some(Length::NewElements))
                .collect(),
            bulk_type: take(if bulk.is_empty() { 0 } else { 2 }),
            bulk,
            grow_table: grows_tables.then(|| GrowTable {
                function: profile_end,
                function_type: take(1),
            }),
            gas: survey.globals,
            spill_globals: survey.globals.saturating_add(1),
            profile,
        }
    }

    /// One of the guest's types with the packed counter added.
    pub(super) fn metered_type(&self, guest: u32) -> u32 {
        self.metered_types.saturating_add(guest)
    }

    /// The function that charges by a length.
    pub(super) fn charge_length(&self, length: Length) -> u32 {
        let position = self.lengths.iter().position(|other| *other == length);
        self.low
            .saturating_add(1)
            .saturating_add(count(position.unwrap_or(0)))
    }

    /// The type of the block around the call of a chunk function.
    pub(super) fn bulk_block_type(&self) -> u32 {
        self.bulk_type.saturating_add(1)
    }

    /// The chunk function of a bulk operator.
    pub(super) fn in_chunks(&self, bulk: BulkOperator) -> u32 {
        let position = self.bulk.iter().position(|other| *other == bulk);
        self.after_lengths()
            .saturating_add(count(position.unwrap_or(0)))
    }

    /// The wrapper of the exported function at this position.
    pub(super) fn export_wrapper(&self, position: usize) -> u32 {
        self.after_lengths()
            .saturating_add(count(self.bulk.len()))
            .saturating_add(count(position))
    }

    /// The first function after those that charge by length.
    fn after_lengths(&self) -> u32 {
        self.low
            .saturating_add(1)
            .saturating_add(count(self.lengths.len()))
    }

    /// The type of a block with the results of a function of this type.
    pub(super) fn body_block(&self, survey: &Survey, type_index: u32) -> BlockType {
        let index = usize::try_from(type_index).unwrap_or(usize::MAX);
        if let Some(Some(body_type)) = self.body_types.get(index) {
            return BlockType::FunctionType(*body_type);
        }
        let result = survey
            .types
            .get(index)
            .and_then(|found| found.result_types.first());
        result.map_or(BlockType::Empty, |result| {
            BlockType::Result(value_type(*result))
        })
    }
}

//! The single pass over a function's operators: each is decoded once, admitted, validated and
//! planned.
//!
//! wasmparser calls a separate method for each kind of operator, so the compiler specializes the
//! code below for it. Most operators only cost their price and are copied.

use std::ops::Range;

use wasmparser::{
    BinaryReader, BlockType, FrameKind, FrameStack, FuncValidator, Operator, ValidatorResources,
    VisitOperator, VisitSimdOperator,
};

use super::{encoding::shortest, planner::Planner};
use crate::{
    edits::{Action, Edits},
    features::{admit_type, refuse_operator},
    floats::{Computed, Width, computed, treats_nans_alike},
    length::{BulkOperator, Length},
    refusal::{Refusal, check_limit},
    rules::Rules,
    schedule::{Entry, Group, Prices, Row, entries},
    work::Work,
};

/// Visits the operators of one function and collects its plan.
pub(super) struct FunctionVisitor<'a> {
    rules: &'a Rules,
    prices: Prices<'a>,
    pub(super) validator: FuncValidator<ValidatorResources>,
    /// Offset of the body in the program.
    begin: u64,
    /// Offset of the current operator in the program.
    position: u64,
    pub(super) planner: Planner,
    pub(super) edits: Edits,
    pub(super) work: Work,
    /// Number of operators, unreachable ones included.
    pub(super) operators: u64,
    /// The height of the operand stack before the current operator, if that is special.
    height: u32,
    /// The greatest height of the operand stack.
    pub(super) max_height: u32,
    pub(super) calls: bool,
    pub(super) tail_calls: bool,
    pub(super) grows: bool,
    pub(super) grows_tables: bool,
    pub(super) is_irreversible: bool,
    pub(super) fills: bool,
    pub(super) copies: bool,
    pub(super) needs_scratch: bool,
    pub(super) nans: Computed,
    /// The type of the value on top of the stack, if it may be a NaN that is not canonical.
    pending: Option<Width>,
    /// The last `i32.const`: its value, and the number of operators up to it.
    constant: Option<(i32, u64)>,
}

/// What the rewrite does with an operator.
pub(super) enum Fate {
    /// The operator is unreachable and is removed.
    Dropped,
    /// The operator is copied verbatim if its encoding has this size in bytes.
    Copied(u64),
    /// The operator is the last edit.
    Planned,
}

type Visited = Result<Fate, Box<Refusal>>;

impl<'a> FunctionVisitor<'a> {
    pub(super) fn new(
        rules: &'a Rules,
        validator: FuncValidator<ValidatorResources>,
        body: Range<u64>,
        work: Work,
    ) -> Self {
        let bytes = body.end.saturating_sub(body.start);
        Self {
            rules,
            prices: rules.schedule().prices(),
            validator,
            begin: body.start,
            position: body.start,
            planner: Planner::of_body(bytes),
            edits: Edits::of_body(bytes),
            work,
            operators: 0,
            height: 0,
            max_height: 0,
            calls: false,
            tail_calls: false,
            grows: false,
            grows_tables: false,
            is_irreversible: false,
            fills: false,
            copies: false,
            needs_scratch: false,
            nans: Computed::default(),
            pending: None,
            constant: None,
        }
    }

    /// Visits all operators of the function.
    pub(super) fn visit(&mut self, mut operators: BinaryReader<'_>) -> Result<(), Refusal> {
        while !operators.eof() {
            self.position = operators.original_position();
            let fate = operators
                .visit_operator(self)?
                .map_err(|refusal| *refusal)?;
            let length = operators.original_position().saturating_sub(self.position);
            match fate {
                Fate::Dropped => continue,
                Fate::Copied(shortest) if shortest == length => continue,
                Fate::Copied(_) => self.edits.push(self.offset(), Action::Encode),
                Fate::Planned => {}
            }
            self.edits.set_length(relative(length));
        }
        Ok(operators.finish_expression(self)?)
    }

    /// Offset of the current operator in the body.
    fn offset(&self) -> u32 {
        relative(self.position.saturating_sub(self.begin))
    }

    /// Runs before an operator is validated.
    #[inline(always)]
    fn before(
        &mut self,
        entry: Option<Entry>,
        operator: &Operator<'_>,
    ) -> Result<Entry, Box<Refusal>> {
        let Some(entry) = entry.filter(|(group, _)| self.rules.admit(*group)) else {
            return Err(self.refuse(operator));
        };
        self.is_irreversible |= is_irreversible(entry.1);
        if is_special(entry.1) {
            self.admit_immediates(operator)?;
            self.grows |= matches!(entry.1, Row::MemoryGrow);
            self.grows_tables |= matches!(entry.1, Row::TableGrow);
            // A call in place of a return needs no frame: it releases that of the caller.
            match entry {
                (Group::TailCalls, _) => self.tail_calls = true,
                (_, Row::Call | Row::CallIndirect) => self.calls = true,
                _ => {}
            }
            self.height = self.validator.operand_stack_height();
        }
        Ok(entry)
    }

    /// Runs after an operator was validated.
    #[inline(always)]
    fn after(&mut self, (group, row): Entry, operator: &Operator<'_>) -> Visited {
        let height = self.validator.operand_stack_height();
        self.max_height = self.max_height.max(height);
        self.operators = self.operators.saturating_add(1);
        self.needs_scratch |= keeps_an_operand(row);
        if let Operator::I32Const { value } = operator {
            self.constant = Some((*value, self.operators));
        }
        if group == Group::Floats {
            self.nans.note(operator);
        }
        let is_reached = self.planner.is_reached();
        if is_reached {
            if self.pending.is_some() || group == Group::Floats {
                self.follow_nans(operator);
            }
            self.planner.charge(self.prices.of(row).unwrap_or(0));
        }
        if is_special(row) {
            return self.special(operator);
        }
        if !is_reached {
            return Ok(Fate::Dropped);
        }
        if let Some(action) = on_local(operator) {
            self.work.local(action);
            self.edits.push(self.offset(), action);
            return Ok(Fate::Planned);
        }
        self.work.plain(row, height);
        Ok(Fate::Copied(shortest(operator)))
    }

    #[cold]
    #[inline(never)]
    fn refuse(&self, operator: &Operator<'_>) -> Box<Refusal> {
        Box::new(refuse_operator(operator, self.position))
    }

    #[inline(always)]
    fn admit_immediates(&self, operator: &Operator<'_>) -> Result<(), Box<Refusal>> {
        let admitted = match operator {
            Operator::BrTable { targets } => check_limit(
                "br_table_targets",
                u64::from(targets.len()),
                self.rules.limits().br_table_targets,
                Some(self.position),
            ),
            Operator::Block {
                blockty: BlockType::Type(admitted),
            }
            | Operator::Loop {
                blockty: BlockType::Type(admitted),
            }
            | Operator::If {
                blockty: BlockType::Type(admitted),
            }
            | Operator::TypedSelect { ty: admitted } => {
                admit_type(*admitted, self.position, self.rules)
            }
            _ => return Ok(()),
        };
        admitted.map_err(Box::new)
    }

    /// Canonicalises a computed NaN before the next operator that could tell it from another NaN.
    /// Most arithmetic cannot, so only the last result in a chain of operators is canonicalised.
    fn follow_nans(&mut self, operator: &Operator<'_>) {
        if let Some(width) = self.pending.take()
            && !treats_nans_alike(operator)
        {
            self.edits.push(self.offset(), Action::Canonicalise(width));
        }
        self.pending = computed(operator);
    }

    /// The value of an `i32.const` directly before the current operator.
    fn constant_before(&self) -> Option<i32> {
        let (value, operators) = self.constant?;
        (operators.saturating_add(1) == self.operators).then_some(value)
    }

    /// Plans an operator that is not just charged and copied.
    ///
    /// Inlined into each visiting method, as all that it passes the operator to, so that every
    /// `match` on the operator is decided at compile time.
    #[inline(always)]
    fn special(&mut self, operator: &Operator<'_>) -> Visited {
        let offset = self.offset();
        let resources = self.validator.resources();
        if !self.planner.is_reached() {
            return Ok(match self.planner.follow_unreachable(operator, offset) {
                None => Fate::Dropped,
                Some(action) => {
                    self.work.resume(action);
                    self.edits.push(offset, action);
                    Fate::Planned
                }
            });
        }
        let action = match operator {
            Operator::Block { blockty } => Action::Block(*blockty),
            Operator::Loop { blockty } => Action::Loop(*blockty),
            Operator::If { blockty } => Action::If(*blockty),
            Operator::Else => Action::Else,
            Operator::End => Action::End,
            Operator::Br { relative_depth } => Action::Branch(*relative_depth),
            Operator::BrIf { relative_depth } => Action::BranchIf(*relative_depth),
            Operator::BrTable { targets } => {
                let labels = targets.targets().map_while(Result::ok);
                let labels = labels.chain([targets.default()]);
                Action::BranchTable(self.edits.add_labels(labels))
            }
            Operator::Return => Action::Return,
            Operator::Unreachable => Action::Unreachable,
            Operator::Call { function_index } => Action::Call(*function_index),
            Operator::CallIndirect {
                type_index,
                table_index,
            } => Action::CallIndirect {
                type_index: *type_index,
                table: *table_index,
            },
            Operator::ReturnCall { function_index } => Action::ReturnCall(*function_index),
            Operator::ReturnCallIndirect {
                type_index,
                table_index,
            } => Action::ReturnCallIndirect {
                type_index: *type_index,
                table: *table_index,
            },
            Operator::RefFunc { function_index } => Action::RefFunc(*function_index),
            Operator::TableGrow { table } => Action::TableGrow(*table),
            Operator::Select => Action::Select,
            Operator::TypedSelect { .. } => Action::TypedSelect,
            other => match (
                BulkOperator::of(other, self.constant_before()),
                Length::of(other),
            ) {
                (Some(bulk), _) => Action::InChunks(bulk),
                (None, Some(length)) => Action::ByLength(length),
                (None, None) => Action::Encode,
            },
        };
        self.needs_scratch |= matches!(
            action,
            Action::ByLength(_) | Action::TableGrow(_) | Action::InChunks(_)
        );
        self.fills |= action == Action::InChunks(BulkOperator::Fill);
        self.copies |= action == Action::InChunks(BulkOperator::Copy);
        self.work.operator(operator, self.height, resources);
        self.planner.follow(action, &self.edits, offset);
        self.edits.push(offset, action);
        if matches!(action, Action::Block(_) | Action::Loop(_) | Action::If(_)) {
            let most = self.rules.limits().nesting;
            check_limit("nesting", self.planner.depth(), most, Some(self.position))
                .map_err(Box::new)?;
        }
        Ok(Fate::Planned)
    }
}

macro_rules! visit {
    ($(@$proposal:ident $operator:ident $({ $($arg:ident: $type:ty),* })? => $visit:ident ($($arity:tt)*))*) => {
        $(fn $visit(&mut self $($(, $arg: $type)*)?) -> Visited {
            let operator = Operator::$operator $({ $($arg: $arg.clone()),* })?;
            let entry = self.before(entries::$operator, &operator)?;
            self.validator.visitor(self.position).$visit($($($arg),*)?)?;
            let visited = self.after(entry, &operator);
            // An admitted operator owns no memory. Forgetting it saves a drop check per operator.
            std::mem::forget(operator);
            visited
        })*
    };
}

impl<'a> VisitOperator<'a> for FunctionVisitor<'_> {
    type Output = Visited;

    fn simd_visitor(&mut self) -> Option<&mut dyn VisitSimdOperator<'a, Output = Visited>> {
        Some(self)
    }

    wasmparser::for_each_visit_operator!(visit);
}

macro_rules! refuse {
    ($(@$proposal:ident $operator:ident $({ $($arg:ident: $type:ty),* })? => $visit:ident ($($arity:tt)*))*) => {
        $(fn $visit(&mut self $($(, $arg: $type)*)?) -> Visited {
            Err(self.refuse(&Operator::$operator $({ $($arg),* })?))
        })*
    };
}

/// No rules admit SIMD operators.
impl VisitSimdOperator<'_> for FunctionVisitor<'_> {
    wasmparser::for_each_visit_simd_operator!(refuse);
}

impl FrameStack for FunctionVisitor<'_> {
    fn current_frame(&self) -> Option<FrameKind> {
        self.validator.get_control_frame(0).map(|frame| frame.kind)
    }
}

/// Whether an operator needs more than being charged and copied. Operators on locals are not
/// special.
const fn is_special(row: Row) -> bool {
    matches!(
        row,
        Row::Unreachable
            | Row::Block
            | Row::Loop
            | Row::If
            | Row::Else
            | Row::End
            | Row::Br
            | Row::BrIf
            | Row::BrTable
            | Row::Return
            | Row::Call
            | Row::CallIndirect
            | Row::Select
            | Row::TypedSelect
            | Row::MemoryGrow
            | Row::MemoryInit
            | Row::MemoryCopy
            | Row::MemoryFill
            | Row::TableInit
            | Row::TableCopy
            | Row::TableFill
            | Row::TableGet
            | Row::TableSet
            | Row::TableGrow
            | Row::RefFunc
    )
}

/// Whether a reset of the instance does not undo the operator's effect.
const fn is_irreversible(row: Row) -> bool {
    matches!(
        row,
        Row::DataDrop
            | Row::ElemDrop
            | Row::TableInit
            | Row::TableCopy
            | Row::TableFill
            | Row::TableGrow
            | Row::TableSet
    )
}

/// Whether the rewritten operator needs a scratch local for its top operand.
const fn keeps_an_operand(row: Row) -> bool {
    matches!(row, Row::CallIndirect | Row::Select | Row::TypedSelect)
}

/// The action of an operator on a local.
#[inline(always)]
fn on_local(operator: &Operator<'_>) -> Option<Action> {
    match operator {
        Operator::LocalGet { local_index } => Some(Action::Get(*local_index)),
        Operator::LocalSet { local_index } => Some(Action::Set(*local_index)),
        Operator::LocalTee { local_index } => Some(Action::Tee(*local_index)),
        _ => None,
    }
}

fn relative(offset: u64) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

//! The one way through a function's operators: each is read once, admitted, validated, and planned.
//!
//! wasmparser calls a method for each operator, so that what is known of it is known where the
//! compiler sees it: most operators cost their price and are copied, and take no more than that.

use std::ops::Range;

use wasmparser::{
    BinaryReader, BlockType, FrameKind, FrameStack, FuncValidator, MemArg, Operator,
    ValidatorResources, VisitOperator, VisitSimdOperator,
};

use super::{
    Planner, check_limit,
    steps::{Action, Steps},
};
use crate::{
    Refusal, Rules,
    features::{admit_type, refuse_operator},
    floats::{Computed, Width, computed, treats_nans_alike},
    length::{Bulk, Length},
    schedule::{Group, Place, Row, places},
    work::Work,
};

/// What was found on the way.
pub(super) struct Walk<'a> {
    rules: &'a Rules,
    pub(super) validator: FuncValidator<ValidatorResources>,
    /// Where the body begins, and the operator.
    begin: u64,
    position: u64,
    pub(super) planner: Planner,
    pub(super) steps: Steps,
    pub(super) work: Work,
    pub(super) operators: u64,
    /// The greatest height of the operand stack.
    pub(super) highest: u32,
    pub(super) calls: bool,
    /// Whether it grows the memory.
    pub(super) grows: bool,
    /// Whether it fills memory, or copies it, in chunks.
    pub(super) fills: bool,
    pub(super) copies: bool,
    /// Whether some operator needs an `i32` to be kept while it is rewritten.
    pub(super) needs_scratch: bool,
    pub(super) nans: Computed,
    /// Of which type the value on top of the stack was computed and not looked at.
    pending: Option<Width>,
    /// The constant that the operator before this one is, if it is one.
    constant: Option<i32>,
}

/// What becomes of an operator.
pub(super) enum Fate {
    /// It is not reached.
    Dropped,
    /// It is copied, if this is how many bytes it is encoded in: then it is encoded in the one way in which we would.
    Copied(u64),
    /// The last step is its.
    Planned,
}

type Visited = Result<Fate, Box<Refusal>>;

impl<'a> Walk<'a> {
    pub(super) fn new(
        rules: &'a Rules,
        validator: FuncValidator<ValidatorResources>,
        body: Range<u64>,
        work: Work,
    ) -> Self {
        let bytes = body.end.saturating_sub(body.start);
        Self {
            rules,
            validator,
            begin: body.start,
            position: body.start,
            planner: Planner::of_body(bytes),
            steps: Steps::of_body(bytes),
            work,
            operators: 0,
            highest: 0,
            calls: false,
            grows: false,
            fills: false,
            copies: false,
            needs_scratch: false,
            nans: Computed::default(),
            pending: None,
            constant: None,
        }
    }

    /// Goes to the function's end.
    pub(super) fn follow(&mut self, mut operators: BinaryReader<'_>) -> Result<(), Refusal> {
        while !operators.eof() {
            self.position = operators.original_position();
            let fate = operators
                .visit_operator(self)?
                .map_err(|refusal| *refusal)?;
            let length = operators.original_position().saturating_sub(self.position);
            match fate {
                Fate::Dropped => continue,
                Fate::Copied(shortest) if shortest == length => continue,
                Fate::Copied(_) => self.steps.push(self.offset(), Action::Encode),
                Fate::Planned => {}
            }
            self.steps.set_length(relative(length));
        }
        Ok(operators.finish_expression(self)?)
    }

    /// The operator's offset in the body.
    fn offset(&self) -> u32 {
        relative(self.position.saturating_sub(self.begin))
    }

    /// What is done before an operator is validated.
    #[inline(always)]
    fn before(
        &mut self,
        place: Option<Place>,
        operator: &Operator<'_>,
    ) -> Result<Place, Box<Refusal>> {
        let Some(place) = place.filter(|(group, _)| self.rules.admit(*group)) else {
            return Err(self.refuse(operator));
        };
        if is_special(place.1) {
            self.admit_immediates(operator)?;
            self.grows |= matches!(place.1, Row::MemoryGrow);
            if matches!(place.1, Row::Call | Row::CallIndirect) {
                self.calls = true;
                if self.planner.is_reached() {
                    self.work.put_away(self.validator.operand_stack_height());
                }
            }
        }
        Ok(place)
    }

    /// What is done once it is valid.
    #[inline(always)]
    fn after(&mut self, (group, row): Place, operator: &Operator<'_>) -> Visited {
        self.highest = self.highest.max(self.validator.operand_stack_height());
        self.operators = self.operators.saturating_add(1);
        self.needs_scratch |= keeps_an_operand(row);
        let constant = match operator {
            Operator::I32Const { value } => Some(*value),
            _ => None,
        };
        let before = std::mem::replace(&mut self.constant, constant);
        if group == Group::Floats {
            self.nans.note(operator);
        }
        if self.planner.is_reached() {
            if self.pending.is_some() || group == Group::Floats {
                self.follow_nans(operator);
            }
            self.planner
                .charge(self.rules.schedule().price_of(row).unwrap_or(0));
        }
        if is_special(row) {
            return self.special(operator, before);
        }
        if !self.planner.is_reached() {
            return Ok(Fate::Dropped);
        }
        if let Some(action) = on_local(operator) {
            self.work.local(action);
            self.steps.push(self.offset(), action);
            return Ok(Fate::Planned);
        }
        self.work.plain();
        Ok(Fate::Copied(shortest(operator)))
    }

    #[cold]
    #[inline(never)]
    fn refuse(&self, operator: &Operator<'_>) -> Box<Refusal> {
        Box::new(refuse_operator(operator, self.position))
    }

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

    /// A computed NaN is made the canonical one before the next operator that could tell it from another. Most
    /// arithmetic cannot, so that in a chain of operators only the last result is looked at.
    fn follow_nans(&mut self, operator: &Operator<'_>) {
        if let Some(width) = self.pending.take()
            && !treats_nans_alike(operator)
        {
            self.steps.push(self.offset(), Action::Canonicalise(width));
        }
        self.pending = computed(operator);
    }

    /// An operator with more to it than its price; `before` is the constant before it, if there is one.
    fn special(&mut self, operator: &Operator<'_>, before: Option<i32>) -> Visited {
        let offset = self.offset();
        let resources = self.validator.resources();
        if !self.planner.is_reached() {
            return Ok(match self.planner.pass(operator, offset) {
                None => Fate::Dropped,
                Some(action) => {
                    self.work.resume(action);
                    self.steps.push(offset, action);
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
                Action::BranchTable(self.steps.add_labels(labels))
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
            Operator::RefFunc { function_index } => Action::RefFunc(*function_index),
            Operator::Select => Action::Select,
            Operator::TypedSelect { .. } => Action::TypedSelect,
            other => match (Bulk::of(other, before), Length::of(other)) {
                (Some(bulk), _) => Action::InChunks(bulk),
                (None, Some(length)) => Action::ByLength(length),
                (None, None) => Action::Encode,
            },
        };
        self.needs_scratch |= matches!(action, Action::ByLength(_) | Action::InChunks(_));
        self.fills |= action == Action::InChunks(Bulk::Fill);
        self.copies |= action == Action::InChunks(Bulk::Copy);
        self.work.operator(operator, resources);
        self.planner.step(action, &self.steps, offset);
        self.steps.push(offset, action);
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
            let place = self.before(places::$operator, &operator)?;
            self.validator.visitor(self.position).$visit($($($arg),*)?)?;
            let visited = self.after(place, &operator);
            // What is admitted owns nothing, so that dropping it would be a question without an answer.
            std::mem::forget(operator);
            visited
        })*
    };
}

impl<'a> VisitOperator<'a> for Walk<'_> {
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

/// No rules admit vectors.
impl VisitSimdOperator<'_> for Walk<'_> {
    wasmparser::for_each_visit_simd_operator!(refuse);
}

impl FrameStack for Walk<'_> {
    fn current_frame(&self) -> Option<FrameKind> {
        self.validator.get_control_frame(0).map(|frame| frame.kind)
    }
}

/// Whether there is more to an operator than its price, and a local.
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
            | Row::RefFunc
    )
}

/// Whether the operand on top is kept in a local while the operator is rewritten.
const fn keeps_an_operand(row: Row) -> bool {
    matches!(row, Row::CallIndirect | Row::Select | Row::TypedSelect)
}

/// The step of an operator on a local.
#[inline(always)]
fn on_local(operator: &Operator<'_>) -> Option<Action> {
    match operator {
        Operator::LocalGet { local_index } => Some(Action::Get(*local_index)),
        Operator::LocalSet { local_index } => Some(Action::Set(*local_index)),
        Operator::LocalTee { local_index } => Some(Action::Tee(*local_index)),
        _ => None,
    }
}

/// The fewest bytes that an operator can be encoded in, or fewer.
#[inline(always)]
fn shortest(operator: &Operator<'_>) -> u64 {
    let of =
        |memory: &MemArg| unsigned(u64::from(memory.align)).saturating_add(unsigned(memory.offset));
    let immediates = match operator {
        Operator::I32Const { value } => signed(i64::from(*value)),
        Operator::I64Const { value } => signed(*value),
        Operator::F32Const { .. } => 4,
        Operator::F64Const { .. } => 8,
        Operator::GlobalGet { global_index } | Operator::GlobalSet { global_index } => {
            unsigned(u64::from(*global_index))
        }
        Operator::I32Load { memarg }
        | Operator::I32Load8S { memarg }
        | Operator::I32Load8U { memarg }
        | Operator::I32Load16S { memarg }
        | Operator::I32Load16U { memarg }
        | Operator::I64Load { memarg }
        | Operator::I64Load8S { memarg }
        | Operator::I64Load8U { memarg }
        | Operator::I64Load16S { memarg }
        | Operator::I64Load16U { memarg }
        | Operator::I64Load32S { memarg }
        | Operator::I64Load32U { memarg }
        | Operator::F32Load { memarg }
        | Operator::F64Load { memarg }
        | Operator::I32Store { memarg }
        | Operator::I32Store8 { memarg }
        | Operator::I32Store16 { memarg }
        | Operator::I64Store { memarg }
        | Operator::I64Store8 { memarg }
        | Operator::I64Store16 { memarg }
        | Operator::I64Store32 { memarg }
        | Operator::F32Store { memarg }
        | Operator::F64Store { memarg } => of(memarg),
        _ => 0,
    };
    1_u64.saturating_add(immediates)
}

/// Bytes of a number in LEB128.
fn unsigned(value: u64) -> u64 {
    let bits = u64::BITS.saturating_sub(value.leading_zeros()).max(1);
    u64::from(bits.div_ceil(7))
}

/// Bytes of a signed number in LEB128, which keeps a bit for the sign.
fn signed(value: i64) -> u64 {
    let magnitude = (value ^ (value >> 63)).cast_unsigned();
    let bits = u64::BITS.saturating_sub(magnitude.leading_zeros());
    u64::from(bits.saturating_add(1).div_ceil(7))
}

fn relative(offset: u64) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

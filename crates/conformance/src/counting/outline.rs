//! The outline of a function: its operators with their prices, and its blocks.
//!
//! Reading it determines which operators are reachable, where each block begins and ends, and where
//! each branch leads.

use wasmparser::{BlockType, Operator};

use super::{
    Result,
    names::name,
    op::{Jump, Op, index},
    prices::{LengthPrice, Prices},
    types::Types,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Function,
    Block,
    Loop,
    If,
}

/// A block, or the whole function.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) kind: Kind,
    /// Position of its opening operator.
    pub(super) begin: usize,
    /// Position of its `else`.
    pub(super) else_: Option<usize>,
    /// Position of its `end`.
    pub(super) end: usize,
    params: usize,
    results: usize,
    /// Number of operands below it.
    height: usize,
    pub(super) is_reached: bool,
    /// Whether the code before its `end` is reachable.
    pub(super) end_is_reached: bool,
    /// Whether a reachable branch targets it.
    pub(super) is_target: bool,
}

/// An operator at its position in the function.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) op: Op,
    pub(super) is_reached: bool,
    pub(super) price: u64,
    pub(super) length: Option<LengthPrice>,
}

/// A function while its operators are read.
pub(super) struct Outline<'a> {
    types: &'a Types,
    prices: &'a Prices,
    pub(super) sites: Vec<Site>,
    pub(super) blocks: Vec<Block>,
    /// Indices of the open blocks, outermost first.
    open: Vec<usize>,
    is_reached: bool,
    height: usize,
    max_height: usize,
    calls: bool,
}

impl<'a> Outline<'a> {
    pub(super) fn new(types: &'a Types, prices: &'a Prices, results: usize) -> Self {
        Self {
            types,
            prices,
            sites: Vec::new(),
            blocks: vec![Block {
                kind: Kind::Function,
                begin: 0,
                else_: None,
                end: 0,
                params: 0,
                results,
                height: 0,
                is_reached: true,
                end_is_reached: true,
                is_target: false,
            }],
            open: vec![0],
            is_reached: true,
            height: 0,
            max_height: 0,
            calls: false,
        }
    }

    pub(super) fn read(&mut self, operator: &Operator<'_>) -> Result<()> {
        let is_reached = self.is_reached;
        let op = match operator {
            Operator::Block { blockty } => self.open_block(Kind::Block, *blockty)?,
            Operator::Loop { blockty } => self.open_block(Kind::Loop, *blockty)?,
            Operator::If { blockty } => {
                self.pop(1);
                self.open_block(Kind::If, *blockty)?
            }
            Operator::Else => self.begin_else()?,
            Operator::End => self.end_block()?,
            Operator::Br { relative_depth } => {
                let jump = self.branch(*relative_depth)?;
                self.leave();
                Op::Jump(jump)
            }
            Operator::BrIf { relative_depth } => {
                self.pop(1);
                let jump = self.branch(*relative_depth)?;
                self.pop(jump.keep);
                self.push(jump.keep);
                Op::JumpIf(jump)
            }
            Operator::BrTable { targets } => {
                self.pop(1);
                let mut jumps = Vec::new();
                for target in targets.targets() {
                    jumps.push(self.branch(target.map_err(text)?)?);
                }
                jumps.push(self.branch(targets.default())?);
                self.leave();
                Op::JumpTable(jumps.into_boxed_slice())
            }
            Operator::Return => {
                let (_, body) = self.target(self.open.len().saturating_sub(1))?;
                let jump = Jump {
                    to: 0,
                    keep: body.results,
                    height: 0,
                };
                self.leave();
                Op::Jump(jump)
            }
            Operator::ReturnCall { function_index } => {
                self.leave();
                Op::ReturnCall(index(*function_index))
            }
            Operator::ReturnCallIndirect {
                type_index,
                table_index,
            } => {
                self.leave();
                Op::ReturnCallIndirect {
                    type_index: index(*type_index),
                    table: index(*table_index),
                }
            }
            Operator::Unreachable => {
                self.leave();
                Op::Unreachable
            }
            plain => self.plain(plain)?,
        };
        self.max_height = self.max_height.max(self.height);
        let name = name(operator);
        self.sites.push(if is_reached {
            Site {
                op,
                is_reached,
                price: self.prices.operator(&name)?,
                length: self.prices.length(&name),
            }
        } else {
            Site {
                op: Op::Nothing,
                is_reached,
                price: 0,
                length: None,
            }
        });
        Ok(())
    }

    fn plain(&mut self, operator: &Operator<'_>) -> Result<Op> {
        let op = Op::plain(operator)?;
        let (pops, pushes) = op.effect();
        self.pop(pops);
        self.push(pushes);
        let called = match op {
            Op::Call(function) => Some(self.types.of_function(function)?),
            Op::CallIndirect { type_index, .. } => Some(type_index),
            _ => None,
        };
        if let Some(type_index) = called {
            let (params, results) = self.types.counts(type_index)?;
            self.pop(params);
            self.push(results);
            self.calls = true;
        }
        Ok(op)
    }

    /// Pops operands of the innermost block only. Unreachable code may pop more than there are.
    fn pop(&mut self, count: usize) {
        let floor = self.innermost().map_or(0, |block| block.height);
        self.height = self.height.saturating_sub(count).max(floor);
    }

    fn push(&mut self, count: usize) {
        self.height = self.height.saturating_add(count);
    }

    /// Begins unreachable code.
    fn leave(&mut self) {
        self.pop(usize::MAX);
        self.is_reached = false;
    }

    fn innermost(&self) -> Option<&Block> {
        self.blocks.get(*self.open.last()?)
    }

    /// The innermost block and its index.
    fn innermost_mut(&mut self) -> Result<(usize, &mut Block)> {
        let number = *self.open.last().ok_or("no block is open")?;
        let block = self.blocks.get_mut(number).ok_or("no such block")?;
        Ok((number, block))
    }

    fn target(&mut self, depth: usize) -> Result<(usize, &mut Block)> {
        let number = *self.open.iter().rev().nth(depth).ok_or("no such label")?;
        let block = self.blocks.get_mut(number).ok_or("no such block")?;
        Ok((number, block))
    }

    fn open_block(&mut self, kind: Kind, block_type: BlockType) -> Result<Op> {
        let (params, results) = match block_type {
            BlockType::Empty => (0, 0),
            BlockType::Type(_) => (0, 1),
            BlockType::FuncType(type_index) => self.types.counts(index(type_index))?,
        };
        self.pop(params);
        let number = self.blocks.len();
        self.blocks.push(Block {
            kind,
            begin: self.sites.len(),
            else_: None,
            end: 0,
            params,
            results,
            height: self.height,
            is_reached: self.is_reached,
            end_is_reached: true,
            is_target: false,
        });
        self.open.push(number);
        self.push(params);
        Ok(match kind {
            Kind::If => Op::If(number),
            Kind::Function | Kind::Block | Kind::Loop => Op::Nothing,
        })
    }

    fn begin_else(&mut self) -> Result<Op> {
        let position = self.sites.len();
        let (number, block) = self.innermost_mut()?;
        block.else_ = Some(position);
        let (height, is_reached) = (block.height.saturating_add(block.params), block.is_reached);
        self.height = height;
        self.is_reached = is_reached;
        Ok(Op::Skip(number))
    }

    fn end_block(&mut self) -> Result<Op> {
        let position = self.sites.len();
        let end_is_reached = self.is_reached;
        let (_, block) = self.innermost_mut()?;
        block.end = position;
        block.end_is_reached = end_is_reached;
        let (height, is_reached) = (block.height.saturating_add(block.results), block.is_reached);
        self.height = height;
        self.is_reached = is_reached;
        self.open.pop();
        Ok(Op::Nothing)
    }

    /// A branch. Its target is the index of a block until [`resolve`](Self::resolve) replaces it.
    fn branch(&mut self, depth: u32) -> Result<Jump> {
        let is_reached = self.is_reached;
        let (number, block) = self.target(index(depth))?;
        block.is_target |= is_reached;
        Ok(Jump {
            to: number,
            keep: match block.kind {
                Kind::Loop => block.params,
                Kind::Function | Kind::Block | Kind::If => block.results,
            },
            height: block.height,
        })
    }

    /// Replaces indices of blocks by positions.
    pub(super) fn resolve(&mut self) {
        let blocks = &self.blocks;
        let after = |number: usize| blocks.get(number).map_or(0, Block::after);
        let label = |number: usize| blocks.get(number).map_or(0, Block::label);
        let arm = |number: usize| blocks.get(number).map_or(0, Block::second_arm);
        for site in &mut self.sites {
            match &mut site.op {
                Op::Skip(to) => *to = after(*to),
                Op::If(to) => *to = arm(*to),
                Op::Jump(jump) | Op::JumpIf(jump) => jump.to = label(jump.to),
                Op::JumpTable(jumps) => {
                    for jump in jumps {
                        jump.to = label(jump.to);
                    }
                }
                _ => {}
            }
        }
    }

    /// The size of the stack frame. `locals` counts parameters and locals.
    pub(super) fn frame(&self, locals: usize) -> Result<i64> {
        if !self.calls {
            return Ok(0);
        }
        let count = |counted: usize| u64::try_from(counted).unwrap_or(u64::MAX);
        let size = |name| self.prices.number("Frame", name);
        let slots = count(locals.saturating_add(self.max_height));
        let eights = count(self.sites.len().div_ceil(8));
        let bytes = size("base")?
            .saturating_add(size("slot")?.saturating_mul(slots))
            .saturating_add(size("eight_operators")?.saturating_mul(eights))
            .next_multiple_of(8);
        i64::try_from(bytes).map_err(|error| error.to_string())
    }
}

impl Block {
    /// The position after its end.
    pub(super) fn after(&self) -> usize {
        self.end.saturating_add(1)
    }

    /// The target of branches to this block.
    pub(super) fn label(&self) -> usize {
        match self.kind {
            Kind::Loop => self.begin.saturating_add(1),
            Kind::Function | Kind::Block | Kind::If => self.after(),
        }
    }

    /// Where execution continues if the condition is false.
    fn second_arm(&self) -> usize {
        self.else_.unwrap_or(self.end).saturating_add(1)
    }
}

fn text(error: wasmparser::Error) -> String {
    error.to_string()
}

//! Where metered blocks begin, and what each of them costs, by the rules of `docs/book/src/gas.md`.

use std::collections::BTreeSet;

use super::{
    op::Op,
    outline::{Block, Kind, Outline},
};

/// A metered block. It is charged whenever its first operator is about to run.
#[derive(Clone, Copy, Debug)]
pub(super) struct MeteredBlock {
    pub(super) cost: u64,
    pub(super) position: BlockPosition,
}

/// Where a metered block begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockPosition {
    /// At the entry of the function.
    Entry,
    /// At the head of a loop with a gas check.
    CheckedHead,
    /// Anywhere else.
    Inside,
}

impl MeteredBlock {
    /// Whether the gas is checked after the block is charged.
    pub(super) fn has_gas_check(self) -> bool {
        match self.position {
            BlockPosition::Entry | BlockPosition::CheckedHead => true,
            BlockPosition::Inside => false,
        }
    }
}

/// For each operator and the end of the function, the metered block that begins there.
pub(super) fn metered_blocks(outline: &Outline<'_>) -> Vec<Option<MeteredBlock>> {
    let positions = beginnings(outline);
    positions
        .iter()
        .enumerate()
        .map(|(start, position)| {
            position.map(|position| MeteredBlock {
                cost: cost(outline, start, &positions),
                position,
            })
        })
        .collect()
}

/// The positions at which a metered block begins. Comments give the number of the rule in
/// `docs/book/src/gas.md`.
fn beginnings(outline: &Outline<'_>) -> Vec<Option<BlockPosition>> {
    let checked_heads = checked_heads(outline);
    let mut positions = vec![None; outline.sites.len().saturating_add(1)];
    let mut begin = |at: usize, position: BlockPosition| {
        if let Some(slot) = positions.get_mut(at) {
            *slot = Some(position);
        }
    };
    // Rule 1.
    begin(0, BlockPosition::Entry);
    for block in outline.blocks.iter().filter(|block| block.is_reached) {
        let inside = block.begin.saturating_add(1);
        match block.kind {
            // Rule 2.
            Kind::Loop if checked_heads.contains(&inside) => {
                begin(inside, BlockPosition::CheckedHead);
            }
            Kind::Loop => begin(inside, BlockPosition::Inside),
            // Rule 3.
            Kind::If => {
                begin(inside, BlockPosition::Inside);
                if let Some(else_) = block.else_ {
                    begin(else_.saturating_add(1), BlockPosition::Inside);
                }
            }
            Kind::Function | Kind::Block => {}
        }
        // Rule 5.
        let begins = match block.kind {
            Kind::If => true,
            Kind::Block => block.is_target || !block.end_is_reached,
            Kind::Loop => !block.end_is_reached,
            Kind::Function => false,
        };
        if begins {
            begin(block.after(), BlockPosition::Inside);
        }
    }
    // Rule 4.
    for (at, site) in outline.sites.iter().enumerate() {
        if site.is_reached && matches!(site.op, Op::JumpIf(_)) {
            begin(at.saturating_add(1), BlockPosition::Inside);
        }
    }
    positions
}

/// The heads of loops with a gas check: those that some path inside the loop leads back to without
/// another gas check.
fn checked_heads(outline: &Outline<'_>) -> BTreeSet<usize> {
    let mut checked = BTreeSet::new();
    // Inner loops begin after the outer ones, so descending order decides them first.
    let mut loops: Vec<&Block> = outline
        .blocks
        .iter()
        .filter(|block| block.kind == Kind::Loop && block.is_reached)
        .collect();
    loops.sort_by_key(|block| std::cmp::Reverse(block.begin));
    for block in loops {
        if repeats_unchecked(outline, block, &checked) {
            checked.insert(block.label());
        }
    }
    checked
}

/// Whether some path from the head of the loop back to it passes no gas check.
fn repeats_unchecked(outline: &Outline<'_>, block: &Block, checked: &BTreeSet<usize>) -> bool {
    let head = block.label();
    let mut visited = BTreeSet::new();
    let mut next = vec![head];
    while let Some(at) = next.pop() {
        let is_inside = at >= head && at <= block.end;
        let is_check = at != head && checked.contains(&at);
        if !is_inside || is_check || !visited.insert(at) {
            continue;
        }
        let successors = successors(outline, at);
        if successors.contains(&head) {
            return true;
        }
        next.extend(successors);
    }
    false
}

/// The positions that may follow an operator. None if the operator has a gas check.
fn successors(outline: &Outline<'_>, at: usize) -> Vec<usize> {
    let next = at.saturating_add(1);
    let Some(site) = outline.sites.get(at).filter(|site| site.is_reached) else {
        return Vec::new();
    };
    match &site.op {
        Op::Call(_)
        | Op::CallIndirect { .. }
        | Op::ReturnCall(_)
        | Op::ReturnCallIndirect { .. }
        | Op::Unreachable => Vec::new(),
        _ if site.length.is_some() => Vec::new(),
        Op::Skip(to) => vec![*to],
        Op::If(to) => vec![next, *to],
        Op::Jump(jump) => vec![jump.to],
        Op::JumpIf(jump) => vec![next, jump.to],
        Op::JumpTable(jumps) => jumps.iter().map(|jump| jump.to).collect(),
        _ => vec![next],
    }
}

/// The cost of the operators from `start` up to unreachable code or the next metered block.
fn cost(outline: &Outline<'_>, start: usize, positions: &[Option<BlockPosition>]) -> u64 {
    let sites = outline.sites.get(start..).unwrap_or_default();
    let positions = positions.get(start..).unwrap_or_default();
    let ends = |at: &usize| {
        let is_reached = sites.get(*at).is_some_and(|site| site.is_reached);
        let begins = *at > 0 && positions.get(*at).is_some_and(Option::is_some);
        !is_reached || begins
    };
    let end = (0..sites.len()).find(ends).unwrap_or(sites.len());
    let prices = sites.iter().take(end).map(|site| site.price);
    prices.fold(0, u64::saturating_add)
}

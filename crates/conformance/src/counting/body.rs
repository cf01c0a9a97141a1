//! Function bodies: where branches go, where regions begin, and what each of them costs.
//!
//! A body is read once, to learn of each operator whether it is reached and of each block where it begins
//! and ends. Then the rules of `docs/gas.md` say at which operators regions begin. A region is charged
//! whenever its first operator is arrived at, from wherever.

use std::collections::BTreeSet;

use wasmparser::{BlockType, FunctionBody, Operator};

use super::{
    Result,
    names::name,
    op::{Jump, Op, index},
    prices::{LengthPrice, Prices},
    program::Types,
};

/// A function's body, ready to be interpreted.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) steps: Vec<Step>,
    /// Locals that are no parameters.
    pub(super) locals: usize,
    /// What it takes from the height while it runs.
    pub(super) frame: i64,
}

/// An operator, and what is due before it.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) op: Op,
    pub(super) toll: Option<Box<Toll>>,
}

/// What is due before an operator: first the region that begins there, then the operator's length.
#[derive(Debug)]
pub(super) struct Toll {
    pub(super) region: Option<Region>,
    pub(super) length: Option<LengthPrice>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Region {
    pub(super) cost: u64,
    pub(super) place: Place,
}

/// Where a region begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Entry,
    /// The head of a loop that is looked at.
    LookedHead,
    Inside,
}

impl Region {
    /// Whether the gas left is looked at once the region is charged.
    pub(super) fn is_looked_at(self) -> bool {
        match self.place {
            Place::Entry | Place::LookedHead => true,
            Place::Inside => false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Function,
    Block,
    Loop,
    If,
}

/// A block, or the whole body.
#[derive(Debug)]
struct Block {
    kind: Kind,
    /// The positions of its operators.
    opens: usize,
    otherwise: Option<usize>,
    ends: usize,
    params: usize,
    results: usize,
    /// The operands below it.
    height: usize,
    is_reached: bool,
    /// Whether its end, or the end of its last arm, is come to from inside.
    end_is_reached: bool,
    /// Whether a branch that is reached leaves for it.
    is_left: bool,
}

/// What is known of an operator where it stands.
#[derive(Debug)]
struct Site {
    op: Op,
    is_reached: bool,
    price: u64,
    length: Option<LengthPrice>,
}

struct Outline<'a> {
    types: &'a Types,
    prices: &'a Prices,
    sites: Vec<Site>,
    blocks: Vec<Block>,
    /// The blocks that are open, from the outermost.
    open: Vec<usize>,
    is_reached: bool,
    height: usize,
    highest: usize,
    calls: bool,
}

impl Body {
    pub(super) fn read(
        body: &FunctionBody<'_>,
        type_index: usize,
        types: &Types,
        prices: &Prices,
    ) -> Result<Self> {
        let (params, results) = types.counts(type_index)?;
        let mut locals = 0_usize;
        for group in body.get_locals_reader().map_err(text)? {
            let (count, _) = group.map_err(text)?;
            locals = locals.saturating_add(index(count));
        }
        let mut outline = Outline::new(types, prices, results);
        for operator in body.get_operators_reader().map_err(text)? {
            outline.read(&operator.map_err(text)?)?;
        }
        outline.resolve();
        let frame = outline.frame(params.saturating_add(locals))?;
        Ok(Self {
            steps: outline.steps(),
            locals,
            frame,
        })
    }
}

impl<'a> Outline<'a> {
    fn new(types: &'a Types, prices: &'a Prices, results: usize) -> Self {
        Self {
            types,
            prices,
            sites: Vec::new(),
            blocks: vec![Block {
                kind: Kind::Function,
                opens: 0,
                otherwise: None,
                ends: 0,
                params: 0,
                results,
                height: 0,
                is_reached: true,
                end_is_reached: true,
                is_left: false,
            }],
            open: vec![0],
            is_reached: true,
            height: 0,
            highest: 0,
            calls: false,
        }
    }

    fn read(&mut self, operator: &Operator<'_>) -> Result<()> {
        let is_reached = self.is_reached;
        let op = match operator {
            Operator::Block { blockty } => self.opens(Kind::Block, *blockty)?,
            Operator::Loop { blockty } => self.opens(Kind::Loop, *blockty)?,
            Operator::If { blockty } => {
                self.pop(1);
                self.opens(Kind::If, *blockty)?
            }
            Operator::Else => self.otherwise()?,
            Operator::End => self.ends()?,
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
            Operator::Unreachable => {
                self.leave();
                Op::Unreachable
            }
            plain => self.plain(plain)?,
        };
        self.highest = self.highest.max(self.height);
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

    /// Operands of the block that is open, and no others, are taken; code that is not reached can take more
    /// than there are.
    fn pop(&mut self, count: usize) {
        let floor = self.innermost().map_or(0, |block| block.height);
        self.height = self.height.saturating_sub(count).max(floor);
    }

    fn push(&mut self, count: usize) {
        self.height = self.height.saturating_add(count);
    }

    /// What follows is not reached.
    fn leave(&mut self) {
        self.pop(usize::MAX);
        self.is_reached = false;
    }

    fn innermost(&self) -> Option<&Block> {
        self.blocks.get(*self.open.last()?)
    }

    /// The innermost block, by number and itself.
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

    fn opens(&mut self, kind: Kind, block_type: BlockType) -> Result<Op> {
        let (params, results) = match block_type {
            BlockType::Empty => (0, 0),
            BlockType::Type(_) => (0, 1),
            BlockType::FuncType(type_index) => self.types.counts(index(type_index))?,
        };
        self.pop(params);
        let number = self.blocks.len();
        self.blocks.push(Block {
            kind,
            opens: self.sites.len(),
            otherwise: None,
            ends: 0,
            params,
            results,
            height: self.height,
            is_reached: self.is_reached,
            end_is_reached: true,
            is_left: false,
        });
        self.open.push(number);
        self.push(params);
        Ok(match kind {
            Kind::If => Op::If(number),
            Kind::Function | Kind::Block | Kind::Loop => Op::Nothing,
        })
    }

    fn otherwise(&mut self) -> Result<Op> {
        let position = self.sites.len();
        let (number, block) = self.innermost_mut()?;
        block.otherwise = Some(position);
        let (height, is_reached) = (block.height.saturating_add(block.params), block.is_reached);
        self.height = height;
        self.is_reached = is_reached;
        Ok(Op::Skip(number))
    }

    fn ends(&mut self) -> Result<Op> {
        let position = self.sites.len();
        let end_is_reached = self.is_reached;
        let (_, block) = self.innermost_mut()?;
        block.ends = position;
        block.end_is_reached = end_is_reached;
        let (height, is_reached) = (block.height.saturating_add(block.results), block.is_reached);
        self.height = height;
        self.is_reached = is_reached;
        self.open.pop();
        Ok(Op::Nothing)
    }

    /// A branch, which tells the number of its block until [`resolve`](Self::resolve) puts in the position.
    fn branch(&mut self, depth: u32) -> Result<Jump> {
        let is_reached = self.is_reached;
        let (number, block) = self.target(index(depth))?;
        block.is_left |= is_reached;
        Ok(Jump {
            to: number,
            keep: match block.kind {
                Kind::Loop => block.params,
                Kind::Function | Kind::Block | Kind::If => block.results,
            },
            height: block.height,
        })
    }

    /// Puts positions in the place of the numbers of blocks.
    fn resolve(&mut self) {
        let blocks = &self.blocks;
        let behind = |number: usize| blocks.get(number).map_or(0, Block::behind);
        let label = |number: usize| blocks.get(number).map_or(0, Block::label);
        let arm = |number: usize| blocks.get(number).map_or(0, Block::second_arm);
        for site in &mut self.sites {
            match &mut site.op {
                Op::Skip(to) => *to = behind(*to),
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

    /// What the function takes from the height, by the parameters and locals that it has.
    fn frame(&self, locals: usize) -> Result<i64> {
        if !self.calls {
            return Ok(0);
        }
        let count = |counted: usize| u64::try_from(counted).unwrap_or(u64::MAX);
        let size = |name| self.prices.number("Frame", name);
        let slots = count(locals.saturating_add(self.highest));
        let eights = count(self.sites.len().div_ceil(8));
        let bytes = size("base")?
            .saturating_add(size("slot")?.saturating_mul(slots))
            .saturating_add(size("eight_operators")?.saturating_mul(eights))
            .next_multiple_of(8);
        i64::try_from(bytes).map_err(|error| error.to_string())
    }

    /// The positions at which a region begins, by the numbers of the rules of `docs/gas.md`.
    fn beginnings(&self) -> Vec<Option<Place>> {
        let looked_heads = self.looked_heads();
        let mut places = vec![None; self.sites.len().saturating_add(1)];
        let mut begin = |position: usize, place: Place| {
            if let Some(begun) = places.get_mut(position) {
                *begun = Some(place);
            }
        };
        // 1
        begin(0, Place::Entry);
        for block in self.blocks.iter().filter(|block| block.is_reached) {
            let inside = block.opens.saturating_add(1);
            match block.kind {
                // 2
                Kind::Loop if looked_heads.contains(&inside) => begin(inside, Place::LookedHead),
                Kind::Loop => begin(inside, Place::Inside),
                // 3
                Kind::If => {
                    begin(inside, Place::Inside);
                    if let Some(otherwise) = block.otherwise {
                        begin(otherwise.saturating_add(1), Place::Inside);
                    }
                }
                Kind::Function | Kind::Block => {}
            }
            // 5
            let begins = match block.kind {
                Kind::If => true,
                Kind::Block => block.is_left || !block.end_is_reached,
                Kind::Loop => !block.end_is_reached,
                Kind::Function => false,
            };
            if begins {
                begin(block.behind(), Place::Inside);
            }
        }
        // 4
        for (position, site) in self.sites.iter().enumerate() {
            if site.is_reached && matches!(site.op, Op::JumpIf(_)) {
                begin(position.saturating_add(1), Place::Inside);
            }
        }
        places
    }

    /// The heads of loops that are looked at: those that can be come back to, inside the loop, without another look.
    fn looked_heads(&self) -> BTreeSet<usize> {
        let mut looked = BTreeSet::new();
        // Inner loops begin behind the outer ones.
        let mut loops: Vec<&Block> = self
            .blocks
            .iter()
            .filter(|block| block.kind == Kind::Loop && block.is_reached)
            .collect();
        loops.sort_by_key(|block| std::cmp::Reverse(block.opens));
        for block in loops {
            if self.comes_back_unseen(block, &looked) {
                looked.insert(block.label());
            }
        }
        looked
    }

    fn comes_back_unseen(&self, block: &Block, looked: &BTreeSet<usize>) -> bool {
        let head = block.label();
        let mut seen = BTreeSet::new();
        let mut next = vec![head];
        while let Some(position) = next.pop() {
            let is_inside = position >= head && position <= block.ends;
            let is_look = position != head && looked.contains(&position);
            if !is_inside || is_look || !seen.insert(position) {
                continue;
            }
            let successors = self.successors(position);
            if successors.contains(&head) {
                return true;
            }
            next.extend(successors);
        }
        false
    }

    /// Where control goes from an operator, if gas is not looked at there.
    fn successors(&self, position: usize) -> Vec<usize> {
        let behind = position.saturating_add(1);
        let Some(site) = self.sites.get(position).filter(|site| site.is_reached) else {
            return Vec::new();
        };
        match &site.op {
            Op::Call(_) | Op::CallIndirect { .. } | Op::Unreachable => Vec::new(),
            _ if site.length.is_some() => Vec::new(),
            Op::Skip(to) => vec![*to],
            Op::If(to) => vec![behind, *to],
            Op::Jump(jump) => vec![jump.to],
            Op::JumpIf(jump) => vec![behind, jump.to],
            Op::JumpTable(jumps) => jumps.iter().map(|jump| jump.to).collect(),
            _ => vec![behind],
        }
    }

    fn steps(self) -> Vec<Step> {
        let places = self.beginnings();
        let regions: Vec<Option<Region>> = places
            .iter()
            .enumerate()
            .map(|(start, place)| {
                place.map(|place| Region {
                    cost: self.cost(start, &places),
                    place,
                })
            })
            .collect();
        let step = |(site, region): (Site, Option<Region>)| Step {
            toll: (region.is_some() || site.length.is_some()).then(|| {
                Box::new(Toll {
                    region,
                    length: site.length,
                })
            }),
            op: site.op,
        };
        self.sites.into_iter().zip(regions).map(step).collect()
    }

    /// What the operators cost from one position to where they are not reached, or another region begins.
    fn cost(&self, start: usize, places: &[Option<Place>]) -> u64 {
        let sites = self.sites.get(start..).unwrap_or_default();
        let places = places.get(start..).unwrap_or_default();
        let ends = |position: &usize| {
            let is_reached = sites.get(*position).is_some_and(|site| site.is_reached);
            let begins = *position > 0 && places.get(*position).is_some_and(Option::is_some);
            !is_reached || begins
        };
        let end = (0..sites.len()).find(ends).unwrap_or(sites.len());
        let prices = sites.iter().take(end).map(|site| site.price);
        prices.fold(0, u64::saturating_add)
    }
}

impl Block {
    /// The position behind its end.
    fn behind(&self) -> usize {
        self.ends.saturating_add(1)
    }

    /// Where branches to it go on.
    fn label(&self) -> usize {
        match self.kind {
            Kind::Loop => self.opens.saturating_add(1),
            Kind::Function | Kind::Block | Kind::If => self.behind(),
        }
    }

    /// Where it goes on if its condition does not hold.
    fn second_arm(&self) -> usize {
        self.otherwise.unwrap_or(self.ends).saturating_add(1)
    }
}

fn text(error: wasmparser::Error) -> String {
    error.to_string()
}

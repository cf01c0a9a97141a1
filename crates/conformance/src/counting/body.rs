//! Function bodies, ready to be interpreted: each operator with the charges before it.

use wasmparser::FunctionBody;

use super::{
    Result,
    metered_blocks::{MeteredBlock, metered_blocks},
    op::{Op, index},
    outline::Outline,
    prices::{LengthPrice, Prices},
    types::Types,
};

#[derive(Debug)]
pub(super) struct Body {
    pub(super) code: Vec<Instruction>,
    /// Number of locals without the parameters.
    pub(super) locals: usize,
    /// Size of the stack frame in bytes.
    pub(super) frame: i64,
}

/// An operator, and the charges before it.
#[derive(Debug)]
pub(super) struct Instruction {
    pub(super) op: Op,
    pub(super) charges: Option<Box<Charges>>,
}

/// The charges before an operator: first the metered block that begins there, then the length.
#[derive(Debug)]
pub(super) struct Charges {
    pub(super) metered_block: Option<MeteredBlock>,
    pub(super) length: Option<LengthPrice>,
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
        let blocks = metered_blocks(&outline);
        let instructions = outline.sites.into_iter().zip(blocks);
        Ok(Self {
            code: instructions
                .map(|(site, metered_block)| Instruction {
                    charges: (metered_block.is_some() || site.length.is_some()).then(|| {
                        Box::new(Charges {
                            metered_block,
                            length: site.length,
                        })
                    }),
                    op: site.op,
                })
                .collect(),
            locals,
            frame,
        })
    }
}

fn text(error: wasmparser::Error) -> String {
    error.to_string()
}

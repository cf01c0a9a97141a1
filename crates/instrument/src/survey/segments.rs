//! Tables, element segments and data segments: checks their sizes and sums them up.

use fusee_engine::PAGE_BYTES;
use wasmparser::{ConstExpr, DataKind, ElementItems, ElementKind, ValType};

use crate::{
    constant::{Constant, constant},
    features::admit_type,
    refusal::{Refusal, Rule, check_limit},
    rules::Rules,
};

/// Sizes summed over the sections of a program.
#[derive(Default)]
pub(super) struct Segments {
    /// Number of element segments and data segments.
    pub(super) count: u64,
    /// Number of elements of all element segments.
    pub(super) elements: u64,
    /// The initial size of each table in elements.
    pub(super) tables: Vec<u64>,
    /// Size of all data segments in bytes.
    pub(super) data_bytes: u64,
}

impl Segments {
    pub(super) fn read_tables(
        &mut self,
        section: wasmparser::TableSectionReader<'_>,
        rules: &Rules,
    ) -> Result<(), Refusal> {
        let limit = rules.limits().table_elements;
        for table in section.into_iter_with_offsets() {
            let (offset, table) = table?;
            admit_type(ValType::Ref(table.ty.element_type), offset, rules)?;
            check_limit("table_elements", table.ty.initial, limit, Some(offset))?;
            self.tables.push(table.ty.initial);
        }
        Ok(())
    }

    pub(super) fn read_elements(
        &mut self,
        section: wasmparser::ElementSectionReader<'_>,
        rules: &Rules,
    ) -> Result<(), Refusal> {
        let limit = rules.limits().segment_elements;
        for element in section.into_iter_with_offsets() {
            let (offset, element) = element?;
            self.count = self.count.saturating_add(1);
            let count = match element.items {
                ElementItems::Functions(items) => items.count(),
                ElementItems::Expressions(element_type, items) => {
                    admit_type(ValType::Ref(element_type), offset, rules)?;
                    items.count()
                }
            };
            self.elements = self.elements.saturating_add(u64::from(count));
            check_limit("segment_elements", self.elements, limit, Some(offset))?;
            if let ElementKind::Active {
                table_index,
                offset_expr,
            } = &element.kind
            {
                let table = usize::try_from(table_index.unwrap_or(0)).unwrap_or(usize::MAX);
                let size = self.tables.get(table).copied().unwrap_or(0);
                check_active(offset_expr, u64::from(count), size, offset)?;
            }
        }
        Ok(())
    }

    /// Number of initial elements of all tables, and elements of all element segments.
    pub(super) fn table_elements(&self) -> u64 {
        let tables = self.tables.iter();
        tables.fold(self.elements, |sum, table| sum.saturating_add(*table))
    }

    /// `pages` is the initial size of the memory.
    pub(super) fn read_data(
        &mut self,
        section: wasmparser::DataSectionReader<'_>,
        pages: u64,
        rules: &Rules,
    ) -> Result<(), Refusal> {
        let limit = rules.limits().data_bytes;
        for data in section.into_iter_with_offsets() {
            let (offset, data) = data?;
            self.count = self.count.saturating_add(1);
            let bytes = u64::try_from(data.data.len()).unwrap_or(u64::MAX);
            self.data_bytes = self.data_bytes.saturating_add(bytes);
            check_limit("data_bytes", self.data_bytes, limit, Some(offset))?;
            if let DataKind::Active { offset_expr, .. } = &data.kind {
                let size = pages.saturating_mul(PAGE_BYTES);
                check_active(offset_expr, bytes, size, offset)?;
            }
        }
        Ok(())
    }
}

/// Checks that an active segment fits into the memory or table of this size. Its offset must be a
/// constant: the only alternative is an imported global, and globals cannot be imported.
fn check_active(begin: &ConstExpr<'_>, length: u64, size: u64, offset: u64) -> Result<(), Refusal> {
    let refuse = |message| Err(Refusal::new(Rule::Segment, offset, message));
    let Some(Constant::I32(value)) = constant(begin) else {
        return refuse("the offset of an active segment is not a constant".to_owned());
    };
    let begin = u64::from(value.cast_unsigned());
    let end = begin.saturating_add(length);
    if end > size {
        return refuse(format!(
            "an active segment from {begin} to {end} exceeds the size {size}"
        ));
    }
    Ok(())
}

//! The exported functions of a program, with a look-up by name.
//!
//! Guarantee: a look-up compares a name with at most [`FEW`] others, or with about the logarithm of
//! the number of exports. Each call looks its entry up, and its price does not depend on that
//! number.

use std::{cmp::Ordering, io, ops::Deref, slice, vec};

use borsh::{BorshDeserialize, BorshSerialize};

use crate::Export;

/// So many names are faster to compare one after another: most have different lengths.
const FEW: usize = 8;

/// A list of exported functions, in the order of the program. Dereferences to a slice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exports {
    list: Vec<Export>,
    /// Positions in the list, in the order of the names. Equal names are in the order of the list.
    by_name: Vec<usize>,
}

impl Exports {
    /// The position of the first export with this name.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        if self.list.len() <= FEW {
            return self.list.iter().position(|export| export.name == name);
        }
        self.first(|other| other.cmp(name))
    }

    /// The position of the first export whose name is `Equal`. `order` compares a name with the one
    /// that is looked up.
    fn first(&self, mut order: impl FnMut(&str) -> Ordering) -> Option<usize> {
        let mut compare = |position: usize| {
            let export = self.list.get(position)?;
            Some(order(&export.name))
        };
        let before = |position: &usize| compare(*position) == Some(Ordering::Less);
        let rank = self.by_name.partition_point(before);
        let position = *self.by_name.get(rank)?;
        (compare(position) == Some(Ordering::Equal)).then_some(position)
    }
}

impl From<Vec<Export>> for Exports {
    fn from(list: Vec<Export>) -> Self {
        let mut by_name: Vec<usize> = (0..list.len()).collect();
        // A stable sort.
        by_name.sort_by_key(|position| list.get(*position).map(|export| export.name.as_str()));
        Self { list, by_name }
    }
}

impl FromIterator<Export> for Exports {
    fn from_iter<I: IntoIterator<Item = Export>>(exports: I) -> Self {
        Vec::from_iter(exports).into()
    }
}

impl Deref for Exports {
    type Target = [Export];

    fn deref(&self) -> &[Export] {
        &self.list
    }
}

impl IntoIterator for Exports {
    type Item = Export;
    type IntoIter = vec::IntoIter<Export>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

impl<'a> IntoIterator for &'a Exports {
    type Item = &'a Export;
    type IntoIter = slice::Iter<'a, Export>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.iter()
    }
}

/// The encoding is that of the list.
impl BorshSerialize for Exports {
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        self.list.serialize(writer)
    }
}

impl BorshDeserialize for Exports {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        Ok(Vec::deserialize_reader(reader)?.into())
    }
}

#[cfg(test)]
mod tests;

//! Contiguous and sparse memory behave alike.

use super::*;

/// Ten writable bytes at 100, followed by five read-only bytes at 110.
struct Two([u8; 15]);

impl SparseMemory for Two {
    fn bytes(&self) -> u64 {
        15
    }

    #[expect(
        clippy::single_range_in_vec_init,
        reason = "it is one range, of several that there could be"
    )]
    fn ranges(&self) -> Vec<Range<u64>> {
        vec![100..115]
    }

    fn read(&mut self, address: u64, out: &mut [u8]) -> Result<(), Trap> {
        let start = address.checked_sub(100).ok_or(Trap::MemoryOutOfBounds)?;
        out.copy_from_slice(part(&mut self.0, start, out.len())?);
        Ok(())
    }

    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), Trap> {
        let start = address.checked_sub(100).ok_or(Trap::MemoryOutOfBounds)?;
        part(&mut self.0[..10], start, bytes.len())?.copy_from_slice(bytes);
        Ok(())
    }

    fn is_readable(&self, address: u64, length: u64) -> bool {
        address >= 100 && address.checked_add(length).is_some_and(|end| end <= 115)
    }
}

/// Accesses within bounds succeed and others trap, wherever the memory begins.
fn check(mut memory: GuestMemory<'_>, start: u64) {
    assert_eq!(memory.bytes(), 15);
    let ranges = memory.ranges();
    assert!(matches!(&ranges[..], [only] if *only == (start..start + 15)));
    memory.write(start, b"0123456789").unwrap();
    assert_eq!(&*memory.read(start + 2, 3).unwrap(), b"234");
    assert_eq!(memory.read_array(start + 8).unwrap(), *b"89\0");
    assert_eq!(&*memory.read(start, 15).unwrap(), b"0123456789\0\0\0\0\0");
    assert_eq!(&*memory.reborrow().read(start + 15, 0).unwrap(), b"");
    let out_of_bounds = Err(Trap::MemoryOutOfBounds);
    for (address, length) in [
        (start, 16),
        (start + 15, 1),
        (start + 16, 0),
        (u64::MAX, 1),
        (u64::MAX, u64::MAX),
        (start, u64::MAX),
        (start + (1 << 32), 1),
    ] {
        assert_eq!(memory.read(address, length).map(drop), out_of_bounds);
        assert_eq!(memory.check(address, length), out_of_bounds);
    }
    assert_eq!(memory.write(start + 14, b"ab"), out_of_bounds);
    assert_eq!(
        memory.read_array::<2>(start + 14),
        Err(Trap::MemoryOutOfBounds)
    );
    assert_eq!(memory.read_array(start + 14).unwrap(), [0]);
    assert_eq!(memory.check(start, 15), Ok(()));
}

#[test]
fn a_slice_is_read_and_written_where_it_is() {
    check(GuestMemory::slice(&mut [0; 15]), 0);
    assert!(matches!(
        GuestMemory::slice(&mut [1, 2]).read(0, 2),
        Ok(Cow::Borrowed([1, 2]))
    ));
}

#[test]
fn memory_in_other_places_is_read_and_written_where_it_is() {
    check(GuestMemory::sparse(&mut Two([0; 15])), 100);
}

#[test]
fn what_cannot_be_written_can_be_read() {
    let mut two = Two([7; 15]);
    let mut memory = GuestMemory::sparse(&mut two);
    assert_eq!(memory.write(108, &[1; 3]), Err(Trap::MemoryOutOfBounds));
    assert_eq!(&*memory.read(108, 3).unwrap(), [7; 3]);
}

#[test]
fn no_memory_has_nothing() {
    let mut none = GuestMemory::none();
    assert_eq!((none.bytes(), none.ranges()), (0, Vec::new()));
    assert_eq!(none.check(0, 1), Err(Trap::MemoryOutOfBounds));
    assert!(none.read(0, 0).unwrap().is_empty());
}

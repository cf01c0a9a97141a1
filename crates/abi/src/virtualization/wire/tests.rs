//! Every number and byte, as others wrote them down.

extern crate std;

use std::vec::Vec;

use super::*;

fn numbers<E: WireError>() -> Vec<i64> {
    E::ALL.iter().map(|error| error.number()).collect()
}

#[test]
fn errors_have_their_numbers() {
    assert_eq!(ModuleError::InvalidImage.number(), -1);
    assert_eq!(ModuleError::NotCached.number(), -2);
    assert_eq!(ModuleError::NotFound.number(), -3);
    assert_eq!(InstantiateError::InvalidImage.number(), -1);
    assert_eq!(InstantiateError::InvalidModule.number(), -2);
    assert_eq!(ExecError::InvalidInstance.number(), -1);
    assert_eq!(ExecError::InvalidImage.number(), -2);
    assert_eq!(ExecError::OutOfGas.number(), -3);
    assert_eq!(ExecError::Trap.number(), -4);
    assert_eq!(MemoryError::InvalidInstance.number(), -1);
    assert_eq!(MemoryError::OutOfBounds.number(), -2);
    assert_eq!(DestroyError::InvalidInstance.number(), -1);
    // By their positions they are found again.
    assert_eq!(numbers::<ModuleError>(), [-1, -2, -3]);
    assert_eq!(numbers::<InstantiateError>(), [-1, -2]);
    assert_eq!(numbers::<ExecError>(), [-1, -2, -3, -4]);
    assert_eq!(numbers::<MemoryError>(), [-1, -2]);
    assert_eq!(numbers::<DestroyError>(), [-1]);
}

fn round_trip<T, E>(result: Result<T, E>, number: i64)
where
    T: WireValue + Copy + PartialEq + core::fmt::Debug,
    E: WireError + PartialEq + core::fmt::Debug,
{
    assert_eq!(encode(result), number);
    assert_eq!(decode(number), Some(result));
}

#[test]
fn a_compiled_module_is_its_status_over_its_id() {
    let module = |id, status| {
        Ok::<_, ModuleError>(CompiledModule {
            id: ModuleId(id),
            status,
        })
    };
    round_trip(module(0, CompileStatus::Cached), 0);
    round_trip(module(7, CompileStatus::Compiled), 0x1_0000_0007);
    round_trip(module(u32::MAX, CompileStatus::Cached), 0xffff_ffff);
    round_trip(module(u32::MAX, CompileStatus::Compiled), 0x1_ffff_ffff);
    for malformed in [
        0x2_0000_0000,
        0xff_0000_0000,
        1 << 40,
        1 << 62,
        i64::MAX,
        -4,
        i64::MIN,
    ] {
        assert_eq!(
            decode::<CompiledModule, ModuleError>(malformed),
            None,
            "{malformed}"
        );
    }
    round_trip(Err::<CompiledModule, _>(ModuleError::NotFound), -3);
}

#[test]
fn results_are_values_errors_or_malformed() {
    round_trip(Ok::<_, ModuleError>(ModuleId(5)), 5);
    round_trip(Ok::<_, InstantiateError>(InstanceId(u32::MAX)), 0xffff_ffff);
    round_trip(Ok::<_, ExecError>(ExecStatus::Finished), 0);
    round_trip(Ok::<_, ExecError>(ExecStatus::Syscall), 1);
    round_trip(Err::<ExecStatus, _>(ExecError::Trap), -4);
    round_trip(Ok::<_, DestroyError>(()), 0);
    round_trip(Err::<(), _>(DestroyError::InvalidInstance), -1);
    assert_eq!(decode::<ModuleId, ModuleError>(1 << 32), None);
    assert_eq!(decode::<InstanceId, InstantiateError>(-3), None);
    assert_eq!(decode::<ExecStatus, ExecError>(2), None);
    assert_eq!(decode::<ExecStatus, ExecError>(-5), None);
    assert_eq!(decode::<(), MemoryError>(1), None);
    assert_eq!(decode::<(), MemoryError>(-3), None);
    assert_eq!(decode::<(), DestroyError>(-2), None);
    assert_eq!(decode::<(), DestroyError>(i64::MIN), None);
    assert_eq!(decode::<(), DestroyError>(i64::MAX), None);
}

#[test]
fn a_symbol_is_32_bytes_and_a_length() {
    let symbol = SyscallSymbol::new(b"read").unwrap();
    let mut bytes = [0; 40];
    bytes[..4].copy_from_slice(b"read");
    bytes[32] = 4;
    assert_eq!(symbol.encode(), bytes);
    assert_eq!(SyscallSymbol::decode(&bytes), Some(symbol));
    assert_eq!(symbol.as_bytes(), b"read");

    let longest = SyscallSymbol::new(&[b'x'; 32]).unwrap();
    assert_eq!(longest.as_bytes(), [b'x'; 32]);
    assert_eq!(SyscallSymbol::decode(&longest.encode()), Some(longest));
    assert_eq!(SyscallSymbol::new(&[b'x'; 33]), None);
    let empty = SyscallSymbol::new(b"").unwrap();
    assert_eq!(empty.encode(), [0; 40]);
    assert_eq!(empty.as_bytes(), b"");

    // One byte more than there is, and lengths that only the high bytes tell.
    for high in [33, 1 << 8, 1 << 32, 1 << 63, u64::MAX] {
        bytes[32..].copy_from_slice(&high.to_le_bytes());
        assert_eq!(SyscallSymbol::decode(&bytes), None, "{high}");
    }
    // What is behind the length is nothing.
    bytes[32..].copy_from_slice(&2_u64.to_le_bytes());
    assert_eq!(SyscallSymbol::decode(&bytes), SyscallSymbol::new(b"re"));
}

#[test]
fn a_buffer_has_its_fields_at_their_offsets() {
    let buffer = ExecBuffer {
        gas_left: 0x0102_0304_0506_0708,
        symbol: SyscallSymbol::new(&[0xab; 32]).unwrap(),
        args: [1, 2, 3, 4, 5, u64::MAX],
    };
    let mut expected = Vec::new();
    expected.extend([8, 7, 6, 5, 4, 3, 2, 1]);
    expected.extend([0xab; 32]);
    expected.extend([32, 0, 0, 0, 0, 0, 0, 0]);
    for low in 1..=5_u8 {
        expected.extend([low, 0, 0, 0, 0, 0, 0, 0]);
    }
    expected.extend([0xff; 8]);
    let bytes = buffer.encode();
    assert_eq!(bytes.as_slice(), expected);
    assert_eq!(ExecBuffer::decode(&bytes), Some(buffer));
    assert_eq!(ExecBuffer::default().encode(), [0; 96]);
    let owing = ExecBuffer {
        gas_left: -1,
        ..ExecBuffer::default()
    };
    assert_eq!(
        owing.encode()[..9],
        [255, 255, 255, 255, 255, 255, 255, 255, 0]
    );
    assert_eq!(ExecBuffer::decode(&owing.encode()), Some(owing));
    let mut too_long = bytes;
    too_long[40] = 33;
    assert_eq!(ExecBuffer::decode(&too_long), None);
}

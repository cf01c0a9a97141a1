//! Encodings, byte for byte.

use super::{Interruption, OUTPUT_OFFSET, Outcome, STATE_MAIN};

fn read(data: &[u8]) -> Option<Outcome> {
    Outcome::read(data.len(), |offset, bytes| {
        bytes.copy_from_slice(&data[offset..][..bytes.len()]);
    })
}

fn data(output_length: u64, output: &[u8]) -> Vec<u8> {
    [
        &[1][..],
        &output_length.to_le_bytes(),
        output,
        &7u64.to_le_bytes(),
        &(-8i64).to_le_bytes(),
        &(-9i32).to_le_bytes(),
    ]
    .concat()
}

#[test]
fn an_interruption_is_64_bytes_in_the_order_of_its_fields() {
    let interruption = Interruption {
        code_hash: [0xab; 32],
        fuel_limit: 0x0102_0304_0506_0708,
        state: STATE_MAIN,
        input_start: 0x10,
        input_end: 0x0123,
    };
    let mut expected = vec![0xab; 32];
    expected.extend([8, 7, 6, 5, 4, 3, 2, 1]);
    expected.extend([0; 8]);
    expected.extend([0x10, 0, 0, 0, 0, 0, 0, 0]);
    expected.extend([0x23, 1, 0, 0, 0, 0, 0, 0]);
    assert_eq!(interruption.encode().as_slice(), expected);
}

#[test]
fn an_outcome_is_read_around_its_output() {
    for output in [&b""[..], b"x", &[0xff; 300]] {
        let output_length = output.len();
        let data = data(u64::try_from(output_length).unwrap(), output);
        let expected = Outcome {
            output_length,
            fuel_consumed: 7,
            fuel_refunded: -8,
            exit_code: -9,
        };
        assert_eq!(read(&data), Some(expected));
        assert!(data[OUTPUT_OFFSET..].starts_with(output));
    }
}

#[test]
fn return_data_of_another_length_than_it_says_is_no_outcome() {
    assert_eq!(read(&[]), None);
    assert_eq!(read(&data(0, b"")[..28]), None);
    assert_eq!(read(&data(0, b"x")), None);
    assert_eq!(read(&data(2, b"x")), None);
    assert_eq!(read(&data(u64::MAX, b"x")), None);
    assert_eq!(read(&data(u64::MAX - 28, b"")), None);
}

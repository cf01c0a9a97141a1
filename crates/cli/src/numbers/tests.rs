//! What is read as which number.

use fusee::sandbox::{Value, ValueType};

use super::{grouped, parse_amount, parse_gas, parse_value};

#[test]
fn numbers_are_grouped_by_three() {
    let shown = [0_u64, 999, 1_000, 1_234_567].map(grouped);
    assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
}

#[test]
fn what_is_shown_can_be_read_again() {
    assert_eq!(parse_amount(&grouped(u128::MAX)), Ok(u128::MAX));
    assert_eq!(parse_amount("1_000"), Ok(1_000));
    assert_eq!(parse_amount("0xff"), Ok(255));
}

#[test]
fn amounts_are_whole_and_not_negative() {
    for text in [
        "",
        "-1",
        "1.5",
        "0x",
        "ten",
        "340282366920938463463374607431768211456",
    ] {
        assert!(parse_amount(text).is_err(), "{text}");
    }
    assert!(parse_gas("9223372036854775808").is_err());
    assert_eq!(
        parse_gas("9223372036854775807").unwrap().units(),
        9_223_372_036_854_775_807
    );
}

#[test]
fn values_may_be_signed_or_unsigned() {
    let i32s = ["-2147483648", "4294967295", "0xffffffff", "-1"];
    let read = i32s.map(|text| parse_value(text, ValueType::I32).unwrap());
    assert_eq!(
        read,
        [
            Value::I32(i32::MIN),
            Value::I32(-1),
            Value::I32(-1),
            Value::I32(-1)
        ]
    );
    let i64s = ["-9223372036854775808", "18446744073709551615", "-0x10"];
    let read = i64s.map(|text| parse_value(text, ValueType::I64).unwrap());
    assert_eq!(
        read,
        [Value::I64(i64::MIN), Value::I64(-1), Value::I64(-16)]
    );
}

#[test]
fn values_outside_the_type_are_refused() {
    for text in ["4294967296", "-2147483649", "x", "", "-", "--1", "1.0"] {
        let error = parse_value(text, ValueType::I32).unwrap_err();
        assert!(error.contains("from -2147483648 to 4294967295"), "{error}");
    }
    assert!(parse_value("18446744073709551616", ValueType::I64).is_err());
}

#[test]
fn floating_point_numbers_are_read_as_they_are_shown() {
    let f32s = [
        "1.5",
        "-0.0",
        "inf",
        "-inf",
        "3.4028235e38",
        "1e-45",
        "nan:0x7fc00000",
        "nan:0xff800001",
    ];
    let f64s = [
        "0.1",
        "1e300",
        "5e-324",
        "nan:0x7ff8000000000000",
        "nan:0x7ff0000000000001",
    ];
    let checked = |text: &&str, value_type| {
        let value = parse_value(text, value_type).unwrap();
        assert_eq!(value.to_string(), **text);
    };
    f32s.iter().for_each(|text| checked(text, ValueType::F32));
    f64s.iter().for_each(|text| checked(text, ValueType::F64));
    let canonical = parse_value("nan", ValueType::F64);
    assert_eq!(canonical, Ok(Value::F64(0x7ff8_0000_0000_0000)));
    assert_eq!(parse_value("7", ValueType::F32), Ok(7.0_f32.into()));
}

#[test]
fn what_is_no_floating_point_number_is_refused() {
    for text in [
        "",
        "x",
        "0x10",
        "-nan",
        "NaN",
        "nan:",
        "nan:0x1",
        "nan:7fc00000",
    ] {
        for value_type in [ValueType::F32, ValueType::F64] {
            let error = parse_value(text, value_type).unwrap_err();
            assert!(error.contains("a NaN's bits as nan:0x7fc00001"), "{error}");
        }
    }
    assert!(parse_value("nan:0x7ff8000000000000", ValueType::F32).is_err());
}

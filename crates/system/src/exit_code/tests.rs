//! The list of exit codes, held against that of the interface.

use super::*;

/// The list as its users know it.
const LIST: &[(i32, &str)] = &[
    (0, "Ok"),
    (-1, "Panic"),
    (-3, "InterruptionCalled"),
    (-1002, "RootCallOnly"),
    (-1003, "MalformedBuiltinParams"),
    (-1004, "CallDepthOverflow"),
    (-1005, "NonNegativeExitCode"),
    (-1006, "UnknownError"),
    (-1007, "InputOutputOutOfBounds"),
    (-1008, "PrecompileError"),
    (-1009, "NotSupportedBytecode"),
    (-1010, "StateChangeDuringStaticCall"),
    (-1011, "CreateContractSizeLimit"),
    (-1012, "CreateContractCollision"),
    (-1013, "CreateContractStartingWithEF"),
    (-1014, "OutOfMemory"),
    (-1015, "InsufficientBalance"),
    (-2001, "UnreachableCodeReached"),
    (-2002, "MemoryOutOfBounds"),
    (-2003, "TableOutOfBounds"),
    (-2004, "IndirectCallToNull"),
    (-2005, "IntegerDivisionByZero"),
    (-2006, "IntegerOverflow"),
    (-2007, "BadConversionToInteger"),
    (-2008, "StackOverflow"),
    (-2009, "BadSignature"),
    (-2010, "OutOfFuel"),
    (-2011, "UnknownExternalFunction"),
    (-3001, "UnexpectedFatalExecutionFailure"),
    (-3002, "MissingStorageSlot"),
];

#[test]
fn every_code_has_its_number_and_its_name() {
    let found: Vec<_> = ExitCode::ALL
        .iter()
        .map(|code| (code.code(), code.name()))
        .collect();
    assert_eq!(found, LIST);
    for (code, name) in LIST {
        let known = ExitCode::from_code(*code).unwrap();
        assert_eq!(known.name(), *name);
        assert_eq!(known.to_string(), format!("{name} ({code})"));
    }
}

#[test]
fn what_a_program_returns_is_mapped_into_the_list() {
    for code in [1, 7, i32::MAX] {
        assert_eq!(ExitCode::of_program(code), ExitCode::NonNegativeExitCode);
    }
    for code in [
        -2,
        -3,
        -4,
        -1000,
        -1001,
        -1016,
        -2012,
        -3000,
        -3003,
        i32::MIN,
    ] {
        assert_eq!(ExitCode::of_program(code), ExitCode::UnknownError, "{code}");
    }
    for (code, _) in LIST.iter().filter(|(code, _)| *code != -3) {
        assert_eq!(ExitCode::of_program(*code).code(), *code);
    }
}

#[test]
fn traps_are_a_range() {
    for code in ExitCode::ALL {
        assert_eq!(
            code.is_trap(),
            (-2999..=-2000).contains(&code.code()),
            "{code}"
        );
    }
    let traps = Trap::ALL.map(ExitCode::from);
    assert!(traps.iter().all(|code| code.is_trap()), "{traps:?}");
}

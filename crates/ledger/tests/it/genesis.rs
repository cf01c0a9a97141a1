//! Genesis files: what they make, and what they must not have.

use fusee_contract::{Account, Address, ContractRulesId};
use fusee_engine::Gas;
use fusee_ledger::{
    FeeDestination, Genesis, GenesisError, Ledger, LedgerError, LedgerRules, Parameters, Payment,
    Position, Rulebook, keys,
};
use fusee_state::{MemoryState, StateReader};

use crate::{
    chain_samples::{genesis, parameters},
    samples::address,
};

const FILE: &str = r#"{
    "chain_id": "fusee-test-1",
    "initial_height": 5,
    "time": 1790000000000,
    "parameters": {
        "activations": [{
            "height": 1,
            "ledger_rules": "0101010101010101010101010101010101010101010101010101010101010101",
            "contract_rules": "0202020202020202020202020202020202020202020202020202020202020202"
        }],
        "limits": { "gas": 1000000000, "bytes": 1048576, "transactions": 10000 },
        "payment": { "fees": {
            "minimum_price": "3",
            "destination": { "treasury": "0404040404040404040404040404040404040404040404040404040404040404" }
        } },
        "calls": [{
            "phase": "end",
            "every": 10,
            "to": "0505050505050505050505050505050505050505050505050505050505050505",
            "method": "tick",
            "input": "0102",
            "gas": 100000
        }, {
            "phase": "misbehaviour",
            "every": 1,
            "to": "0606060606060606060606060606060606060606060606060606060606060606",
            "method": "judge",
            "gas": 5000
        }]
    },
    "accounts": [
        { "address": "0707070707070707070707070707070707070707070707070707070707070707", "balance": "340282366920938463463374607431768211450" },
        { "address": "0808080808080808080808080808080808080808080808080808080808080808", "balance": "0" }
    ],
    "development_accounts": [{ "name": "alice", "balance": "5" }]
}"#;

/// The file with a part replaced.
fn replaced(part: &str, by: &str) -> Result<Genesis, GenesisError> {
    assert!(FILE.contains(part), "{part}");
    Genesis::parse(&FILE.replacen(part, by, 1))
}

/// A genesis with a quota of an account, which a file with fees does not have.
fn with_quota(mut genesis: Genesis, units: u64) -> Genesis {
    let account = genesis.accounts.get_mut(&address(8)).unwrap();
    account.quota = Some(Gas::new(units));
    genesis
}

#[track_caller]
fn check(part: &str, by: &str, message: &str) {
    let error = replaced(part, by).unwrap_err().to_string();
    assert!(error.contains(message), "{error}");
}

#[test]
fn a_file_makes_the_first_state() {
    let genesis = with_quota(Genesis::parse(FILE).unwrap(), 12);
    let mut state = MemoryState::new();
    let ledger = Ledger::new(Rulebook::new());
    state.apply(&ledger.genesis(&genesis).unwrap());
    assert_eq!(Parameters::read(&state).unwrap(), genesis.parameters);
    let position = Position {
        height: 4,
        time: 1_790_000_000_000,
    };
    assert_eq!(Position::read(&state).unwrap(), position);
    let balance = |address| Account::read(&state, address).unwrap().balance;
    assert_eq!(balance(address(7)), u128::MAX - 5);
    assert_eq!(balance(address(8)), 0);
    assert_eq!(balance(Address::of_development_account("alice")), 5);
    assert!(state.read(&keys::quota(address(8))).unwrap().is_some());
    assert!(state.read(&keys::quota(address(7))).unwrap().is_none());
    let payment = Payment::Fees {
        minimum_price: 3,
        destination: FeeDestination::Treasury(address(4)),
    };
    assert_eq!(genesis.parameters.payment, payment);
    assert_eq!(genesis.parameters.calls[0].input, [1, 2]);
    assert_eq!(genesis.parameters.limits.gas, Gas::new(1_000_000_000));
    // No entry of an empty balance.
    assert_eq!(state.iter().len(), 2 + 2 + 1);
}

/// The order of accounts and of fields does not matter; everything else does.
#[test]
fn the_identity_covers_the_genesis() {
    let genesis = with_quota(Genesis::parse(FILE).unwrap(), 12);
    let identity = genesis.identity();
    let name = hex::encode(identity);
    expect_test::expect_file!["golden/genesis_identity.txt"].assert_eq(&(name + "\n"));
    let reordered = replaced(
        "\"initial_height\": 5,\n    \"time\": 1790000000000,",
        "\"time\": 1790000000000, \"initial_height\": 5,",
    );
    assert_eq!(with_quota(reordered.unwrap(), 12).identity(), identity);
    assert_ne!(with_quota(genesis, 13).identity(), identity);
    for (part, by) in [
        ("fusee-test-1", "fusee-test-2"),
        ("\"initial_height\": 5", "\"initial_height\": 6"),
        ("1790000000000", "1790000000001"),
        ("\"every\": 10", "\"every\": 11"),
        ("\"balance\": \"5\"", "\"balance\": \"4\""),
    ] {
        let other = with_quota(replaced(part, by).unwrap(), 12);
        assert_ne!(other.identity(), identity, "{part}");
    }
}

#[test]
fn what_is_not_known_or_there_twice_is_refused() {
    check("\"time\"", "\"tme\"", "unknown field `tme`");
    check("\"time\": 1790000000000,", "", "missing field `time`");
    check(
        "\"time\"",
        "\"time\": 1, \"time\"",
        "duplicate field `time`",
    );
    check("\"every\": 10", "\"every\": 0", "expected a nonzero u64");
    check(
        "\"name\": \"alice\"",
        "\"name\": \"alice\", \"x\": 1",
        "unknown field `x`",
    );
    check("\"treasury\"", "\"burnt\"", "unknown variant `burnt`");
    let twice = "\"development_accounts\": [{ \"name\": \"alice\", \"balance\": \"0\" }, ";
    check(
        "\"development_accounts\": [",
        twice,
        "development_accounts[1]",
    );
    let same = "\"0707070707070707070707070707070707070707070707070707070707070707\"";
    let other = "\"0808080808080808080808080808080808080808080808080808080808080808\"";
    check(
        other,
        same,
        "of `accounts[1]` is in the genesis file already",
    );
}

#[test]
fn fields_without_a_valid_value_are_named() {
    check(
        "\"5\"",
        "\"6\"",
        "up to `development_accounts[0].balance` exceed 2^128 - 1",
    );
    check("\"5\"", "\"+5\"", "`development_accounts[0].balance`");
    check(
        "\"balance\": \"0\"",
        "\"balance\": \"-1\"",
        "`accounts[1].balance`",
    );
    check(
        "\"0707",
        "\"07",
        "`accounts[0].address`: it has to be 64 hexadecimal digits",
    );
    check(
        "\"0101",
        "\"01x1",
        "`parameters.activations[0].ledger_rules`",
    );
    check(
        "\"0404",
        "\"04",
        "`parameters.payment.fees.destination.treasury`",
    );
    check("\"0102\"", "\"012\"", "`parameters.calls[0].input`");
    check(
        "\"every\": 1,",
        "\"every\": 2,",
        "`calls[1].every` is not 1",
    );
    check(
        "\"gas\": 100000\n",
        "\"gas\": 9223372036854775808\n",
        "`parameters.calls[0].gas`",
    );
    check("\"bytes\": 1048576", "\"bytes\": 0", "`limits.bytes` is 0");
    check("fusee-test-1", "fusee test", "`chain_id`");
    check("fusee-test-1", "", "`chain_id`");
    check(
        "\"gas\": 1000000000",
        "\"gas\": 99999",
        "`calls` may use 105000 gas together",
    );
    check(
        "\"initial_height\": 5",
        "\"initial_height\": 0",
        "`initial_height`",
    );
    check("\"height\": 1", "\"height\": 6", "`parameters.activations`");
    check("\"tick\"", "\"\"", "`parameters.calls[0].method`");
    check(
        "\"balance\": \"0\"",
        "\"balance\": \"0\", \"quota\": 12",
        "`accounts[1].quota`: it has to be left out",
    );
}

#[test]
fn heights_and_times_leave_room_for_blocks() {
    let with_height = |height: u64| {
        let by = format!("\"initial_height\": {height}");
        replaced("\"initial_height\": 5", &by)
    };
    with_height(1 << 62).unwrap();
    for height in [0, (1 << 62) + 1, u64::MAX] {
        let error = with_height(height).unwrap_err().to_string();
        let expected = "no valid `initial_height`: it has to be from 1 to 2^62";
        assert!(error.ends_with(expected), "{error}");
    }
    replaced("1790000000000", "253402300799999").unwrap();
    check(
        "1790000000000",
        "253402300800000",
        "`time`: it has to be milliseconds",
    );
}

#[test]
fn a_name_of_no_contract_is_refused_wherever_an_address_can_be() {
    let name = r#"{ "contract": "tresury" }"#;
    let digits = |digit: &str| format!("\"{}\"", digit.repeat(32));
    for (digit, field) in [
        ("04", "parameters.payment.fees.destination.treasury"),
        ("05", "parameters.calls[0].to"),
        ("07", "accounts[0].address"),
    ] {
        let expected = format!("`{field}.contract`: it has to be the name of a contract");
        check(&digits(digit), name, &expected);
    }
    let validators = format!(
        r#""validators": [{{ "key": {}, "power": 1, "account": {name} }}], "calls": ["#,
        digits("01")
    );
    check(
        "\"calls\": [",
        &validators,
        "`parameters.validators[0].account.contract`",
    );
    let contracts = |name: &str| {
        format!(
            r#""contracts": [{{
                "name": "treasury", "code": {{ "hex": "" }}, "admin": {name}, "gas": 1
            }}], "accounts": ["#
        )
    };
    check(
        "\"accounts\": [",
        &contracts(name),
        "`contracts[0].admin.contract`",
    );
    let known = contracts(r#"{ "contract": "treasury" }"#);
    let genesis = replaced("\"accounts\": [", &known).unwrap();
    let expected = fusee_ledger::GenesisContract::address_of("treasury");
    assert_eq!(genesis.contracts[0].admin, Some(expected));
}

#[test]
fn a_list_is_no_object() {
    check(
        "{ \"gas\": 1000000000, \"bytes\": 1048576, \"transactions\": 10000 }",
        "[1000000000, 1048576, 10000]",
        "`parameters.limits`: it has to be an object",
    );
    check(
        "{ \"name\": \"alice\", \"balance\": \"5\" }",
        "[\"alice\", \"5\"]",
        "`development_accounts[0]`: it has to be an object",
    );
    let treasury = format!("\"{}\"", "04".repeat(32));
    check(
        &treasury,
        "[\"council\"]",
        "`parameters.payment.fees.destination.treasury`: it has to be an object",
    );
    let error = Genesis::parse("[]").unwrap_err().to_string();
    assert!(error.contains("malformed"), "{error}");
}

/// The cause of an error is told once: by its text, or as its source.
#[test]
fn an_error_tells_its_cause_once() {
    for (part, by) in [
        ("\"time\"", "\"tme\""),
        ("\"bytes\": 1048576", "\"bytes\": 0"),
    ] {
        let error = replaced(part, by).unwrap_err();
        assert!(std::error::Error::source(&error).is_none(), "{error}");
    }
    let error = Genesis::load("no such file".as_ref()).unwrap_err();
    assert!(std::error::Error::source(&error).is_none(), "{error}");
}

#[test]
fn a_file_names_the_first_validators() {
    let entry = |key: &str, power: u64| {
        let (key, account) = (key.repeat(32), "09".repeat(32));
        format!(r#"{{ "key": "{key}", "power": {power}, "account": "{account}" }}"#)
    };
    let with = |entries: &[String]| {
        let list = entries.join(", ");
        let by = format!("\"validators\": [{list}], \"calls\": [");
        replaced("\"calls\": [", &by)
    };
    let genesis = with(&[entry("01", 5), entry("02", 0)]).unwrap();
    let key = |number| [number; 32];
    let powers = genesis
        .parameters
        .validators
        .iter()
        .map(|it| (it.key, it.power));
    assert_eq!(powers.collect::<Vec<_>>(), [(key(1), 5), (key(2), 0)]);
    assert_eq!(genesis.parameters.validators[0].account, address(9));
    assert!(
        Genesis::parse(FILE)
            .unwrap()
            .parameters
            .validators
            .is_empty()
    );
    let refused = |entries: &[String], message: &str| {
        let error = with(entries).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    };
    refused(&[entry("01", 0)], "`validators`: no entry has voting power");
    refused(
        &[entry("01", 1), entry("01", 1)],
        "the key of entry 1 is that",
    );
    refused(
        &[entry("01", 1 << 60)],
        "the voting powers up to entry 0 exceed",
    );
    refused(
        &[entry("1", 1)],
        "`parameters.validators[0].key`: it has to be 64",
    );
    let many: Vec<_> = (0..=1_000).map(|_| entry("01", 1)).collect();
    refused(&many, "there are 1001 entries");
}

#[test]
fn a_state_without_genesis_is_no_chain() {
    let state = MemoryState::new();
    assert!(matches!(
        Parameters::read(&state),
        Err(LedgerError::NoChain)
    ));
    let error = Position::read(&state).unwrap_err();
    assert!(error.to_string().contains("genesis file"), "{error}");
    let bad = [(keys::parameters(), Some(vec![1, 2]))];
    let mut state = MemoryState::new();
    state.apply(&fusee_state::Diff::from_iter(bad));
    let error = Parameters::read(&state).unwrap_err();
    assert_eq!(error.to_string(), "the state holds no valid parameters");
}

#[test]
fn accounts_have_one_order() {
    let accounts = [(address(1), 5), (address(2), 6)];
    let genesis = genesis(parameters(), &accounts);
    let encoded = genesis.encode();
    assert_eq!(Genesis::decode(&encoded).unwrap(), genesis);
    // An address, a balance, and no quota; then, no contracts.
    let (head, entries) = encoded.split_at(encoded.len() - 2 * 49 - 4);
    let (first, entries) = entries.split_at(49);
    let (second, rest) = entries.split_at(49);
    let error = Genesis::decode(&[head, second, first, rest].concat()).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "the accounts are not in ascending order");
}

#[test]
fn a_development_chain_has_its_accounts_and_no_minimum_price() {
    let genesis = Genesis::development(ContractRulesId::from_bytes([2; 32]), &[("alice", 7)]);
    genesis.check().unwrap();
    let alice = Address::of_development_account("alice");
    let mut state = MemoryState::new();
    state.apply(&Ledger::new(Rulebook::new()).genesis(&genesis).unwrap());
    assert_eq!(Account::balance(&state, alice).unwrap(), 7);
    let parameters = Parameters::read(&state).unwrap();
    assert_eq!(parameters.minimum_price(), 0);
    let rules = LedgerRules::latest().with_development_accounts();
    assert_eq!(
        parameters.activation_at(1).unwrap().ledger_rules,
        rules.id()
    );
    assert_eq!(Genesis::decode(&genesis.encode()).unwrap(), genesis);
}

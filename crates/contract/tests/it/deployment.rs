//! Code and contracts that are made of it: upload, deployment with a salt, upgrade, admins,
//! removal.

use fusee_abi::status;
use fusee_contract::{
    Action, Address, ContractRules, InvalidTransaction, Receipt, Rejection, Status, Transaction,
    keys,
};
use fusee_engine::{CodeHash, Gas};
use fusee_state::StateReader;

use crate::world::{FUNDS, GAS, World, alice, args, bob};

const IMPORTS: &str = r#"
  (import "fusee" "input_read" (func $input (param i32 i32) (result i32)))
  (import "fusee" "output_write" (func $output (param i32 i32)))
  (import "fusee" "revert" (func $revert (param i32 i32)))
  (import "fusee" "value" (func $value (param i32)))
  (import "fusee" "storage_write" (func $write (param i32 i32 i32 i32)))
  (import "fusee" "storage_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "fusee" "deploy" (func $deploy (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "fusee" "upgrade" (func $upgrade (param i32 i32 i32 i32 i64) (result i32)))
  (import "fusee" "set_admin" (func $set_admin (param i32 i32 i32) (result i32)))
  (import "fusee" "admin" (func $admin (param i32 i32) (result i32)))
  (import "fusee" "code_hash" (func $code_hash (param i32 i32) (result i32)))
  (memory 1)"#;

/// Makes, upgrades and hands over contracts as its input says. It outputs the status, and 32 bytes.
pub(crate) const FACTORY: &str = r#"
  (func $answer (param i32)
    (i32.store (i32.const 4096) (local.get 0)) (call $output (i32.const 4096) (i32.const 36)))
  (func (export "make") (local $n i32)
    (local.set $n (call $input (i32.const 0) (i32.const 4096)))
    (call $answer (call $deploy (i32.const 0) (i32.const 32)
      (i32.const 121) (i32.sub (local.get $n) (i32.const 121)) (i32.const 64) (i32.const 4100))))
  (func (export "renew") (local $n i32)
    (local.set $n (call $input (i32.const 0) (i32.const 4096)))
    (call $answer (call $upgrade (i32.const 0) (i32.const 32)
      (i32.const 64) (i32.sub (local.get $n) (i32.const 64)) (i64.const -1))))
  (func (export "hand_over")
    (drop (call $input (i32.const 0) (i32.const 4096)))
    (call $answer (call $set_admin (i32.const 0) (i32.load8_u (i32.const 64)) (i32.const 32))))
  (func (export "admin_of")
    (drop (call $input (i32.const 0) (i32.const 4096)))
    (call $answer (call $admin (i32.const 0) (i32.const 4100))))
  (func (export "code_of")
    (drop (call $input (i32.const 0) (i32.const 4096)))
    (call $answer (call $code_hash (i32.const 0) (i32.const 4100))))
  (func (export "receive") (call $value (i32.const 0)))
  (func (export "make_and_fail") (drop (call $input (i32.const 0) (i32.const 4096)))
    (drop (call $deploy (i32.const 0) (i32.const 32) (i32.const 0) (i32.const 0) (i32.const 64)
      (i32.const 4100)))
    (call $revert (i32.const 0) (i32.const 0)))"#;

/// Stores its input at deployment; `get` outputs it, after a digit.
pub(crate) fn keeper(digit: char, more: &str) -> String {
    format!(
        r#"(data (i32.const 9000) "{digit}") (data (i32.const 9001) "k")
  (func (export "deploy") (call $write (i32.const 9001) (i32.const 1)
    (i32.const 0) (call $input (i32.const 0) (i32.const 4096))))
  (func (export "get")
    (i32.store8 (i32.const 8000) (i32.load8_u (i32.const 9000)))
    (call $output (i32.const 8000) (i32.add (i32.const 1)
      (call $read (i32.const 9001) (i32.const 1) (i32.const 8001) (i32.const 900))))) {more}"#
    )
}

/// Appends a bang to what is stored.
pub(crate) const MIGRATE: &str = r#"(func (export "migrate") (local $n i32)
    (local.set $n (call $read (i32.const 9001) (i32.const 1) (i32.const 0) (i32.const 900)))
    (i32.store8 (local.get $n) (i32.const 33))
    (call $write (i32.const 9001) (i32.const 1) (i32.const 0)
      (i32.add (local.get $n) (i32.const 1))))"#;

pub(crate) fn code(body: &str) -> Vec<u8> {
    wat::parse_str(format!("(module {IMPORTS} {body})")).unwrap()
}

fn world() -> World {
    World::with_rules(&ContractRules::v2())
}

fn send(world: &mut World, from: Address, action: Action) -> Receipt {
    pay(world, from, action, 0)
}

fn pay(world: &mut World, from: Address, action: Action, value: u128) -> Receipt {
    world.send(Transaction {
        from,
        action,
        value,
        gas: Gas::new(GAS),
    })
}

fn upload(world: &mut World, from: Address, body: &str) -> CodeHash {
    let code = code(body);
    let receipt = send(world, from, Action::Upload { code: code.clone() });
    assert_eq!(receipt.status, Status::Success, "{receipt:?}");
    let hash = CodeHash::of(&code);
    assert_eq!(receipt.output, hash.as_bytes());
    hash
}

fn create(
    world: &mut World,
    code: CodeHash,
    salt: Option<[u8; 32]>,
    admin: Option<Address>,
    input: &[u8],
) -> Receipt {
    let input = input.to_vec();
    let action = Action::Create {
        code,
        salt,
        admin,
        input,
    };
    send(world, alice(), action)
}

fn upgrade(world: &mut World, from: Address, contract: Address, code: CodeHash) -> Receipt {
    let input = Vec::new();
    let action = Action::Upgrade {
        contract,
        code,
        input,
    };
    send(world, from, action)
}

fn rejected(receipt: &Receipt) -> Option<Rejection> {
    match receipt.status {
        Status::Rejected(rejection) => Some(rejection),
        _ => None,
    }
}

/// The factory's status and bytes.
fn answer(receipt: &Receipt) -> (i32, [u8; 32]) {
    assert_eq!(receipt.status, Status::Success, "{receipt:?}");
    let (status, rest) = receipt.output.split_first_chunk().unwrap();
    (i32::from_le_bytes(*status), rest.try_into().unwrap())
}

pub(crate) fn options(gas: u64, value: u128, admin: Option<Address>) -> Vec<u8> {
    let address = admin.map_or([0; 32], |admin| *admin.as_bytes());
    let has_admin = [u8::from(admin.is_some())];
    args(&[
        &gas.to_le_bytes(),
        &value.to_le_bytes(),
        &has_admin,
        &address,
    ])
}

#[test]
fn contracts_are_made_of_code_that_was_uploaded_once() {
    let mut world = world();
    let hash = upload(&mut world, alice(), &keeper('1', ""));
    // Again, by somebody else: nothing changes, and it is paid all the same.
    assert_eq!(upload(&mut world, bob(), &keeper('1', "")), hash);
    let salt = [7; 32];
    let expected = Address::of_salted_contract(alice(), &salt);
    let receipt = create(&mut world, hash, Some(salt), None, b"salted");
    assert_eq!(receipt.deployed, Some(expected));
    assert_eq!(world.query(expected, "get", &[]).output, b"1salted");
    let plain = create(&mut world, hash, None, None, b"plain")
        .deployed
        .unwrap();
    assert_eq!(world.query(plain, "get", &[]).output, b"1plain");
    // The address is taken, whatever the code is.
    let other = upload(&mut world, alice(), &keeper('2', ""));
    let again = create(&mut world, other, Some(salt), None, b"");
    assert_eq!(rejected(&again), Some(Rejection::AddressTaken));
    assert_eq!(world.query(expected, "get", &[]).output, b"1salted");
    let unknown = create(&mut world, CodeHash::of(b""), None, None, b"");
    assert_eq!(rejected(&unknown), Some(Rejection::UnknownCode));
}

#[test]
fn a_contract_makes_contracts_whose_addresses_are_known() {
    let mut world = world();
    let hash = upload(&mut world, alice(), &keeper('1', ""));
    let factory = world.deploy(&code(FACTORY), &[]);
    let salt = [9; 32];
    let made = Address::of_salted_contract(factory, &salt);
    let input = |value| {
        let options = options(u64::MAX, value, Some(factory));
        args(&[hash.as_bytes(), &salt, &options, b"by a contract"])
    };
    // A constructor that does not look at its value is not paid: nothing is made.
    let paid = world.call_with(alice(), factory, "receive", &[], 5, GAS);
    assert_eq!(paid.status, Status::Success);
    let refused = answer(&world.call(alice(), factory, "make", &input(5)));
    assert_eq!(refused.0, status::NOT_PAYABLE);
    assert_eq!(world.account(made).code, None);
    let (found, address) = answer(&world.call(alice(), factory, "make", &input(0)));
    assert_eq!((found, address), (0, *made.as_bytes()));
    assert_eq!(world.query(made, "get", &[]).output, b"1by a contract");
    let taken = answer(&world.call(alice(), factory, "make", &input(0)));
    assert_eq!(taken.0, status::ADDRESS_TAKEN);
    let admin = answer(&world.query(factory, "admin_of", made.as_bytes()));
    assert_eq!(admin, (1, *factory.as_bytes()));
    let code_of = answer(&world.query(factory, "code_of", made.as_bytes()));
    assert_eq!(code_of, (1, *hash.as_bytes()));
    let nobody = answer(&world.query(factory, "code_of", alice().as_bytes()));
    assert_eq!(nobody.0, 0);
    // A query cannot make one.
    let query = world.query(factory, "make", &input(0));
    assert!(matches!(query.status, Status::Trapped(_)), "{query:?}");
    let unknown = args(&[&[1; 32], &[8; 32], &options(u64::MAX, 0, None)]);
    let unknown = answer(&world.call(alice(), factory, "make", &unknown));
    assert_eq!(unknown.0, status::UNKNOWN_CODE);
    // What fails after it is undone with it.
    let salt = [3; 32];
    let failed = args(&[hash.as_bytes(), &salt, &options(u64::MAX, 0, None)]);
    let failed = world.call(alice(), factory, "make_and_fail", &failed);
    assert_eq!(failed.status, Status::Reverted);
    let gone = Address::of_salted_contract(factory, &salt);
    assert_eq!(world.account(gone).code, None);
}

#[test]
fn an_admin_upgrades_to_code_that_keeps_the_methods() {
    let mut world = world();
    let first = upload(&mut world, alice(), &keeper('1', ""));
    let more = upload(&mut world, alice(), &keeper('2', MIGRATE));
    let less = upload(&mut world, alice(), r#"(func (export "other"))"#);
    let contract = create(&mut world, first, None, Some(bob()), b"x")
        .deployed
        .unwrap();
    let by_alice = upgrade(&mut world, alice(), contract, more);
    assert_eq!(rejected(&by_alice), Some(Rejection::NotAdmin));
    let lacking = upgrade(&mut world, bob(), contract, less);
    assert_eq!(rejected(&lacking), Some(Rejection::MissingMethods));
    assert_eq!(world.query(contract, "get", &[]).output, b"1x");
    let upgraded = upgrade(&mut world, bob(), contract, more);
    assert_eq!(upgraded.status, Status::Success);
    assert_eq!(world.query(contract, "get", &[]).output, b"2x!");
    // Nobody else calls the migration.
    let direct = world.call(bob(), contract, "migrate", &[]);
    assert_eq!(rejected(&direct), Some(Rejection::UnknownMethod));
    // Handed over, and then given up for ever.
    let hand_over = |admin| Action::SetAdmin { contract, admin };
    let stolen = send(&mut world, alice(), hand_over(Some(alice())));
    assert_eq!(rejected(&stolen), Some(Rejection::NotAdmin));
    let given = send(&mut world, bob(), hand_over(Some(alice())));
    assert_eq!(given.status, Status::Success);
    let late = upgrade(&mut world, bob(), contract, more);
    assert_eq!(rejected(&late), Some(Rejection::NotAdmin));
    assert_eq!(
        upgrade(&mut world, alice(), contract, more).status,
        Status::Success
    );
    assert_eq!(world.query(contract, "get", &[]).output, b"2x!!");
    assert_eq!(
        send(&mut world, alice(), hand_over(None)).status,
        Status::Success
    );
    for nobody in [alice(), bob()] {
        let action = hand_over(Some(nobody));
        assert_eq!(
            rejected(&send(&mut world, nobody, action)),
            Some(Rejection::NotAdmin)
        );
    }
}

#[test]
fn a_failed_migration_leaves_the_old_code() {
    let mut world = world();
    let first = upload(&mut world, alice(), &keeper('1', ""));
    for (migrate, status) in [
        (
            r#"(func (export "migrate") (call $write (i32.const 9001) (i32.const 1)
                (i32.const 0) (i32.const 0)) (call $revert (i32.const 0) (i32.const 0)))"#,
            Status::Reverted,
        ),
        (
            r#"(func (export "migrate") (loop (br 0)))"#,
            Status::OutOfGas,
        ),
    ] {
        let broken = upload(&mut world, alice(), &keeper('2', migrate));
        let made = create(&mut world, first, None, Some(alice()), b"x");
        let contract = made.deployed.unwrap();
        let failed = upgrade(&mut world, alice(), contract, broken);
        assert_eq!(failed.status, status);
        assert_eq!(world.query(contract, "get", &[]).output, b"1x");
        // Its code is not in use.
        let remove = Action::RemoveCode { code: broken };
        assert_eq!(send(&mut world, alice(), remove).status, Status::Success);
    }
}

/// A contract is its own admin, and the code that makes the upgrade runs on.
#[test]
fn the_code_of_a_running_frame_does_not_change() {
    const RENEWER: &str = r#"
  (import "fusee" "self_address" (func $self (param i32)))
  (func (export "digit") (i32.store8 (i32.const 0) (i32.const 49))
    (call $output (i32.const 0) (i32.const 1)))
  ;; The input is the hash of the new code.
  (func (export "renew") (call $self (i32.const 0))
    (drop (call $input (i32.const 32) (i32.const 32)))
    (i32.store (i32.const 200) (call $upgrade (i32.const 0) (i32.const 32)
      (i32.const 0) (i32.const 0) (i64.const -1)))
    (i32.store8 (i32.const 204) (i32.const 49))
    (call $output (i32.const 200) (i32.const 5)))"#;
    let text = |body: &str| {
        let imports = IMPORTS.replace("(memory 1)", "");
        let (import, rest) = body.trim_start().split_once('\n').unwrap();
        wat::parse_str(format!("(module {imports} {import} (memory 1) {rest})")).unwrap()
    };
    let next = |more: &str| RENEWER.replace("(i32.const 49)", "(i32.const 50)") + more;
    let mut world = world();
    let mut hashes = [
        text(RENEWER),
        text(&next("")),
        text(&next(r#"(func (export "migrate"))"#)),
    ]
    .map(|code| {
        send(&mut world, alice(), Action::Upload { code: code.clone() });
        CodeHash::of(&code)
    })
    .into_iter();
    let salt = [1; 32];
    let contract = Address::of_salted_contract(alice(), &salt);
    let first = hashes.next().unwrap();
    let made = create(&mut world, first, Some(salt), Some(contract), b"");
    assert_eq!(made.deployed, Some(contract));
    let [plain, migrating] = [hashes.next().unwrap(), hashes.next().unwrap()];
    // Its migration would enter a contract that waits.
    let refused = world.call(alice(), contract, "renew", migrating.as_bytes());
    assert_eq!(
        refused.output,
        args(&[&status::REENTRANT.to_le_bytes(), b"1"])
    );
    assert_eq!(world.query(contract, "digit", &[]).output, b"1");
    let renewed = world.call(alice(), contract, "renew", plain.as_bytes());
    assert_eq!(renewed.output, args(&[&0_i32.to_le_bytes(), b"1"]));
    assert_eq!(world.query(contract, "digit", &[]).output, b"2");
}

#[test]
pub(crate) fn code_that_no_contract_has_can_be_removed_by_its_uploader() {
    let mut world = world();
    let hash = upload(&mut world, alice(), &keeper('1', ""));
    let other = upload(&mut world, alice(), &keeper('2', ""));
    let remove = |code| Action::RemoveCode { code };
    let contract = create(&mut world, hash, None, Some(alice()), b"")
        .deployed
        .unwrap();
    assert_eq!(
        rejected(&send(&mut world, bob(), remove(hash))),
        Some(Rejection::NotAdmin)
    );
    assert_eq!(
        rejected(&send(&mut world, alice(), remove(hash))),
        Some(Rejection::CodeInUse)
    );
    assert_eq!(
        upgrade(&mut world, alice(), contract, other).status,
        Status::Success
    );
    let stored = |world: &World, hash| world.state.read(&keys::code(hash)).unwrap().is_some();
    assert!(stored(&world, hash));
    assert_eq!(
        send(&mut world, alice(), remove(hash)).status,
        Status::Success
    );
    assert!(!stored(&world, hash));
    // It is not found where an engine still has it compiled.
    let gone = create(&mut world, hash, None, None, b"");
    assert_eq!(rejected(&gone), Some(Rejection::UnknownCode));
    assert_eq!(
        rejected(&send(&mut world, alice(), remove(hash))),
        Some(Rejection::UnknownCode)
    );
    assert_eq!(world.query(contract, "get", &[]).output, b"2");
    // Uploaded again, it is back.
    assert_eq!(upload(&mut world, bob(), &keeper('1', "")), hash);
    assert!(create(&mut world, hash, None, None, b"").deployed.is_some());
}

/// A deployment with its code counts as well; one by rules that did not count stays for ever.
#[test]
fn a_contract_never_loses_its_code() {
    let mut world = world();
    let deployed = code(&keeper('1', ""));
    let contract = world.deploy(&deployed, b"");
    let remove = |code: &[u8]| Action::RemoveCode {
        code: CodeHash::of(code),
    };
    let in_use = send(&mut world, alice(), remove(&deployed));
    assert_eq!(rejected(&in_use), Some(Rejection::CodeInUse));
    assert_eq!(world.query(contract, "get", &[]).output, b"1");

    let old_code = wat::parse_str(r#"(module (func (export "get")))"#).unwrap();
    let mut old = World::new();
    let contract = old.deploy(&old_code, b"");
    world.state = old.state;
    let unknown = send(&mut world, alice(), remove(&old_code));
    assert_eq!(rejected(&unknown), Some(Rejection::UnknownCode));
    let upload = Action::Upload {
        code: old_code.clone(),
    };
    send(&mut world, bob(), upload);
    let in_use = send(&mut world, bob(), remove(&old_code));
    assert_eq!(rejected(&in_use), Some(Rejection::CodeInUse));
    assert_eq!(
        world.call(alice(), contract, "get", b"").status,
        Status::Success
    );
}

#[test]
fn a_value_is_taken_by_the_callee_that_looks_at_it() {
    let mut world = world();
    let taker = world.deploy(
        &code(
            r#"(func (export "take") (call $value (i32.const 0)))
               (func (export "ignore"))"#,
        ),
        b"",
    );
    let factory = world.deploy(&code(FACTORY), b"");
    let balance = |world: &World, of| world.account(of).balance;
    let taken = world.call_with(alice(), taker, "take", b"", 7, GAS);
    assert_eq!(taken.status, Status::Success);
    assert_eq!(balance(&world, taker), 7);
    // A method that does not look at it, and a contract without `receive`.
    for method in ["ignore", ""] {
        let refused = world.call_with(alice(), taker, method, b"", 7, GAS);
        assert_eq!(rejected(&refused), Some(Rejection::NotPayable), "{method}");
        assert_eq!(balance(&world, taker), 7);
    }
    assert_eq!(
        world.call(alice(), taker, "ignore", b"").status,
        Status::Success
    );
    let received = world.call_with(alice(), factory, "", b"", 9, GAS);
    assert_eq!(received.status, Status::Success);
    assert_eq!(balance(&world, factory), 9);
    // An account takes everything.
    let paid = world.call_with(alice(), bob(), "", b"", 4, GAS);
    assert_eq!(paid.status, Status::Success);
    assert_eq!(balance(&world, alice()), FUNDS - 20);
    // A deployment without a constructor takes nothing.
    let code = code("");
    let hash = CodeHash::of(&code);
    send(&mut world, alice(), Action::Upload { code: code.clone() });
    let actions = [
        Action::Deploy {
            code,
            input: Vec::new(),
        },
        Action::Create {
            code: hash,
            salt: None,
            admin: None,
            input: Vec::new(),
        },
    ];
    for action in actions {
        let refused = pay(&mut world, alice(), action, 3);
        assert_eq!(rejected(&refused), Some(Rejection::NotPayable));
    }
    assert_eq!(balance(&world, alice()), FUNDS - 20);
}

#[test]
fn what_calls_nobody_takes_no_value_and_version_1_has_none_of_it() {
    let upload = Transaction {
        from: alice(),
        action: Action::Upload { code: code("") },
        value: 3,
        gas: Gas::new(GAS),
    };
    let invalid = world().try_send(upload.clone()).unwrap_err();
    assert_eq!(invalid, InvalidTransaction::ValueWithoutCall { value: 3 });
    let invalid = World::new().try_send(upload).unwrap_err();
    assert_eq!(invalid, InvalidTransaction::UnknownAction);
    for method in ["deploy", "migrate", "receive"] {
        let code = code(&format!("(func (export \"{method}\") (param i32))"));
        let refused = send(&mut world(), alice(), Action::Upload { code });
        assert_eq!(rejected(&refused), Some(Rejection::RefusedCode), "{method}");
    }
    let code = b"\0asm, not really".to_vec();
    let refused = send(&mut world(), alice(), Action::Upload { code });
    assert_eq!(rejected(&refused), Some(Rejection::RefusedCode));
}

/// Of a contract that is its own admin, and is upgraded between two programs that have as many
/// methods as they may, with long names that differ in their ends.
#[test]
#[expect(clippy::disallowed_methods, reason = "the test is of time")]
fn upgrades_back_and_forth_take_no_longer_than_their_price() {
    const UPGRADES: u32 = 1_000;
    let methods = (0..990).map(|number| format!("(export \"{number:0>200}\" (func $nothing))"));
    let methods: String = methods.collect();
    let body = |digit: char| {
        let imports = IMPORTS.replace("(memory 1)", "");
        let text = format!(
            r#"(module {imports} (import "fusee" "self_address" (func $self (param i32)))
  (memory 1) (data (i32.const 9000) "{digit}") (func $nothing) {methods}
  ;; The input is how often, and the hashes of both programs.
  (func (export "turn") (local $left i32)
    (drop (call $input (i32.const 0) (i32.const 68)))
    (call $self (i32.const 100))
    (local.set $left (i32.load (i32.const 0)))
    (loop $next
      (i32.store (i32.const 200) (call $upgrade (i32.const 100)
        (select (i32.const 4) (i32.const 36) (i32.and (local.get $left) (i32.const 1)))
        (i32.const 0) (i32.const 0) (i64.const -1)))
      (if (i32.load (i32.const 200)) (then unreachable))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $next (local.get $left)))))"#
        );
        wat::parse_str(text).unwrap()
    };
    let mut world = World::on_lanes(&["wasmtime"], &ContractRules::v2());
    let [first, second] = ['1', '2'].map(|digit| {
        let code = body(digit);
        let upload = Action::Upload { code: code.clone() };
        assert_eq!(send(&mut world, alice(), upload).status, Status::Success);
        CodeHash::of(&code)
    });
    let contract = Address::of_salted_contract(alice(), &[1; 32]);
    let made = create(&mut world, first, Some([1; 32]), Some(contract), b"");
    assert_eq!(made.deployed, Some(contract));
    let input = args(&[&UPGRADES.to_le_bytes(), first.as_bytes(), second.as_bytes()]);
    let begin = std::time::Instant::now();
    let receipt = world.call(alice(), contract, "turn", &input);
    let taken = begin.elapsed();
    assert_eq!(receipt.status, Status::Success, "{receipt:?}");
    assert!(taken.as_secs() < 5, "{taken:?}");
}

/// A call without a method is a transfer, so nobody relies on an export without a name.
#[test]
fn an_export_without_a_name_is_no_method() {
    let mut world = world();
    let named = upload(
        &mut world,
        alice(),
        r#"(func (export "")) (func (export "get"))"#,
    );
    let plain = upload(&mut world, alice(), r#"(func (export "get"))"#);
    let made = create(&mut world, named, None, Some(alice()), b"");
    let contract = made.deployed.unwrap();
    assert_eq!(world.methods(contract), Some(vec!["get".to_owned()]));
    let upgraded = upgrade(&mut world, alice(), contract, plain);
    assert_eq!(upgraded.status, Status::Success);
}

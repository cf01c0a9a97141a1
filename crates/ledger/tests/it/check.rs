//! Which transactions a block at a height can include.

use std::sync::Arc;

use fusee_contract::{Address, set_balances};
use fusee_engine::Gas;
use fusee_ledger::{
    Accounts, Inclusion, Invalid, Operation, Role, SecretKey, SignedTransaction, TransactionBody,
    check,
};
use fusee_state::MemoryState;

use crate::samples::{body, ed25519, rules, secp256k1, signed, sponsored, transfer};

const INCLUSION: Inclusion<'_> = Inclusion {
    chain_id: "fusee-test-1",
    height: 1_000,
    minimum_price: 3,
    block_gas: Gas::new(5_000_000),
    nonce_window: 0,
};

/// What a transfer costs at most: its gas limit at its price, and its value.
const COST: u128 = 15_000_000 + 250;

const ACCOUNTS: Accounts = Accounts {
    nonce: 7,
    sender_balance: COST,
    fee_payer_balance: 0,
};

fn verdict(inclusion: &Inclusion<'_>, accounts: &Accounts) -> Result<(), Invalid> {
    check(&transfer(&ed25519()), &rules(), inclusion, accounts)
}

fn changed(change: impl FnOnce(&mut TransactionBody)) -> SignedTransaction {
    let mut body = body(ed25519().public_key().address());
    change(&mut body);
    signed(body, &ed25519())
}

#[test]
fn a_transaction_that_just_meets_each_bound_is_valid() {
    assert_eq!(verdict(&INCLUSION, &ACCOUNTS), Ok(()));
}

#[test]
fn other_chains_and_late_blocks_are_refused() {
    let chain_id = "fusee-test-2";
    let other = verdict(
        &Inclusion {
            chain_id,
            ..INCLUSION
        },
        &ACCOUNTS,
    )
    .unwrap_err();
    assert_eq!(
        other.to_string(),
        "the transaction is for the chain `fusee-test-1`, this one is `fusee-test-2`"
    );
    let height = 1_001;
    let late = verdict(
        &Inclusion {
            height,
            ..INCLUSION
        },
        &ACCOUNTS,
    );
    let expiry = 1_000;
    assert_eq!(late, Err(Invalid::Expired { expiry, height }));
}

#[test]
fn nonces_of_past_and_future_are_refused() {
    let at = |nonce, nonce_window| {
        let inclusion = Inclusion {
            nonce_window,
            ..INCLUSION
        };
        verdict(&inclusion, &Accounts { nonce, ..ACCOUNTS })
    };
    assert_eq!(at(8, 9), Err(Invalid::PastNonce { nonce: 7, next: 8 }));
    let future = |next, window| {
        Err(Invalid::FutureNonce {
            nonce: 7,
            next,
            window,
        })
    };
    assert_eq!(at(6, 0), future(6, 0));
    assert_eq!(at(6, 1), Ok(()));
    assert_eq!(at(0, 6), future(0, 6));
    let last = changed(|body| body.nonce = u64::MAX);
    let accounts = Accounts {
        nonce: u64::MAX,
        ..ACCOUNTS
    };
    let verdict = check(&last, &rules(), &INCLUSION, &accounts);
    assert_eq!(verdict, Err(Invalid::NoncesExhausted));
}

#[test]
fn prices_and_gas_limits_have_bounds() {
    let minimum_price = 4;
    let refused = verdict(
        &Inclusion {
            minimum_price,
            ..INCLUSION
        },
        &ACCOUNTS,
    );
    let expected = Invalid::PriceBelowMinimum {
        price: 3,
        minimum: 4,
    };
    assert_eq!(refused, Err(expected));
    let block = Gas::new(4_999_999);
    let inclusion = Inclusion {
        block_gas: block,
        ..INCLUSION
    };
    let limit = Gas::new(5_000_000);
    let expected = Invalid::GasLimitAboveBlock { limit, block };
    assert_eq!(verdict(&inclusion, &ACCOUNTS), Err(expected));
    let intrinsic = rules().intrinsic_gas(&transfer(&ed25519()));
    let at = |gas_limit| {
        let transaction = changed(|body| body.gas_limit = gas_limit);
        check(&transaction, &rules(), &INCLUSION, &ACCOUNTS)
    };
    assert_eq!(at(intrinsic), Ok(()));
    let limit = intrinsic.checked_sub(Gas::new(1)).unwrap();
    let expected = Invalid::GasLimitTooLow { limit, intrinsic };
    assert_eq!(at(limit), Err(expected));
}

#[test]
fn values_and_gas_have_to_be_paid() {
    let accounts = Accounts {
        sender_balance: COST - 1,
        ..ACCOUNTS
    };
    let expected = Invalid::CannotPay {
        role: Role::Sender,
        cost: COST,
        balance: COST - 1,
    };
    assert_eq!(verdict(&INCLUSION, &accounts), Err(expected));
}

/// The fee payer pays for the gas, and the sender for the values.
#[test]
fn a_fee_payer_pays_for_the_gas_alone() {
    let both = sponsored(&ed25519(), &secp256k1());
    let at = |sender_balance, fee_payer_balance| {
        let accounts = Accounts {
            nonce: 7,
            sender_balance,
            fee_payer_balance,
        };
        check(&both, &rules(), &INCLUSION, &accounts)
    };
    assert_eq!(at(250, 15_000_000), Ok(()));
    let cannot_pay = |role, cost, balance| {
        Err(Invalid::CannotPay {
            role,
            cost,
            balance,
        })
    };
    assert_eq!(at(249, 15_000_000), cannot_pay(Role::Sender, 250, 249));
    let expected = cannot_pay(Role::FeePayer, 15_000_000, 14_999_999);
    assert_eq!(at(COST, 14_999_999), expected);
}

#[test]
fn amounts_do_not_overflow() {
    let rich = Accounts {
        sender_balance: u128::MAX,
        fee_payer_balance: u128::MAX,
        ..ACCOUNTS
    };
    let too_large = |role| Err(Invalid::CostTooLarge { role });
    let at = |transaction: &SignedTransaction| check(transaction, &rules(), &INCLUSION, &rich);
    let value = u128::MAX;
    let to = Address::new([9; 32]);
    let operation = Operation::Transfer { to, value };
    let twice = changed(|body| body.operations = vec![operation.clone(), operation.clone()]);
    assert_eq!(at(&twice), too_large(Role::Sender));
    let and_gas = changed(|body| body.operations = vec![operation.clone()]);
    assert_eq!(at(&and_gas), too_large(Role::Sender));
    let priced = changed(|body| body.gas_price = u128::MAX);
    assert_eq!(at(&priced), too_large(Role::Sender));
    let mut body = sponsored(&ed25519(), &secp256k1()).body().clone();
    body.gas_price = u128::MAX;
    let id = body.id();
    let by_payer = Some(secp256k1().sign(&id));
    let both = SignedTransaction::new(body, ed25519().sign(&id), by_payer, &rules()).unwrap();
    assert_eq!(at(&both), too_large(Role::FeePayer));
}

#[test]
fn accounts_are_read_from_the_state() {
    let alice = SecretKey::development("alice");
    let both = sponsored(&alice, &secp256k1());
    let mut state = MemoryState::new();
    let funds = [
        (alice.public_key().address(), 5),
        (secp256k1().public_key().address(), 6),
    ];
    state.apply(&set_balances(&funds));
    let state = Arc::new(state);
    let expected = Accounts {
        nonce: 0,
        sender_balance: 5,
        fee_payer_balance: 6,
    };
    assert_eq!(Accounts::read(&*state, &both).unwrap(), expected);
    let alone = Accounts::read(&*state, &transfer(&secp256k1())).unwrap();
    let expected = Accounts {
        nonce: 0,
        sender_balance: 6,
        fee_payer_balance: 0,
    };
    assert_eq!(alone, expected);
}

//! The wallet on every machine.

use fusee_crypto::sha256;
use fusee_sdk::{
    Address,
    codec::{Bytes, to_vec},
};
use fusee_testkit::{
    Chain, Fuzz, GasSnapshot, Machine, Program, Status, on_every_machine, on_machine, program,
};
use p256::ecdsa::{Signature, SigningKey, signature::Signer};
use passkey_wallet::{Action, Assertion, Error, Order, PasskeyWallet, PasskeyWalletClient};

const WALLET: Program = program!(PasskeyWallet);

/// The digits of base64url.
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A device with a passkey for a site.
struct Device {
    key: SigningKey,
    relying_party: [u8; 32],
    flags: u8,
}

impl Device {
    fn new(secret: u8) -> Self {
        Self {
            key: SigningKey::from_slice(&[secret; 32]).expect("a secret"),
            relying_party: sha256(b"wallet.example"),
            flags: 0b101,
        }
    }

    fn public_key(&self) -> [u8; 33] {
        let point = self.key.verifying_key().to_sec1_point(true);
        point.as_bytes().try_into().expect("it has 33 bytes")
    }

    /// What a browser returns for a challenge.
    fn assert(&self, order: &Order) -> Assertion {
        let challenge = base64url(&sha256(&to_vec(order)));
        let client_data = format!(
            r#"{{"type":"webauthn.get","challenge":"{challenge}","origin":"https://wallet.example"}}"#
        );
        let mut authenticator_data = self.relying_party.to_vec();
        authenticator_data.push(self.flags);
        authenticator_data.extend([0; 4]);
        let mut signed = authenticator_data.clone();
        signed.extend(sha256(client_data.as_bytes()));
        let signature: Signature = self.key.sign(&signed);
        Assertion {
            authenticator_data: Bytes(authenticator_data),
            client_data: Bytes(client_data.into_bytes()),
            signature: signature.to_bytes().into(),
        }
    }
}

/// Bit by bit, unlike the contract's.
fn base64url(bytes: &[u8]) -> String {
    let mut bits: Vec<u8> = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1))
        .collect();
    bits.resize(bits.len().next_multiple_of(6), 0);
    bits.chunks(6)
        .map(|six| {
            six.iter()
                .fold(0, |digit, bit| digit << 1 | usize::from(*bit))
        })
        .map(|digit| DIGITS.get(digit).copied().map_or('=', char::from))
        .collect()
}

/// A wallet of the device 1 with 50 in it, an account that sends its orders, and the order to send
/// 30 of them to Dora.
fn funded(chain: &mut Chain) -> (Address, PasskeyWalletClient, Order) {
    let relayer = chain.account("relayer", 100);
    let dora = chain.account("dora", 0);
    let owner = Device::new(1).public_key();
    let input = PasskeyWalletClient::deploy(owner, "wallet.example".to_owned()).input();
    let wallet = chain.deploy(relayer, &WALLET, &input);
    chain.transfer(relayer, wallet, 50).expect("it has 100");
    let order = Order {
        domain: Order::DOMAIN,
        chain_id: chain.block().chain_id.to_string(),
        wallet,
        nonce: 0,
        action: Action {
            target: dora,
            method: String::new(),
            input: Bytes::default(),
            value: 30,
        },
    };
    (relayer, PasskeyWalletClient::at(wallet), order)
}

#[test]
fn an_order_is_executed_once() {
    on_every_machine(|chain| {
        let (relayer, wallet, order) = funded(chain);
        let assertion = Device::new(1).assert(&order);
        let execute = wallet.execute(order.action.clone(), assertion);
        chain.call(relayer, execute.clone());
        assert_eq!(chain.balance(order.action.target), 30);
        assert_eq!(chain.query(wallet.nonce()), 1);
        let failure = chain.try_call(relayer, execute).unwrap_err();
        assert_eq!(failure, Error::WrongChallenge.to_string());

        let order = Order {
            nonce: 1,
            action: Action {
                value: 20,
                ..order.action
            },
            ..order
        };
        let assertion = Device::new(1).assert(&order);
        chain.call(relayer, wallet.execute(order.action.clone(), assertion));
        assert_eq!(chain.balance(order.action.target), 50);
    });
}

#[test]
fn an_order_is_of_one_wallet_chain_and_call() {
    on_every_machine(|chain| {
        let (relayer, wallet, order) = funded(chain);
        let mut others = [(); 4].map(|()| order.clone());
        others[0].wallet = relayer;
        others[1].chain_id = "another".to_owned();
        others[2].nonce = 1;
        others[3].action.value = 1;
        for other in others {
            let assertion = Device::new(1).assert(&other);
            let execute = wallet.execute(order.action.clone(), assertion);
            let failure = chain.try_call(relayer, execute).unwrap_err();
            assert_eq!(failure, Error::WrongChallenge.to_string());
        }
        assert_eq!(chain.balance(order.action.target), 0);
    });
}

#[test]
fn only_the_passkey_of_the_owner_signs() {
    on_every_machine(|chain| {
        let (relayer, wallet, order) = funded(chain);
        let assertion = Device::new(2).assert(&order);
        let failure = chain.try_call(relayer, wallet.execute(order.action.clone(), assertion));
        assert_eq!(failure.unwrap_err(), Error::WrongSignature.to_string());

        let (mut elsewhere, mut absent) = (Device::new(1), Device::new(1));
        elsewhere.relying_party = sha256(b"phishing.example");
        absent.flags = 0;
        for device in [elsewhere, absent] {
            let execute = wallet.execute(order.action.clone(), device.assert(&order));
            let failure = chain.try_call(relayer, execute).unwrap_err();
            assert_eq!(failure, Error::WrongAuthenticatorData.to_string());
        }
        assert_eq!(chain.query(wallet.nonce()), 0);
    });
}

#[test]
fn a_call_that_fails_can_be_sent_again() {
    on_every_machine(|chain| {
        let (relayer, wallet, mut order) = funded(chain);
        order.action.value = 60;
        let execute = wallet.execute(order.action.clone(), Device::new(1).assert(&order));
        let failure = chain.try_call(relayer, execute.clone()).unwrap_err();
        assert_eq!(failure, "the balance is too small for the call");
        assert_eq!(chain.query(wallet.nonce()), 0);
        chain.transfer(relayer, order.wallet, 10).unwrap();
        chain.call(relayer, execute);
        assert_eq!(chain.balance(order.action.target), 60);
    });
}

/// Every fifth call is followed by an order that the owner signed.
#[test]
fn what_is_spent_was_signed_by_the_owner() {
    on_every_machine(|chain| {
        let (relayer, wallet, order) = funded(chain);
        let target = order.action.target;
        let fuzz = Fuzz {
            contract: order.wallet,
            accounts: &[relayer, target],
            seed: 7,
            calls: 50,
        };
        let mut signed = 0;
        chain.fuzz(fuzz, |chain, call| {
            let is_random_order = call.method == "execute";
            assert!(!is_random_order || call.status == Status::Reverted);
            if call.number.is_multiple_of(5) {
                let mut order = order.clone();
                (order.nonce, order.action.value) = (signed, 2);
                let assertion = Device::new(1).assert(&order);
                chain.call(target, wallet.execute(order.action, assertion));
                signed += 1;
            }
            assert_eq!(chain.query(wallet.nonce()), signed);
            let spent = 2 * u128::from(signed);
            assert_eq!(chain.balance(order.wallet), 50 - spent);
            assert_eq!(chain.balance(target), spent);
        });
        assert_eq!(signed, 10);
    });
}

#[test]
fn gas_is_as_in_the_file() {
    on_machine(Machine::Wasmtime, |chain| {
        let mut gas = GasSnapshot::new();
        let (relayer, wallet, order) = funded(chain);
        let assertion = Device::new(1).assert(&order);
        chain.call(relayer, wallet.execute(order.action, assertion));
        gas.record("execute", chain.gas_used());
        // Per mille: compilers change.
        gas.check("tests/gas.txt", 20).unwrap();
    });
}

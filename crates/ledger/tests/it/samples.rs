//! Keys and transactions of the tests.

use fusee_contract::Address;
use fusee_engine::Gas;
use fusee_ledger::{
    Authorization, LedgerRules, Operation, SecretKey, SignedTransaction, TransactionBody,
    TransactionId,
};
use p256::ecdsa::signature::hazmat::PrehashSigner;

/// The client data of a passkey, around the challenge.
pub(crate) const CLIENT_DATA: [&str; 2] = [
    r#"{"type":"webauthn.get","challenge":""#,
    r#"","origin":"https://wallet.example","crossOrigin":false}"#,
];

pub(crate) fn rules() -> LedgerRules {
    LedgerRules::latest().with_development_accounts()
}

pub(crate) fn ed25519() -> SecretKey {
    SecretKey::ed25519([1; 32])
}

pub(crate) fn secp256k1() -> SecretKey {
    SecretKey::secp256k1([2; 32]).unwrap()
}

pub(crate) fn address(number: u8) -> Address {
    Address::new([number; 32])
}

pub(crate) fn body(sender: Address) -> TransactionBody {
    TransactionBody {
        chain_id: "fusee-test-1".to_owned(),
        sender,
        nonce: 7,
        expiry: 1_000,
        gas_limit: Gas::new(5_000_000),
        gas_price: 3,
        fee_payer: None,
        operations: vec![Operation::Transfer {
            to: address(9),
            value: 250,
        }],
    }
}

/// One of each operation.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::Transfer {
            to: address(9),
            value: u128::MAX / 8,
        },
        Operation::Call {
            to: address(10),
            method: "transfer".to_owned(),
            input: vec![1, 2, 3],
            value: 5,
        },
        Operation::Upload {
            code: b"\0asm".to_vec(),
        },
        Operation::Deploy {
            code: b"\0asm\x01".to_vec(),
            input: vec![4],
            value: 6,
        },
        Operation::Create {
            code: [11; 32],
            salt: Some([12; 32]),
            admin: Some(address(13)),
            input: vec![5, 6],
            value: 7,
        },
        Operation::Upgrade {
            contract: address(14),
            code: [15; 32],
            input: Vec::new(),
            value: 0,
        },
        Operation::SetAdmin {
            contract: address(16),
            admin: None,
        },
        Operation::RemoveCode { code: [17; 32] },
    ]
}

pub(crate) fn signed(body: TransactionBody, key: &SecretKey) -> SignedTransaction {
    let authorization = key.sign(&body.id());
    SignedTransaction::new(body, authorization, None, &rules()).unwrap()
}

/// A transfer by this key.
pub(crate) fn transfer(key: &SecretKey) -> SignedTransaction {
    signed(body(key.public_key().address()), key)
}

/// A transfer whose gas another account pays.
pub(crate) fn sponsored(sender: &SecretKey, payer: &SecretKey) -> SignedTransaction {
    let mut body = body(sender.public_key().address());
    body.fee_payer = Some(payer.public_key().address());
    let id = body.id();
    let by_payer = Some(payer.sign(&id));
    SignedTransaction::new(body, sender.sign(&id), by_payer, &rules()).unwrap()
}

/// A passkey, which signs whatever its authenticator and its browser say.
#[derive(Clone)]
pub(crate) struct Passkey {
    key: p256::ecdsa::SigningKey,
    pub(crate) authenticator_data: Vec<u8>,
    pub(crate) client_data: [String; 2],
    pub(crate) has_high_s: bool,
}

impl Passkey {
    pub(crate) fn new() -> Self {
        let mut authenticator_data = vec![3; 32];
        // User present and verified, then the counter.
        authenticator_data.extend([0b101, 0, 0, 0, 9]);
        Self {
            key: p256::ecdsa::SigningKey::from_slice(&[3; 32]).unwrap(),
            authenticator_data,
            client_data: CLIENT_DATA.map(str::to_owned),
            has_high_s: false,
        }
    }

    fn public_key(&self) -> [u8; 33] {
        let point = self.key.verifying_key().to_sec1_point(true);
        point.as_bytes().try_into().unwrap()
    }

    pub(crate) fn address(&self) -> Address {
        fusee_ledger::PublicKey::WebAuthn(self.public_key()).address()
    }

    pub(crate) fn sign(&self, id: &TransactionId) -> Authorization {
        let challenge = data_encoding::BASE64URL_NOPAD.encode(id.as_bytes());
        let client_data = self.client_data.join(&challenge).into_bytes();
        let digest = fusee_crypto::sha256(&client_data);
        let digest = fusee_crypto::sha256(&[&self.authenticator_data[..], &digest].concat());
        let signature: p256::ecdsa::Signature = self.key.sign_prehash(&digest).unwrap();
        let mut signature = signature.normalize_s();
        if self.has_high_s {
            let (r, s) = signature.split_scalars();
            signature =
                p256::ecdsa::Signature::from_scalars(r.to_bytes(), (-s).to_bytes()).unwrap();
        }
        Authorization::WebAuthn {
            public_key: self.public_key(),
            signature: signature.to_bytes().into(),
            authenticator_data: self.authenticator_data.clone(),
            client_data,
        }
    }

    pub(crate) fn transfer(&self) -> SignedTransaction {
        let body = body(self.address());
        let authorization = self.sign(&body.id());
        SignedTransaction::new(body, authorization, None, &rules()).unwrap()
    }
}

/// A transaction of each scheme, and one with a fee payer, by name.
pub(crate) fn all() -> Vec<(&'static str, SignedTransaction)> {
    let everything = TransactionBody {
        operations: operations(),
        nonce: u64::MAX - 1,
        expiry: u64::MAX,
        gas_limit: Gas::MAX,
        gas_price: u128::MAX,
        ..body(ed25519().public_key().address())
    };
    vec![
        ("development", transfer(&SecretKey::development("alice"))),
        ("ed25519", transfer(&ed25519())),
        ("secp256k1", transfer(&secp256k1())),
        ("webauthn", Passkey::new().transfer()),
        ("sponsored", sponsored(&ed25519(), &secp256k1())),
        ("every operation", signed(everything, &ed25519())),
    ]
}

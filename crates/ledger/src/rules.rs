//! Versioned rules of the ledger: admitted schemes, limits and prices of transactions.
//!
//! A published version is final: a golden file freezes it.

use std::{borrow::Cow, fmt};

use borsh::{BorshDeserialize, BorshSerialize};
use fusee_crypto::sha256;
use fusee_engine::Gas;
use fusee_instrument::encoding::RulesWriter;

use crate::{Scheme, SignedTransaction};

/// The id of a set of ledger rules: the SHA-256 digest of its canonical encoding. Displayed as 64
/// hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct LedgerRulesId([u8; 32]);

impl LedgerRulesId {
    /// Creates an id from its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for LedgerRulesId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for LedgerRulesId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// What all nodes must agree on to decide whether a transaction is valid, and what it costs before
/// anything runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerRules {
    /// The name, for display.
    pub name: Cow<'static, str>,
    /// The size limits.
    pub limits: LedgerLimits,
    /// The price of a byte of an encoded transaction, signatures included.
    pub transaction_byte: Gas,
    /// The admitted schemes, in the order of their numbers, with the price of a signature by each.
    pub signatures: Vec<SignaturePrice>,
}

/// Size limits of transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerLimits {
    /// An encoded transaction, in bytes.
    pub transaction_bytes: u32,
    /// The operations of a transaction.
    pub operations: u32,
    /// The name of a chain, in bytes.
    pub chain_id_bytes: u32,
    /// The name of a development account, in bytes.
    pub name_bytes: u32,
    /// The authenticator data of a passkey signature, in bytes.
    pub authenticator_data_bytes: u32,
    /// The client data of a passkey signature, in bytes.
    pub client_data_bytes: u32,
}

/// An admitted scheme, and its price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignaturePrice {
    /// The scheme.
    pub scheme: Scheme,
    /// The price of verifying one signature.
    pub gas: Gas,
}

/// The price of a signature of a development account: deriving its key, and verifying.
const DEVELOPMENT: SignaturePrice = SignaturePrice {
    scheme: Scheme::Development,
    gas: Gas::new(250_000),
};

impl LedgerRules {
    /// The rules `ledger-1`: keys of Ed25519 and secp256k1, and passkeys.
    #[must_use]
    pub fn v1() -> Self {
        let price = |scheme, gas| SignaturePrice {
            scheme,
            gas: Gas::new(gas),
        };
        Self {
            name: "ledger-1".into(),
            limits: LedgerLimits {
                transaction_bytes: 4 << 20,
                operations: 256,
                // As in CometBFT.
                chain_id_bytes: 50,
                name_bytes: 32,
                authenticator_data_bytes: 256,
                client_data_bytes: 1_024,
            },
            transaction_byte: Gas::new(20),
            // Those of contracts (docs/book/src/cryptography.md).
            signatures: vec![
                price(Scheme::Ed25519, 180_000),
                price(Scheme::Secp256k1, 250_000),
                price(Scheme::WebAuthn, 790_000),
            ],
        }
    }

    /// Admits development accounts, for which everybody can sign. No published rules do.
    #[must_use]
    pub fn with_development_accounts(mut self) -> Self {
        if self.signature_price(Scheme::Development).is_none() {
            self.signatures.insert(0, DEVELOPMENT);
            self.name = format!("{}-development", self.name).into();
        }
        self
    }

    /// The newest version.
    #[must_use]
    pub fn latest() -> Self {
        Self::v1()
    }

    /// Every published version, the newest last.
    #[must_use]
    pub fn published() -> Vec<Self> {
        vec![Self::v1()]
    }

    /// The price of a signature. `None` if the scheme is not admitted.
    #[must_use]
    pub fn signature_price(&self, scheme: Scheme) -> Option<Gas> {
        let mut signatures = self.signatures.iter();
        let found = signatures.find(|signature| signature.scheme == scheme);
        found.map(|signature| signature.gas)
    }

    /// What a transaction costs before anything runs: its signatures and its bytes. A scheme that
    /// is not admitted has no price, and makes the transaction invalid elsewhere.
    #[must_use]
    pub fn intrinsic_gas(&self, transaction: &SignedTransaction) -> Gas {
        let bytes = u64::try_from(transaction.size()).unwrap_or(u64::MAX);
        let prices = transaction
            .authorizations()
            .filter_map(|(_, _, authorization)| self.signature_price(authorization.scheme()));
        prices.fold(
            self.transaction_byte.saturating_mul(bytes),
            Gas::saturating_add,
        )
    }

    /// The digest of the [encoding](Self::encode), computed on each call.
    #[must_use]
    pub fn id(&self) -> LedgerRulesId {
        LedgerRulesId(sha256(&self.encode()))
    }

    /// The canonical encoding, which `docs/book/src/rules.md` documents.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self {
            name,
            limits,
            transaction_byte,
            signatures,
        } = self;
        let mut writer = RulesWriter::new("ledger rules");
        writer.text(name);
        for (_, limit) in limits.iter() {
            writer.u32(limit);
        }
        writer.gas(*transaction_byte);
        writer.list(signatures, |writer, SignaturePrice { scheme, gas }| {
            writer.u8(scheme.tag());
            writer.gas(*gas);
        });
        writer.finish()
    }
}

impl LedgerLimits {
    /// Names and values of the limits, in the order of the encoding.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u32)> + use<> {
        let Self {
            transaction_bytes,
            operations,
            chain_id_bytes,
            name_bytes,
            authenticator_data_bytes,
            client_data_bytes,
        } = *self;
        [
            ("transaction_bytes", transaction_bytes),
            ("operations", operations),
            ("chain_id_bytes", chain_id_bytes),
            ("name_bytes", name_bytes),
            ("authenticator_data_bytes", authenticator_data_bytes),
            ("client_data_bytes", client_data_bytes),
        ]
        .into_iter()
    }
}

impl fmt::Display for LedgerRules {
    /// Lists all rules as text for people.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "ledger rules {}", self.name)?;
        writeln!(formatter, "id {}", self.id())?;
        writeln!(formatter, "limits")?;
        for (name, limit) in self.limits.iter() {
            writeln!(formatter, "  {name}: {limit}")?;
        }
        writeln!(formatter, "prices")?;
        writeln!(
            formatter,
            "  transaction_byte: {}",
            self.transaction_byte.units()
        )?;
        writeln!(formatter, "signatures")?;
        for SignaturePrice { scheme, gas } in &self.signatures {
            writeln!(
                formatter,
                "  {} {}: {}",
                scheme.tag(),
                scheme.name(),
                gas.units()
            )?;
        }
        Ok(())
    }
}

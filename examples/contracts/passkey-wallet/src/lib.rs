//! A wallet whose owner is a passkey: a key over secp256r1 (P-256) that never leaves its device.
//!
//! The owner has no account on the chain. It signs an [`Order`] by a WebAuthn assertion, and
//! anybody can send that to [`execute`](PasskeyWallet::execute). An order names the chain, the
//! wallet and a nonce, so it is executed once, and by this wallet alone.
#![cfg_attr(target_os = "none", no_std)]

use fusee_sdk::{codec::to_vec, crypto, prelude::*};

/// A wallet whose owner is a passkey.
#[contract(events(Executed))]
pub struct PasskeyWallet {
    owner: Value<[u8; 33]>,
    relying_party: Value<[u8; 32]>,
    nonce: Value<u64>,
}

/// A call that the owner wants.
#[derive(Codec, Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// The contract or account that is called.
    pub target: Address,
    /// The method; empty to send the value alone.
    pub method: String,
    /// The encoded arguments.
    pub input: Bytes,
    /// The amount that is sent.
    pub value: u128,
}

/// What the owner signs. The SHA-256 digest of its encoding is the challenge of the assertion.
#[derive(Codec, Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// [`Order::DOMAIN`].
    pub domain: [u8; 16],
    /// The id of the chain.
    pub chain_id: String,
    /// The address of the wallet.
    pub wallet: Address,
    /// How many orders were executed before.
    pub nonce: u64,
    /// The call.
    pub action: Action,
}

impl Order {
    /// What every order begins with.
    pub const DOMAIN: [u8; 16] = *b"passkey-wallet/1";
}

/// What a browser returns from `navigator.credentials.get`.
#[derive(Codec, Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// `authenticatorData`: the digest of the domain, flags, a counter.
    pub authenticator_data: Bytes,
    /// `clientDataJSON`: the challenge, and the page that asked for it.
    pub client_data: Bytes,
    /// The signature: `r` and `s`, big-endian.
    pub signature: [u8; 64],
}

/// An order was executed.
#[event]
pub struct Executed {
    /// Its nonce.
    pub nonce: u64,
    /// What the call returned.
    pub output: Bytes,
}

/// Why nothing is done.
#[error]
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// The assertion is of another site, or the user was not present.
    WrongAuthenticatorData,
    /// The assertion is of another order.
    WrongChallenge,
    /// The owner did not sign the assertion.
    WrongSignature,
}

#[methods(unless_feature = "library")]
impl PasskeyWallet {
    /// Makes a wallet of this key (33 bytes, SEC 1), which was made for this domain.
    pub fn deploy(&mut self, owner: [u8; 33], domain: String) {
        self.owner.set(&owner);
        let relying_party = crypto::sha256(domain.as_bytes());
        self.relying_party.set(&relying_party);
    }

    /// Takes what is sent to the wallet.
    #[payable]
    pub fn receive(&mut self) {
        let _ = env::value();
    }

    /// Makes the call that the owner signed. Returns its output.
    pub fn execute(&mut self, action: Action, assertion: Assertion) -> Result<Bytes, Error> {
        let nonce = self.nonce.get_or_default();
        // The wallet builds the order itself. Only the call is taken from the caller.
        let order = Order {
            domain: Order::DOMAIN,
            chain_id: env::chain_id(),
            wallet: env::self_address(),
            nonce,
            action,
        };
        self.check(&crypto::sha256(&to_vec(&order)), &assertion)?;
        // Before the call, which might come back. A call that fails reverts it: then the order can
        // be sent again.
        self.nonce.set(&(nonce + 1));
        let Action {
            target,
            method,
            input,
            value,
        } = order.action;
        match call::raw(target, &method, &input.0, value) {
            Ok(output) => {
                let output = Bytes(output);
                self.emit(Executed {
                    nonce,
                    output: output.clone(),
                });
                Ok(output)
            }
            Err(failure) => failure.revert(),
        }
    }

    /// The nonce of the next order.
    pub fn nonce(&self) -> u64 {
        self.nonce.get_or_default()
    }

    /// Checks that the owner signed the challenge, as WebAuthn says (section 7.2).
    fn check(&self, challenge: &[u8; 32], assertion: &Assertion) -> Result<(), Error> {
        let data = &assertion.authenticator_data.0;
        let relying_party = self.relying_party.get_or_default();
        let is_present = data.get(32).is_some_and(|flags| flags & 1 == 1);
        if !data.starts_with(&relying_party) || !is_present {
            return Err(Error::WrongAuthenticatorData);
        }
        // Browsers write exactly this beginning (section 5.8.1.1), so JSON need not be read.
        let mut expected = br#"{"type":"webauthn.get","challenge":""#.to_vec();
        expected.extend(base64url(challenge));
        expected.push(b'"');
        if !assertion.client_data.0.starts_with(&expected) {
            return Err(Error::WrongChallenge);
        }
        let mut signed = data.clone();
        signed.extend(crypto::sha256(&assertion.client_data.0));
        let digest = crypto::sha256(&signed);
        let is_valid = self
            .owner
            .get()
            .is_some_and(|owner| crypto::secp256r1_verify(&owner, &assertion.signature, &digest));
        match is_valid {
            true => Ok(()),
            false => Err(Error::WrongSignature),
        }
    }
}

/// A digest in base64url without padding, as challenges are written.
fn base64url(digest: &[u8; 32]) -> impl Iterator<Item = u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    digest.chunks(3).flat_map(|chunk| {
        let bits = (0..3).fold(0, |bits: u32, index| {
            bits << 8 | u32::from(chunk.get(index).copied().unwrap_or(0))
        });
        let digit = move |index: usize| {
            let [.., position] = (bits >> (18 - 6 * index) & 63).to_be_bytes();
            DIGITS.get(usize::from(position)).copied()
        };
        (0..=chunk.len()).filter_map(digit)
    })
}

//! Signed transactions: a body with the authorizations that it needs.

use fusee_contract::Address;

use crate::{
    Authorization, Field, Invalid, LedgerRules, PublicKey, Role, TransactionBody, TransactionId,
    body, encoding::Reader,
};

/// A transaction with its signatures, whose shape is the one that the rules admit. Whether the
/// signatures are valid is for [`verify`](crate::verify).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTransaction {
    body: TransactionBody,
    sender: Authorization,
    fee_payer: Option<Authorization>,
    id: TransactionId,
    bytes: usize,
}

impl SignedTransaction {
    /// Joins a body with its signatures.
    ///
    /// # Errors
    ///
    /// [`Invalid`] if [`decode`](Self::decode) would refuse the encoding.
    pub fn new(
        body: TransactionBody,
        sender: Authorization,
        fee_payer: Option<Authorization>,
        rules: &LedgerRules,
    ) -> Result<Self, Invalid> {
        let encoded = body.encode();
        let mut transaction = Self {
            id: body::id_of(&encoded),
            bytes: 0,
            body,
            sender,
            fee_payer,
        };
        transaction.bytes = transaction.encode().len();
        check_size(transaction.bytes, rules)?;
        transaction.body.check_shape(rules)?;
        transaction.check_authorizations(rules)?;
        Ok(transaction)
    }

    /// Reads a transaction.
    ///
    /// # Errors
    ///
    /// [`Invalid`] if the bytes are not the one encoding of a transaction that the rules admit.
    pub fn decode(bytes: &[u8], rules: &LedgerRules) -> Result<Self, Invalid> {
        check_size(bytes.len(), rules)?;
        let mut reader = Reader::new(bytes);
        let body = TransactionBody::read(&mut reader, rules)?;
        let signed = bytes.get(..reader.position()).unwrap_or_default();
        let sender = reader.read(Field::SenderAuthorization)?;
        let fee_payer = match body.fee_payer {
            Some(_) => Some(reader.read(Field::FeePayerAuthorization)?),
            None => None,
        };
        reader.finish()?;
        let transaction = Self {
            id: body::id_of(signed),
            bytes: bytes.len(),
            body,
            sender,
            fee_payer,
        };
        transaction.check_authorizations(rules)?;
        Ok(transaction)
    }

    /// The canonical encoding: the body, the sender's authorization, and that of the fee payer if
    /// the body names one.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = self.body.encode();
        self.write_authorizations(&mut bytes);
        bytes
    }

    /// Appends the encodings of the authorizations.
    pub(crate) fn write_authorizations(&self, bytes: &mut Vec<u8>) {
        for (_, _, authorization) in self.authorizations() {
            borsh::to_writer(&mut *bytes, authorization)
                .expect("a vector takes any bytes, and no length here exceeds a u32");
        }
    }

    /// What is signed.
    #[must_use]
    pub const fn body(&self) -> &TransactionBody {
        &self.body
    }

    /// The id.
    #[must_use]
    pub const fn id(&self) -> TransactionId {
        self.id
    }

    /// The size of the encoding in bytes.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.bytes
    }

    /// The authorizations with their accounts: of the sender, then of the fee payer.
    pub fn authorizations(&self) -> impl Iterator<Item = (Role, Address, &Authorization)> {
        let sender = (Role::Sender, self.body.sender, &self.sender);
        let fee_payer = self.body.fee_payer.zip(self.fee_payer.as_ref());
        let fee_payer =
            fee_payer.map(|(address, authorization)| (Role::FeePayer, address, authorization));
        std::iter::once(sender).chain(fee_payer)
    }

    /// The account that pays for the gas: the fee payer, or the sender if none is named.
    #[must_use]
    pub fn gas_payer(&self) -> (Role, Address) {
        match self.body.fee_payer {
            Some(payer) => (Role::FeePayer, payer),
            None => (Role::Sender, self.body.sender),
        }
    }

    fn check_authorizations(&self, rules: &LedgerRules) -> Result<(), Invalid> {
        if self.body.fee_payer.is_some() != self.fee_payer.is_some() {
            return Err(Invalid::FeePayerSignature);
        }
        self.authorizations()
            .try_for_each(|(role, _, authorization)| check(role, authorization, rules))
    }
}

/// Checks what the rules say of an authorization, whether its signature is valid or not.
fn check(role: Role, authorization: &Authorization, rules: &LedgerRules) -> Result<(), Invalid> {
    let scheme = authorization.scheme();
    if rules.signature_price(scheme).is_none() {
        return Err(Invalid::SchemeNotAdmitted { role, scheme });
    }
    let limits = &rules.limits;
    let parts: &[(usize, u32)] = match authorization {
        Authorization::Development { name, .. } => &[(name.len(), limits.name_bytes)],
        Authorization::WebAuthn {
            authenticator_data,
            client_data,
            ..
        } => &[
            (authenticator_data.len(), limits.authenticator_data_bytes),
            (client_data.len(), limits.client_data_bytes),
        ],
        Authorization::Ed25519 { .. } | Authorization::Secp256k1 { .. } => &[],
    };
    let exceeds = |bytes: usize, limit: u32| u32::try_from(bytes).map_or(true, |it| it > limit);
    match parts.iter().find(|(bytes, limit)| exceeds(*bytes, *limit)) {
        Some(&(bytes, limit)) => Err(Invalid::AuthorizationTooLarge { role, bytes, limit }),
        None => Ok(()),
    }
}

fn check_size(bytes: usize, rules: &LedgerRules) -> Result<(), Invalid> {
    let limit = rules.limits.transaction_bytes;
    match u32::try_from(bytes) {
        Ok(size) if size <= limit => Ok(()),
        _ => Err(Invalid::TooLarge { bytes, limit }),
    }
}

/// Checks that a key is the one of an account, and may be.
pub(crate) fn check_key(role: Role, account: Address, key: &PublicKey) -> Result<(), Invalid> {
    let found = key.address();
    if found != account {
        return Err(Invalid::OtherAccount {
            role,
            expected: account,
            found,
        });
    }
    key.check()
        .map_err(|source| Invalid::WeakKey { role, source })
}

//! WebAuthn assertions: what an authenticator signs, parsed strictly.
//!
//! The client data is JSON whose first members the specification puts in a fixed order and form, so
//! that a verifier can compare bytes instead of parsing JSON (its "limited verification
//! algorithm"). No two parsers can then disagree, as on a member that occurs twice. What follows
//! the challenge, such as the origin, is signed, and is the wallet's affair.

use data_encoding::BASE64URL_NOPAD;
use fusee_crypto::{DIGEST_BYTES, sha256};

use crate::{TransactionId, WebAuthnFault};

/// Bytes of authenticator data without extensions: digest of the relying party's id, flags,
/// counter.
const AUTHENTICATOR_BYTES: usize = 37;
/// Where the flags are.
const FLAGS_AT: usize = 32;

const USER_PRESENT: u8 = 1 << 0;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const HAS_EXTENSIONS: u8 = 1 << 7;
/// Bits 1 and 5 are reserved or new to a reader; bit 2 says that the user was verified.
const RESERVED: u8 = 1 << 1 | 1 << 5;
/// A key that was made, which no assertion has.
const HAS_CREDENTIAL: u8 = 1 << 6;

/// The digest that the authenticator has signed, if both parts are those of an assertion for this
/// transaction.
pub(crate) fn signed_digest(
    authenticator_data: &[u8],
    client_data: &[u8],
    id: &TransactionId,
) -> Result<[u8; DIGEST_BYTES], WebAuthnFault> {
    check_authenticator_data(authenticator_data)?;
    check_client_data(client_data, id)?;
    let client_digest = sha256(client_data);
    Ok(sha256(&[authenticator_data, &client_digest].concat()))
}

fn check_authenticator_data(data: &[u8]) -> Result<(), WebAuthnFault> {
    let has_extensions = match (data.len(), data.get(FLAGS_AT)) {
        (AUTHENTICATOR_BYTES.., Some(flags)) => {
            let backed_up_only = flags & (BACKUP_ELIGIBLE | BACKED_UP) == BACKED_UP;
            if flags & USER_PRESENT == 0 {
                return Err(WebAuthnFault::UserNotPresent);
            }
            if flags & (RESERVED | HAS_CREDENTIAL) != 0 || backed_up_only {
                return Err(WebAuthnFault::Flags { flags: *flags });
            }
            flags & HAS_EXTENSIONS != 0
        }
        _ => return Err(WebAuthnFault::AuthenticatorDataSize { bytes: data.len() }),
    };
    match (data.len() > AUTHENTICATOR_BYTES) == has_extensions {
        true => Ok(()),
        false => Err(WebAuthnFault::AuthenticatorDataSize { bytes: data.len() }),
    }
}

fn check_client_data(data: &[u8], id: &TransactionId) -> Result<(), WebAuthnFault> {
    let rest = data
        .strip_prefix(br#"{"type":"webauthn.get","challenge":""#)
        .ok_or(WebAuthnFault::Type)?;
    let challenge = BASE64URL_NOPAD.encode(id.as_bytes());
    let rest = rest
        .strip_prefix(challenge.as_bytes())
        .and_then(|rest| rest.strip_prefix(br#"","origin":""#))
        .ok_or(WebAuthnFault::Challenge)?;
    let is_text = std::str::from_utf8(rest).is_ok();
    match is_text && rest.ends_with(b"}") {
        true => Ok(()),
        false => Err(WebAuthnFault::ClientData),
    }
}

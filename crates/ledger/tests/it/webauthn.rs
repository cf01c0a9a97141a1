//! Passkeys: what an assertion has to say.

use fusee_ledger::{Invalid, Role, Scheme, SignedTransaction, WebAuthnFault, verify};

use crate::samples::Passkey;

fn verdict(change: impl FnOnce(&mut Passkey)) -> Result<(), Invalid> {
    let mut passkey = Passkey::new();
    change(&mut passkey);
    verify(&passkey.transfer())
}

fn fault(change: impl FnOnce(&mut Passkey)) -> WebAuthnFault {
    match verdict(change) {
        Err(Invalid::WebAuthn { fault, .. }) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_authenticators_and_browsers_write_is_valid() {
    assert_eq!(verdict(|_| ()), Ok(()));
    // A synchronized passkey, a user who is present only, and an extension.
    for flags in [0x01, 0x09, 0x19, 0x1d] {
        assert_eq!(verdict(|key| key.authenticator_data[32] = flags), Ok(()));
    }
    let extended = verdict(|key| {
        key.authenticator_data[32] = 0x81;
        key.authenticator_data.extend([0xa1, 0x61, 0x61, 0xf5]);
    });
    assert_eq!(extended, Ok(()));
    // Members that newer browsers add.
    let more = r#"","origin":"https://a.example","crossOrigin":false,"other":"x"}"#;
    assert_eq!(verdict(|key| key.client_data[1] = more.to_owned()), Ok(()));
}

#[test]
fn flags_have_to_be_those_of_an_assertion() {
    let absent = fault(|key| key.authenticator_data[32] = 0x04);
    assert_eq!(absent, WebAuthnFault::UserNotPresent);
    // Reserved, a credential, backed up without being eligible.
    for flags in [0x03, 0x21, 0x41, 0x11] {
        let refused = fault(|key| key.authenticator_data[32] = flags);
        assert_eq!(refused, WebAuthnFault::Flags { flags });
    }
}

#[test]
fn sizes_have_to_be_those_that_the_flags_say() {
    for bytes in [0, 32, 36, 38] {
        let refused = fault(|key| key.authenticator_data.resize(bytes, 0));
        assert_eq!(refused, WebAuthnFault::AuthenticatorDataSize { bytes });
    }
    let without = fault(|key| key.authenticator_data[32] = 0x81);
    let expected = WebAuthnFault::AuthenticatorDataSize { bytes: 37 };
    assert_eq!(without, expected);
}

#[test]
fn the_type_is_an_assertion() {
    for start in [
        r#"{"type":"webauthn.create","challenge":""#,
        r#"{"challenge":""#,
        r#"{"type": "webauthn.get","challenge":""#,
        r#" {"type":"webauthn.get","challenge":""#,
        "",
    ] {
        let refused = fault(|key| key.client_data[0] = start.to_owned());
        assert_eq!(refused, WebAuthnFault::Type, "{start}");
    }
}

#[test]
fn the_challenge_is_the_id() {
    for start in ["x", "\",\"challenge\":\""] {
        let refused = fault(|key| key.client_data[0].push_str(start));
        assert_eq!(refused, WebAuthnFault::Challenge);
    }
    for end in ["=", r#"","topOrigin":"x"}"#] {
        let refused = fault(|key| key.client_data[1].insert_str(0, end));
        assert_eq!(refused, WebAuthnFault::Challenge);
    }
}

/// An assertion that is valid, of another transaction.
#[test]
fn the_challenge_is_not_another_id() {
    let passkey = Passkey::new();
    let mut body = crate::samples::body(passkey.address());
    let authorization = passkey.sign(&body.id());
    body.nonce += 1;
    let rules = crate::samples::rules();
    let other = SignedTransaction::new(body, authorization, None, &rules).unwrap();
    let expected = Invalid::WebAuthn {
        role: Role::Sender,
        fault: WebAuthnFault::Challenge,
    };
    assert_eq!(verify(&other), Err(expected));
}

#[test]
fn the_client_data_is_an_object() {
    let refused = fault(|key| key.client_data[1].push(' '));
    assert_eq!(refused, WebAuthnFault::ClientData);
}

#[test]
fn only_the_lower_s_is_valid() {
    let expected = Invalid::WrongSignature {
        role: Role::Sender,
        scheme: Scheme::WebAuthn,
    };
    assert_eq!(verdict(|key| key.has_high_s = true), Err(expected));
}

#[test]
fn parts_have_limits() {
    let passkey = |client: usize, authenticator: usize| {
        let mut passkey = Passkey::new();
        passkey.authenticator_data.resize(authenticator, 0);
        let origin = "x".repeat(client);
        passkey.client_data[1] = format!(r#"","origin":"{origin}"}}"#);
        let body = crate::samples::body(passkey.address());
        let authorization = passkey.sign(&body.id());
        let rules = crate::samples::rules();
        fusee_ledger::SignedTransaction::new(body, authorization, None, &rules)
            .map_err(|invalid| invalid.name())
            .map(|_| ())
    };
    assert_eq!(passkey(900, 256), Ok(()));
    assert_eq!(passkey(900, 257), Err("authorization_too_large"));
    assert_eq!(passkey(1_000, 37), Err("authorization_too_large"));
}

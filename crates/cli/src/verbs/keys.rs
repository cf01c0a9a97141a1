//! `keys`: makes, lists and shows keys, and signs by them.

use fusee::{
    keystore::{KeyInfo, Keystore, KeystoreError},
    ledger::{PublicKey, Scheme, SecretKey},
};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::{
    args::{KeyNameArgs, KeyScheme, KeysArgs, KeysVerb, NewKeyArgs, PasswordArgs, SignArgs},
    failure::{Exit, Failure},
    names::ACCOUNTS,
    output::Output,
    password,
    receipt::line,
    table::table,
};

#[derive(Serialize)]
struct KeyJson {
    name: String,
    scheme: &'static str,
    public_key: Option<String>,
    address: String,
    /// Whether everybody has the secret, which follows from the name.
    development: bool,
    file: Option<String>,
}

#[derive(Serialize)]
struct KeysJson {
    keys: Vec<KeyJson>,
    damaged: Vec<String>,
}

#[derive(Serialize)]
struct SignedJson {
    id: String,
    address: String,
    authorization: String,
}

pub(crate) fn run(args: &KeysArgs, output: &mut Output) -> Result<Exit, Failure> {
    let keystore = Keystore::new(args.folder.keys.clone());
    match &args.verb {
        KeysVerb::New(args) => make(&keystore, args, output),
        KeysVerb::List => list(&keystore, output),
        KeysVerb::Show(args) => show(&keystore, args, output),
        KeysVerb::Sign(args) => sign(&keystore, args, output),
    }
}

fn make(keystore: &Keystore, args: &NewKeyArgs, output: &mut Output) -> Result<Exit, Failure> {
    if ACCOUNTS.contains(&args.name.as_str()) {
        let taken = format!("`{}` is the name of a development account", args.name);
        return Err(Failure::usage(taken).next("choose another name"));
    }
    // Nobody should type a password for a key that cannot be made.
    let path = keystore.path(&args.name)?;
    if path.exists() {
        return Err(KeystoreError::Exists { path }.into());
    }
    let scheme = match args.scheme {
        KeyScheme::Ed25519 => Scheme::Ed25519,
        KeyScheme::Secp256k1 => Scheme::Secp256k1,
    };
    let password = new_password(&args.password)?;
    let info = keystore.generate(&args.name, scheme, &password)?;
    let key = KeyJson::of(keystore, info)?;
    output.answer(&key, || key.text())?;
    Ok(Exit::Success)
}

fn list(keystore: &Keystore, output: &mut Output) -> Result<Exit, Failure> {
    let (mut keys, mut damaged) = (Vec::new(), Vec::new());
    for found in keystore.list()? {
        match found {
            Ok(info) => keys.push(KeyJson::of(keystore, info)?),
            Err(error) => damaged.push(error.to_string()),
        }
    }
    keys.extend(ACCOUNTS.map(KeyJson::of_development));
    let exit = match damaged.is_empty() {
        true => Exit::Success,
        false => Exit::Host,
    };
    let answer = KeysJson { keys, damaged };
    output.answer(&answer, || answer.text())?;
    Ok(exit)
}

fn show(keystore: &Keystore, args: &KeyNameArgs, output: &mut Output) -> Result<Exit, Failure> {
    let key = match ACCOUNTS.contains(&args.name.as_str()) {
        true => KeyJson::of_development(&args.name),
        false => KeyJson::of(keystore, keystore.info(&args.name)?)?,
    };
    output.answer(&key, || key.text())?;
    Ok(Exit::Success)
}

fn sign(keystore: &Keystore, args: &SignArgs, output: &mut Output) -> Result<Exit, Failure> {
    let key = match ACCOUNTS.contains(&args.name.as_str()) {
        true => SecretKey::development(&args.name),
        false => {
            // A key that does not exist is told before its password is asked for.
            keystore.info(&args.name)?;
            let file = args.password.password_file.as_deref();
            let password = password::read(file, "Password: ")?;
            keystore.unlock(&args.name, &password)?
        }
    };
    let authorization =
        borsh::to_vec(&key.sign(&args.id)).map_err(|error| Failure::new(Exit::Host, error))?;
    let answer = SignedJson {
        id: args.id.to_string(),
        address: key.public_key().address().to_string(),
        authorization: hex::encode(authorization),
    };
    output.answer(&answer, || format!("{}\n", answer.authorization))?;
    Ok(Exit::Success)
}

fn new_password(args: &PasswordArgs) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let file = args.password_file.as_deref();
    let first = password::read(file, "New password: ")?;
    if first.is_empty() {
        return Err(Failure::usage("the password is empty").next("choose a longer one"));
    }
    if file.is_none() && *password::read(file, "The same again: ")? != *first {
        return Err(Failure::usage("the passwords differ").next("run the command again"));
    }
    Ok(first)
}

impl KeyJson {
    fn of(keystore: &Keystore, info: KeyInfo) -> Result<Self, Failure> {
        Ok(Self {
            file: Some(keystore.path(&info.name)?.display().to_string()),
            scheme: info.public_key.scheme().name(),
            public_key: Some(hex::encode(info.public_key.as_bytes())),
            address: info.address.to_string(),
            development: false,
            name: info.name,
        })
    }

    fn of_development(name: &str) -> Self {
        let key = PublicKey::Development(name.to_owned());
        Self {
            name: name.to_owned(),
            scheme: key.scheme().name(),
            public_key: None,
            address: key.address().to_string(),
            development: true,
            file: None,
        }
    }

    fn text(&self) -> String {
        let mut lines = vec![line("name", &self.name), line("scheme", self.scheme)];
        lines.extend(self.public_key.as_ref().map(|key| line("public key", key)));
        lines.push(line("address", &self.address));
        lines.push(match &self.file {
            Some(file) => line("file", file),
            None => line("secret", "follows from the name: everybody has it"),
        });
        table(0, &lines)
    }
}

impl KeysJson {
    fn text(&self) -> String {
        let mut rows = vec![["key", "scheme", "address"].map(str::to_owned)];
        rows.extend(
            self.keys
                .iter()
                .map(|key| [key.name.clone(), key.scheme.to_owned(), key.address.clone()]),
        );
        let mut text = table(0, &rows);
        text.push_str("\neverybody has the secrets of development keys\n");
        for damaged in &self.damaged {
            text.push_str(&format!("error: {damaged}\n"));
        }
        text
    }
}

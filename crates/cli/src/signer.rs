//! Who signs a transaction: a development account, or a key of the keystore.

use std::path::PathBuf;

use fusee::{
    chain::{Address, StateReader},
    keystore::{KeyInfo, Keystore},
    ledger::{PublicKey, SecretKey},
};

use crate::{
    addresses,
    args::{KeyFolderArgs, PasswordArgs},
    chain::is_development,
    failure::{Exit, Failure},
    names::{self, ACCOUNTS},
    password,
};

/// Who signs a transaction. Its key is unlocked when it signs.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    address: Address,
    key: Key,
}

#[derive(Clone, Debug)]
enum Key {
    Development(&'static str),
    Kept {
        keystore: Keystore,
        info: KeyInfo,
        password_file: Option<PathBuf>,
    },
    /// There is none here.
    Missing,
}

impl Signer {
    /// A development account.
    pub(crate) fn development(name: &'static str) -> Self {
        Self {
            address: names::account(name),
            key: Key::Development(name),
        }
    }

    /// Finds a signer: a development account, the name of a key, or an address.
    pub(crate) fn find(
        text: &str,
        keys: &KeyFolderArgs,
        password: &PasswordArgs,
        state: &dyn StateReader,
    ) -> Result<Self, Failure> {
        let name = text.strip_prefix('@').unwrap_or(text);
        let named = ACCOUNTS.into_iter().find(|known| *known == name);
        if let Some(name) = named.filter(|_| is_development(state)) {
            return Ok(Self::development(name));
        }
        let keystore = Keystore::new(keys.keys.clone());
        let kept = |info: KeyInfo| Self {
            address: info.address,
            key: Key::Kept {
                keystore: keystore.clone(),
                info,
                password_file: password.password_file.clone(),
            },
        };
        let is_kept = keystore.path(name).is_ok_and(|path| path.exists());
        if is_kept {
            return Ok(kept(keystore.info(name)?));
        }
        let address = addresses::resolve(text, state, Some(&keystore))?;
        if let Some(name) = names::name_of(address).filter(|_| is_development(state)) {
            return Ok(Self::development(name));
        }
        let mut keys = keystore.list()?.into_iter().flatten();
        Ok(match keys.find(|info| info.address == address) {
            Some(info) => kept(info),
            None => Self {
                address,
                key: Key::Missing,
            },
        })
    }

    pub(crate) const fn address(&self) -> Address {
        self.address
    }

    /// The key by which it signs. Without one, any: what the signature of an account costs then is
    /// a guess.
    pub(crate) fn public_key(&self) -> PublicKey {
        match &self.key {
            Key::Development(name) => PublicKey::Development((*name).to_owned()),
            Key::Kept { info, .. } => info.public_key.clone(),
            Key::Missing => PublicKey::Ed25519([0; 32]),
        }
    }

    /// Unlocks the key. Asks for its password, if need be.
    pub(crate) fn unlock(&self) -> Result<SecretKey, Failure> {
        match &self.key {
            Key::Development(name) => Ok(SecretKey::development(name)),
            Key::Kept {
                keystore,
                info,
                password_file,
            } => {
                let prompt = format!("Password of `{}`: ", info.name);
                let password = password::read(password_file.as_deref(), &prompt)?;
                Ok(keystore.unlock(&info.name, &password)?)
            }
            Key::Missing => {
                let error = anyhow::anyhow!("there is no key of {} here", self.address);
                Err(Failure::new(Exit::Usage, error).next(
                    "name a key with --from, see `fusee keys list`; only a dry run needs none",
                ))
            }
        }
    }
}

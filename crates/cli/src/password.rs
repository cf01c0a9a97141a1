//! Passwords of keys: from a file, or from the terminal without echo.

use std::{fs, io, path::Path};

use zeroize::Zeroizing;

use crate::failure::{Exit, Failure};

/// The password of a file without its last line break, or else of the terminal.
pub(crate) fn read(file: Option<&Path>, prompt: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    match file {
        Some(file) => read_file(file).map(Zeroizing::new),
        None => rpassword::prompt_password(prompt)
            .map(|password| Zeroizing::new(password.into_bytes()))
            .map_err(|error| {
                let error = anyhow::Error::new(error).context("cannot ask for the password");
                Failure::new(Exit::Usage, error)
                    .next("run the command in a terminal, or pass --password-file")
            }),
    }
}

fn read_file(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = fs::read(file).map_err(|error: io::Error| {
        let context = format!("cannot read the password file `{}`", file.display());
        Failure::new(Exit::Usage, anyhow::Error::new(error).context(context))
            .next("check --password-file")
    })?;
    if bytes.ends_with(b"\n") {
        bytes.pop();
    }
    if bytes.ends_with(b"\r") {
        bytes.pop();
    }
    Ok(bytes)
}

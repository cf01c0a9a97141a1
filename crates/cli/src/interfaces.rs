//! The interfaces of the code in a state, each read once.
//!
//! It is in the code, or in a file beside the program that was deployed from here: those are kept
//! in the data folder, outside of the state.
//!
//! A contract writes its interface itself. One that cannot be read is none, and nothing but
//! arguments and what is shown depends on one.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    rc::Rc,
};

use fusee::chain::{Account, Address, StateReader, keys};
use fusee::{
    interface::{self, Field, Interface, MAX_BYTES, Method},
    sandbox::CodeHash,
};

use crate::failure::{Exit, Failure};

/// The extension of an interface beside a program.
const EXTENSION: &str = "interface";

/// The most characters of a signature.
const MAX_SIGNATURE: usize = 512;

/// The interfaces that are known.
#[derive(Debug)]
pub(crate) struct Interfaces {
    reading: Reading,
    /// Where interfaces are kept that lay beside programs, each by the hash of the code. `None` for
    /// a chain behind a node.
    folder: Option<PathBuf>,
    known: RefCell<BTreeMap<CodeHash, Option<Rc<Interface>>>>,
}

/// Whether interfaces are read at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    On,
    Off,
}

impl Interfaces {
    pub(crate) fn new(reading: Reading, folder: Option<PathBuf>) -> Self {
        Self {
            reading,
            folder,
            known: RefCell::default(),
        }
    }

    /// The interface of the code that a contract has in a state.
    pub(crate) fn of_contract(
        &self,
        state: &dyn StateReader,
        contract: Address,
    ) -> Option<Rc<Interface>> {
        let code = Account::read(state, contract).ok()?.code?;
        self.of_code(state, code.hash)
    }

    /// The interface of code in a state.
    pub(crate) fn of_code(&self, state: &dyn StateReader, hash: CodeHash) -> Option<Rc<Interface>> {
        self.find(hash, || {
            let program = state.read(&keys::code(hash)).ok()??;
            extract(&program).or_else(|| read(&self.kept(hash)?))
        })
    }

    /// The interface of a program that may not be in the state yet, by its file.
    pub(crate) fn of_file(&self, file: &Path, program: &[u8]) -> Option<Rc<Interface>> {
        self.find(CodeHash::of(program), || {
            extract(program).or_else(|| read(&beside(file)))
        })
    }

    /// Keeps the interface beside the file of a program that is in the state now, so that later
    /// commands find it. One in the program comes first.
    pub(crate) fn keep(&self, file: &Path, hash: CodeHash) -> Result<(), Failure> {
        let Some((folder, kept)) = self.folder.as_ref().zip(self.kept(hash)) else {
            return Ok(());
        };
        let Some(interface) = read(&beside(file)).filter(|_| self.reading == Reading::On) else {
            return Ok(());
        };
        let written = fs::create_dir_all(folder).and_then(|()| {
            let bytes = interface.encode().map_err(std::io::Error::other)?;
            fs::write(&kept, bytes)
        });
        written.map_err(|error| {
            let message = format!("the interface cannot be kept in `{}`", kept.display());
            Failure::new(Exit::Host, anyhow::Error::new(error).context(message))
                .next("the transaction is committed; its contract has no interface here")
        })
    }

    fn kept(&self, hash: CodeHash) -> Option<PathBuf> {
        let name = format!("{hash}.{EXTENSION}");
        Some(self.folder.as_ref()?.join(name))
    }

    fn find(
        &self,
        hash: CodeHash,
        read: impl FnOnce() -> Option<Interface>,
    ) -> Option<Rc<Interface>> {
        if self.reading == Reading::Off {
            return None;
        }
        let mut known = self.known.borrow_mut();
        known
            .entry(hash)
            .or_insert_with(|| read().map(Rc::new))
            .clone()
    }
}

/// The interface in a program, if it has one that can be read.
pub(crate) fn extract(program: &[u8]) -> Option<Interface> {
    interface::extract(program).ok()?
}

/// The file of the interface beside a program.
pub(crate) fn beside(file: &Path) -> PathBuf {
    file.with_extension(EXTENSION)
}

/// The interface in a file, if there is one that can be read.
fn read(file: &Path) -> Option<Interface> {
    let mut bytes = Vec::new();
    let most = u64::try_from(MAX_BYTES).ok()?.checked_add(1)?;
    let file = File::open(file).ok()?;
    file.take(most).read_to_end(&mut bytes).ok()?;
    Interface::decode(&bytes).ok()
}

/// `transfer(to: address, amount: u64) -> bool, payable`.
pub(crate) fn signature(method: &Method) -> String {
    let returns = match method.returns.to_string() {
        unit if unit == "()" => String::new(),
        other => format!(" -> {other}"),
    };
    let mut text = format!("{}({}){returns}", method.name, fields(&method.args));
    if method.payable {
        text.push_str(", payable");
    }
    if method.read_only {
        text.push_str(", read-only");
    }
    shortened(text, MAX_SIGNATURE)
}

/// `to: address, amount: u64`.
pub(crate) fn fields(fields: &[Field]) -> String {
    let fields = fields.iter();
    let fields: Vec<String> = fields
        .map(|field| format!("{}: {}", field.name, field.value_type))
        .collect();
    fields.join(", ")
}

/// The text, or the beginning of it that has `most` characters.
pub(crate) fn shortened(mut text: String, most: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(most) {
        text.truncate(end);
        text.push_str("..");
    }
    text
}

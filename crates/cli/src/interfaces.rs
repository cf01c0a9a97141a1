//! The interfaces of the code in a state, each read once.
//!
//! It is in the code, or in a file beside the program that was deployed from here: those are kept
//! in the data folder, outside of the state.
//!
//! A contract writes its interface itself. One that cannot be read is none, and nothing but
//! arguments and what is shown depends on one. A command warns of one that cannot be read, and of
//! one that names methods which the code does not have.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt::{self, Display, Formatter},
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    rc::Rc,
};

use fusee::abi::{DEPLOY_METHOD, MIGRATE_METHOD};
use fusee::chain::{Account, Address, ContractRules, StateReader, keys};
use fusee::{
    interface::{self, Field, Interface, MAX_BYTES, Method},
    sandbox::{self, CodeHash, Format, Program},
};
use serde::Serialize;

use crate::{
    failure::{Exit, Failure},
    names, output,
};

/// The extension of an interface beside a program.
const EXTENSION: &str = "interface";

/// The most characters of a signature.
const MAX_SIGNATURE: usize = 512;

/// How many methods a warning names.
const NAMED: usize = 8;

/// The interfaces that are known.
#[derive(Debug)]
pub(crate) struct Interfaces {
    reading: Reading,
    /// Where interfaces are kept that lay beside programs, each by the hash of the code. `None` for
    /// a chain behind a node.
    folder: Option<PathBuf>,
    known: RefCell<BTreeMap<CodeHash, Found>>,
    warnings: RefCell<Vec<Warning>>,
}

/// The interface of code, or why it cannot be read.
type Found = Result<Option<Rc<Interface>>, Rc<str>>;

/// What is wrong with an interface, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Warning {
    message: String,
    next: String,
}

/// Whose interface it is.
#[derive(Clone, Copy, Debug)]
enum Owner<'a> {
    File(&'a Path),
    Contract(Address),
    Code(CodeHash),
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
            warnings: RefCell::default(),
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
        self.find_code(state, hash).ok()?
    }

    /// The interface of a program that may not be in the state yet, by its file.
    pub(crate) fn of_file(&self, file: &Path, program: &[u8]) -> Option<Rc<Interface>> {
        self.find_file(file, program).ok()?
    }

    /// Warns if the interface of a contract is wrong. `methods` are those that calls may enter, if
    /// they are known.
    pub(crate) fn check_contract(
        &self,
        state: &dyn StateReader,
        contract: Address,
        methods: Option<&[String]>,
    ) {
        let account = Account::read(state, contract).ok();
        let Some(code) = account.and_then(|account| account.code) else {
            return;
        };
        // Calls enter neither of these, so the methods do not tell of them.
        let known = [DEPLOY_METHOD, MIGRATE_METHOD].into_iter();
        let methods: Option<Vec<&str>> =
            methods.map(|methods| known.chain(methods.iter().map(String::as_str)).collect());
        let found = self.find_code(state, code.hash);
        self.check(&found, Owner::Contract(contract), methods.as_deref());
    }

    /// Warns if the interface of code in a state cannot be read.
    pub(crate) fn check_code(&self, state: &dyn StateReader, hash: CodeHash) {
        self.check(&self.find_code(state, hash), Owner::Code(hash), None);
    }

    /// Warns if the interface in a program, or beside its file, is wrong.
    pub(crate) fn check_file(&self, file: &Path, program: &[u8]) {
        self.check_program(&self.find_file(file, program), file, program);
    }

    /// Warns if an interface that is written into a program, or beside its file, is wrong.
    pub(crate) fn check_written(&self, file: &Path, program: &[u8], interface: &Interface) {
        let written = Ok(Some(Rc::new(interface.clone())));
        self.check_program(&written, file, program);
    }

    fn check_program(&self, found: &Found, file: &Path, program: &[u8]) {
        if matches!(found, Ok(None)) {
            return;
        }
        let inspected = sandbox::inspect(program, &ContractRules::latest().program).ok();
        let methods = inspected.as_ref().map(|it| methods(&it.program));
        self.check(found, Owner::File(file), methods.as_deref());
    }

    /// The warnings that were given.
    pub(crate) fn warnings(&self) -> Vec<Warning> {
        self.warnings.borrow().clone()
    }

    fn check(&self, found: &Found, owner: Owner<'_>, methods: Option<&[&str]>) {
        let warning = match (found, methods) {
            (Err(reason), _) => Warning::unreadable(owner, reason),
            (Ok(Some(interface)), Some(methods)) => {
                match Warning::missing(owner, interface, methods) {
                    Some(warning) => warning,
                    None => return,
                }
            }
            (Ok(_), _) => return,
        };
        let mut given = self.warnings.borrow_mut();
        if !given.contains(&warning) {
            output::complain(&warning.text());
            given.push(warning);
        }
    }

    fn find_code(&self, state: &dyn StateReader, hash: CodeHash) -> Found {
        self.find(hash, || match state.read(&keys::code(hash)) {
            Ok(Some(program)) => extract_or_read(&program, self.kept(hash).as_deref()),
            _ => Ok(None),
        })
    }

    fn find_file(&self, file: &Path, program: &[u8]) -> Found {
        self.find(CodeHash::of(program), || {
            extract_or_read(program, Some(&beside(file)))
        })
    }

    /// Keeps the interface beside the file of a program that is in the state now, so that later
    /// commands find it. One in the program comes first.
    pub(crate) fn keep(&self, file: &Path, hash: CodeHash) -> Result<(), Failure> {
        let Some((folder, kept)) = self.folder.as_ref().zip(self.kept(hash)) else {
            return Ok(());
        };
        let beside = read(&beside(file)).ok().flatten();
        let Some(interface) = beside.filter(|_| self.reading == Reading::On) else {
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
        read: impl FnOnce() -> Result<Option<Interface>, String>,
    ) -> Found {
        if self.reading == Reading::Off {
            return Ok(None);
        }
        let mut known = self.known.borrow_mut();
        let found = known.entry(hash).or_insert_with(|| match read() {
            Ok(interface) => Ok(interface.map(Rc::new)),
            Err(reason) => Err(reason.into()),
        });
        found.clone()
    }
}

impl Warning {
    fn unreadable(owner: Owner<'_>, reason: &str) -> Self {
        let next = match owner {
            Owner::File(_) => {
                "build the program again, or write an interface into it with `fusee interface FILE \
                 --embed JSON`; without one, tools know no types of its arguments and results"
            }
            Owner::Contract(_) | Owner::Code(_) => {
                "arguments are read and results are shown as if it had none: see `fusee call \
                 --help`, or pass raw bytes with --input"
            }
        };
        Self {
            message: format!("the interface of {owner} cannot be read: {reason}"),
            next: next.to_owned(),
        }
    }

    /// If the interface names methods that are not there.
    fn missing(owner: Owner<'_>, interface: &Interface, methods: &[&str]) -> Option<Self> {
        let named = interface.methods.iter().map(|method| method.name.as_str());
        let missing: Vec<&str> = named.filter(|name| !methods.contains(name)).collect();
        if missing.is_empty() {
            return None;
        }
        let next = match owner {
            Owner::File(_) => {
                "correct the interface: `fusee check FILE` lists the exports, and `fusee interface \
                 FILE --embed JSON` writes another one"
            }
            Owner::Contract(_) | Owner::Code(_) => {
                "the rest of it may be wrong, too: ask the author of the contract; --no-interface \
                 ignores it"
            }
        };
        Some(Self {
            message: format!(
                "the interface of {owner} names methods that its code does not have: {}",
                first(&missing, NAMED)
            ),
            next: next.to_owned(),
        })
    }

    fn text(&self) -> String {
        format!("warning: {}\n  next: {}\n", self.message, self.next)
    }
}

impl Display for Owner<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(formatter, "`{}`", file.display()),
            Self::Contract(address) => {
                write!(formatter, "the contract {}", names::short(*address))
            }
            Self::Code(hash) => write!(formatter, "the code {hash}"),
        }
    }
}

/// The names, or the first of them and how many more there are.
fn first(names: &[&str], most: usize) -> String {
    let listed = names::list(names.iter().take(most).copied());
    match names.len().checked_sub(most) {
        None | Some(0) => listed,
        Some(more) => format!("{listed} and {more} more"),
    }
}

/// The exports of a program that can be methods, `deploy` and `migrate` included.
fn methods(program: &Program) -> Vec<&str> {
    let exports = program.exports.iter();
    let methods = exports.filter(|export| {
        export.params.is_empty() && export.results.is_empty() && !export.name.starts_with('_')
    });
    methods.map(|export| export.name.as_str()).collect()
}

/// The interface in a program, or else in a file.
fn extract_or_read(program: &[u8], file: Option<&Path>) -> Result<Option<Interface>, String> {
    let extracted = extract(program);
    match (extracted, file) {
        (Ok(None), Some(file)) => read(file),
        (Err(reason), Some(file)) => match read(file) {
            Ok(Some(interface)) => Ok(Some(interface)),
            _ => Err(reason),
        },
        (extracted, _) => extracted,
    }
}

/// The interface in a program, if it has one. Only wasm modules have.
fn extract(program: &[u8]) -> Result<Option<Interface>, String> {
    match Format::of(program) {
        Format::Wasm => interface::extract(program).map_err(|error| error.to_string()),
        Format::PolkaVm => Ok(None),
    }
}

/// The file of the interface beside a program.
pub(crate) fn beside(file: &Path) -> PathBuf {
    file.with_extension(EXTENSION)
}

/// The interface in a file, if there is one.
fn read(path: &Path) -> Result<Option<Interface>, String> {
    let within = |reason: &dyn Display| format!("`{}`: {reason}", path.display());
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(within(&error)),
    };
    let mut bytes = Vec::new();
    let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
    file.take(most.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| within(&error))?;
    let interface = Interface::decode(&bytes).map_err(|error| within(&error))?;
    Ok(Some(interface))
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

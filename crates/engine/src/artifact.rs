//! Artifacts: files of compiled programs.
//!
//! An artifact consists of the compiled code, the program, and a footer with the artifact's key and
//! a checksum. Engines map the code from the beginning of the file, so there is no header. Opening
//! an artifact compares the key and verifies the checksum of all bytes: truncated or corrupted
//! files and files of another build are rejected. The checksum does not protect against forgery:
//! write access to artifacts permits the execution of native code.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    sync::Arc,
};

use borsh::{BorshDeserialize, BorshSerialize};
use thiserror::Error;
use twox_hash::XxHash3_128;

use crate::{CodeHash, Fingerprint, Program, RulesId};

const MAGIC: [u8; 8] = *b"fusee\0\xf0\xff";

/// The version of this layout and of the interface between metered code and host. A test compares
/// metered code with a golden digest, and asks for a new version if it changes.
const FORMAT: u32 = 9;

/// Magic, format, two lengths, key and checksum.
const FOOTER_BYTES: usize = 8 + 4 + 8 + 8 + 3 * 32 + CHECKSUM_BYTES;
const CHECKSUM_BYTES: usize = 16;

/// The size of the read buffer.
const CHUNK_BYTES: usize = 64 << 10;

/// Everything that compiled code depends on.
///
/// The fingerprint covers the engine's build, its configuration and the features of the processor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArtifactKey {
    /// The hash of the original program.
    pub code: CodeHash,
    /// The rules that metered it.
    pub rules: RulesId,
    /// The engine that compiled it.
    pub engine: Fingerprint,
}

/// Compiled code that may be run.
///
/// An engine executes it without verification. Constructing a value asserts that the code is what
/// the variant documents.
#[derive(Debug)]
pub enum Code {
    /// The output of [`Compiler::precompile`](crate::Compiler::precompile), from this process or a
    /// trusted one.
    Bytes(Vec<u8>),
    /// An open file that begins with such output. The file was verified and is not modified.
    File(File),
}

/// A compiled program from a file.
#[derive(Debug)]
pub struct Artifact {
    /// The program.
    pub program: Arc<Program>,
    /// The compiled code.
    pub code: Code,
}

/// Why a file is not the requested artifact.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// Reading the file failed.
    #[error("failed to read the file")]
    Io(#[from] io::Error),
    /// The file is truncated, or is not an artifact.
    #[error("the file is truncated or not an artifact")]
    Cut,
    /// The artifact has another key: its format, engine, program or set of rules differs.
    #[error("the artifact is of another {0}")]
    Other(&'static str),
    /// The file is corrupted.
    #[error("the checksum does not match")]
    Checksum,
}

impl Artifact {
    /// Writes an artifact.
    ///
    /// # Errors
    ///
    /// The error of the writer.
    pub fn write(
        file: &mut impl Write,
        program: &Program,
        engine: &Fingerprint,
        code: &[u8],
    ) -> io::Result<()> {
        let description = program.description();
        let described_bytes = program.code.len().saturating_add(description.len());
        let mut footer = Vec::with_capacity(FOOTER_BYTES);
        footer.extend(MAGIC);
        (FORMAT, length(code), offset(described_bytes)).serialize(&mut footer)?;
        footer.extend(engine.as_bytes());
        footer.extend(program.rules.as_bytes());
        footer.extend(program.code_hash.as_bytes());
        let mut hasher = XxHash3_128::new();
        for part in [code, &program.code, &description, &footer] {
            hasher.write(part);
            file.write_all(part)?;
        }
        file.write_all(&hasher.finish_128().to_le_bytes())
    }

    /// Opens and verifies the artifact with this key.
    ///
    /// # Errors
    ///
    /// [`Mismatch`] if the file is not that artifact. The caller compiles the program again.
    pub fn open(mut file: File, key: &ArtifactKey) -> Result<Self, Mismatch> {
        let described = verify(&mut file, key)?;
        let program = Program::decode(described).map_err(|_| Mismatch::Cut)?;
        if program.code_hash != key.code || program.rules != key.rules {
            return Err(Mismatch::Other("program"));
        }
        Ok(Self {
            program: Arc::new(program),
            code: Code::File(file),
        })
    }
}

/// Verifies the file in one pass. Returns the encoded program.
fn verify(file: &mut File, key: &ArtifactKey) -> Result<Vec<u8>, Mismatch> {
    let length = usize::try_from(file.seek(SeekFrom::End(0))?).map_err(|_| Mismatch::Cut)?;
    let footer_at = length.checked_sub(FOOTER_BYTES).ok_or(Mismatch::Cut)?;
    file.seek(SeekFrom::Start(offset(footer_at)))?;
    let mut footer = [0; FOOTER_BYTES];
    file.read_exact(&mut footer)?;
    let described_bytes = read_footer(&footer, key, footer_at)?;

    file.rewind()?;
    let mut hasher = XxHash3_128::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut left = footer_at
        .checked_sub(described_bytes)
        .ok_or(Mismatch::Cut)?;
    while left > 0 {
        let next = chunk
            .get_mut(..left.min(CHUNK_BYTES))
            .ok_or(Mismatch::Cut)?;
        file.read_exact(next)?;
        hasher.write(next);
        left = left.saturating_sub(next.len());
    }
    let mut described = Vec::with_capacity(described_bytes);
    file.take(offset(described_bytes))
        .read_to_end(&mut described)?;
    hasher.write(&described);
    let (before, checksum) = footer
        .split_last_chunk::<CHECKSUM_BYTES>()
        .ok_or(Mismatch::Cut)?;
    hasher.write(before);
    if hasher.finish_128() != u128::from_le_bytes(*checksum) {
        return Err(Mismatch::Checksum);
    }
    Ok(described)
}

/// Compares the footer with the key. Returns the length of the encoded program.
fn read_footer(
    footer: &[u8; FOOTER_BYTES],
    key: &ArtifactKey,
    footer_at: usize,
) -> Result<usize, Mismatch> {
    let mut rest = footer.as_slice();
    expect(&mut rest, &MAGIC, Mismatch::Cut)?;
    expect(&mut rest, &FORMAT.to_le_bytes(), Mismatch::Other("format"))?;
    let (code_bytes, described_bytes) =
        <(u64, u64)>::deserialize(&mut rest).map_err(|_| Mismatch::Cut)?;
    let ArtifactKey {
        code,
        rules,
        engine,
    } = key;
    expect(&mut rest, engine.as_bytes(), Mismatch::Other("engine"))?;
    expect(&mut rest, rules.as_bytes(), Mismatch::Other("set of rules"))?;
    expect(&mut rest, code.as_bytes(), Mismatch::Other("program"))?;
    if code_bytes.checked_add(described_bytes) != Some(offset(footer_at)) {
        return Err(Mismatch::Cut);
    }
    usize::try_from(described_bytes).map_err(|_| Mismatch::Cut)
}

/// Consumes the expected bytes.
fn expect(rest: &mut &[u8], bytes: &[u8], otherwise: Mismatch) -> Result<(), Mismatch> {
    *rest = rest.strip_prefix(bytes).ok_or(otherwise)?;
    Ok(())
}

fn length(bytes: &[u8]) -> u64 {
    offset(bytes.len())
}

fn offset(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

//! Artifacts: compiled programs as files.
//!
//! An artifact is the compiled code, the program that it was compiled from, and a footer that says
//! what both are for. It is a footer and not a header because engines map a file from its beginning.
//! An artifact is opened only where all of the footer is what was asked for and the checksum
//! holds for every byte before it, so that what is torn, flipped or made by another build is
//! never run. The checksum finds accidents, not forgers: who may write an artifact may run code.

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

/// Of this layout, and of what metered code and its host expect of each other. A test holds the
/// metered code of a guest against a golden digest, and asks for a new number where it changes.
const FORMAT: u32 = 4;

/// The magic, the format, two lengths, the key, and the checksum.
const FOOTER_BYTES: usize = 8 + 4 + 8 + 8 + 3 * 32 + CHECKSUM_BYTES;
const CHECKSUM_BYTES: usize = 16;

/// What is read at a time.
const CHUNK_BYTES: usize = 64 << 10;

/// Everything that compiled code depends on.
///
/// The fingerprint covers the engine's build, its configuration and the features of the processor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArtifactKey {
    /// The program, as its author made it.
    pub code: CodeHash,
    /// The rules by which it was metered.
    pub rules: RulesId,
    /// The engine that compiled it.
    pub engine: Fingerprint,
}

/// Compiled code that may be run.
///
/// Making one is a promise, since an engine runs whatever it is: that the bytes are what these variants say.
#[derive(Debug)]
pub enum Code {
    /// What [`Compiler::precompile`](crate::Compiler::precompile) returned: in this process, or in one that it
    /// was given to.
    Bytes(Vec<u8>),
    /// An open file that begins with it, and that was verified; nobody writes into it.
    File(File),
}

/// A compiled program from a file.
#[derive(Debug)]
pub struct Artifact {
    /// The program.
    pub program: Arc<Program>,
    /// What it was compiled to.
    pub code: Code,
}

/// Why a file is not the artifact that was asked for.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// It cannot be read.
    #[error("it cannot be read")]
    Io(#[from] io::Error),
    /// It is no artifact, or has been cut.
    #[error("it is not a whole artifact")]
    Cut,
    /// It is one, of something else: another format, engine, processor, program or set of rules.
    #[error("it is an artifact of another {0}")]
    Other(&'static str),
    /// It is damaged.
    #[error("its checksum does not hold")]
    Checksum,
}

impl Artifact {
    /// Writes an artifact.
    ///
    /// # Errors
    ///
    /// What the writer fails with.
    pub fn write(
        file: &mut impl Write,
        program: &Program,
        engine: &Fingerprint,
        code: &[u8],
    ) -> io::Result<()> {
        let described = program.encode();
        let mut footer = Vec::with_capacity(FOOTER_BYTES);
        footer.extend(MAGIC);
        (FORMAT, length(code), length(&described)).serialize(&mut footer)?;
        footer.extend(engine.as_bytes());
        footer.extend(program.rules.as_bytes());
        footer.extend(program.code_hash.as_bytes());
        let mut hasher = XxHash3_128::new();
        for part in [code, &described, &footer] {
            hasher.write(part);
            file.write_all(part)?;
        }
        file.write_all(&hasher.finish_128().to_le_bytes())
    }

    /// Opens an artifact, if it is the one for this key and whole.
    ///
    /// # Errors
    ///
    /// [`Mismatch`] says what it is instead. Whoever asked compiles the program again.
    pub fn open(mut file: File, key: &ArtifactKey) -> Result<Self, Mismatch> {
        let described = verify(&mut file, key)?;
        let program = Program::decode(&described).map_err(|_| Mismatch::Cut)?;
        if program.code_hash != key.code || program.rules != key.rules {
            return Err(Mismatch::Other("program"));
        }
        Ok(Self {
            program: Arc::new(program),
            code: Code::File(file),
        })
    }
}

/// Reads the file once; the program in it.
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
    let mut described = vec![0; described_bytes];
    file.read_exact(&mut described)?;
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

/// How many bytes describe the program, if the footer is that of the key.
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

/// Reads what has to be there.
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

//! `snapshot`: the state at a height in chunks, to begin another node with.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
};

use fusee::chain::{
    DataFolder,
    store::{
        Head,
        snapshot::{Import, MANIFEST, Manifest, SnapshotError, chunk_name},
    },
};
use fusee::ledger::{Header, HeaderHash};
use serde::Serialize;

use super::folder::NewFolder;
use crate::{
    args::{ExportArgs, ImportArgs, SnapshotArgs, SnapshotVerb},
    chain::{FolderChain, development, options},
    failure::{Exit, Failure},
    numbers::grouped,
    output::Output,
    progress::Working,
    receipt::line,
    table::table,
};

/// The file of the header whose hash makes a snapshot trusted.
const HEADER: &str = "header";

/// The least size of chunks, in bytes: every chunk is a file.
const LEAST_CHUNK_BYTES: u64 = 500;

/// The greatest size of a chunk that is read, in bytes.
const CHUNK_BYTES: u64 = 1 << 30;

#[derive(Serialize)]
struct SnapshotJson {
    height: u64,
    header: String,
    state_root: String,
    chunks: u32,
}

pub(crate) fn run(args: &SnapshotArgs, output: &mut Output) -> Result<Exit, Failure> {
    match &args.verb {
        SnapshotVerb::Export(args) => export(args, output),
        SnapshotVerb::Import(args) => import(args, output),
    }
}

fn export(args: &ExportArgs, output: &mut Output) -> Result<Exit, Failure> {
    super::folder::existing(&args.folder)?;
    let chain = FolderChain::open(&args.folder.data)?;
    let height = args.height.unwrap_or(chain.state()?.height());
    let header = chain.chain().header(height)?;
    let made = NewFolder::beside(&args.target, &args.folder.data)?;
    let chunk_bytes = args.chunk_bytes.max(LEAST_CHUNK_BYTES);
    let store = chain.chain().store();
    let working = Working::begin("writing the snapshot", output.format());
    let manifest = store.export(Some(height), &made.path(), chunk_bytes)?;
    drop(working);
    let file = made.path().join(HEADER);
    let written = File::create(&file).and_then(|mut file| {
        file.write_all(&header.encode())?;
        file.sync_all()
    });
    written.map_err(|error| made.failed(error))?;
    made.finish()?;
    tell(&manifest, &header, output)
}

fn import(args: &ImportArgs, output: &mut Output) -> Result<Exit, Failure> {
    let read = |name: &str| {
        let file = args.source.join(name);
        let size = fs::metadata(&file).map_err(|error| unreadable(&file, error.into()))?;
        if size.len() > CHUNK_BYTES {
            return Err(unreadable(&file, anyhow::anyhow!("it has more than 1 GiB")));
        }
        fs::read(&file).map_err(|error| unreadable(&file, error.into()))
    };
    let manifest = Manifest::decode(&read(MANIFEST)?)?;
    let header = Header::decode(&read(HEADER)?);
    let header = header.map_err(|error| unreadable(&args.source.join(HEADER), error.into()))?;
    let found = header.hash();
    if found != HeaderHash::from_bytes(args.header) {
        let message = format!("the snapshot belongs to the block with the hash {found}");
        return Err(
            Failure::new(Exit::Unsuccessful, anyhow::anyhow!(message)).next(
                "get the snapshot of the block that you trust, or check --header: take it from a \
             source that you trust",
            ),
        );
    }
    let genesis = match &args.genesis {
        Some(file) => super::folder::genesis(file)?,
        None => development(),
    };
    if manifest.identity != genesis.identity() {
        let message = "the snapshot is of a chain with another genesis";
        return Err(Failure::usage(message).next("give the genesis file of the chain by --genesis"));
    }
    let folder = DataFolder::create(&args.folder.data, genesis)?;
    let trusted = Head {
        height: header.height,
        root: header.state_root,
    };
    // First, so that a kill from here on leaves a chain that is missed, and no new one.
    folder.keep_base(&header)?;
    let import = Import::begin(&folder.store(), options(&folder), manifest, trusted)?;
    let missing = import.missing()?;
    let steps = u32::try_from(missing.len()).ok();
    let working = Working::counted("importing chunks", steps, output.format());
    for number in missing {
        import.add(number, &read(&chunk_name(number))?)?;
        working.step();
    }
    import.finish()?;
    drop(working);
    tell(&manifest, &header, output)
}

fn tell(manifest: &Manifest, header: &Header, output: &mut Output) -> Result<Exit, Failure> {
    let answer = SnapshotJson {
        height: manifest.head.height,
        header: header.hash().to_string(),
        state_root: hex::encode(manifest.head.root),
        chunks: manifest.chunks(),
    };
    output.answer(&answer, || {
        table(
            0,
            &[
                line("height", grouped(answer.height)),
                line("header", &answer.header),
                line("state root", &answer.state_root),
                line("chunks", grouped(answer.chunks)),
            ],
        )
    })?;
    Ok(Exit::Success)
}

fn unreadable(file: &Path, error: anyhow::Error) -> Failure {
    let message = format!("cannot read or write `{}`", file.display());
    Failure::new(Exit::Usage, error.context(message))
        .next("make a snapshot with `fusee snapshot export DIR`")
}

impl From<SnapshotError> for Failure {
    fn from(error: SnapshotError) -> Self {
        let next = match error {
            SnapshotError::Store(error) => return error.into(),
            SnapshotError::OtherImport => "finish that import, or choose another folder",
            SnapshotError::Chunk { .. } | SnapshotError::Incomplete { .. } => {
                "get these chunks again, and run the command again: it goes on"
            }
            _ => "get the snapshot again",
        };
        Self::new(Exit::Unsuccessful, error).next(next)
    }
}

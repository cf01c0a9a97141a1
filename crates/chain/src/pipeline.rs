//! A pipeline: neighbouring blocks are verified, executed and committed at the same time.
//!
//! One thread verifies signatures, one executes, and one makes the state root and commits. Blocks
//! are committed in their order, and the results are those of one block after another.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle};

use fusee_ledger::{Block, Finalized, Header, VerifiedBlock};

use crate::{Chain, ChainError, Executed};

/// How many blocks wait before each thread.
const WAITING: usize = 1;

/// A block that was committed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Committed {
    /// The header.
    pub header: Header,
    /// The results, without the changes.
    pub finalized: Finalized,
}

/// Threads that execute and commit the blocks of a chain. Only they may commit while it is there.
#[derive(Debug)]
pub struct Pipeline {
    blocks: Option<SyncSender<Block>>,
    committed: Receiver<Result<Committed, ChainError>>,
    threads: Vec<JoinHandle<()>>,
}

/// What one thread hands to the next one: a value, or the error that ends the pipeline.
type Handed<T> = Result<T, ChainError>;

impl Pipeline {
    /// Starts the threads. Errors of blocks come out of [`next`](Self::next).
    ///
    /// # Errors
    ///
    /// [`ChainError::Store`] if the store fails. [`ChainError::Thread`] if the operating system has
    /// no thread.
    pub fn new(chain: Arc<Chain>) -> Result<Self, ChainError> {
        let tip = chain.tip()?;
        let (blocks, to_verify) = sync_channel::<Block>(WAITING);
        let (verified, to_execute) = sync_channel::<Handed<VerifiedBlock>>(WAITING);
        let (executed, to_commit) = sync_channel::<Handed<Executed>>(WAITING);
        // Without a bound, so that one thread can both add blocks and wait for them.
        let (committed, results) = channel();
        let verify = {
            let chain = Arc::clone(&chain);
            move || pass(&to_verify, bounded(verified), |block| chain.verify(block))
        };
        let execute = {
            let (chain, mut tip) = (Arc::clone(&chain), tip);
            move || {
                pass(
                    &to_execute,
                    bounded(executed),
                    |block: Handed<VerifiedBlock>| {
                        tip = tip.clone().rebased(chain.version(None)?);
                        let executed = chain.execute(&tip, block?)?;
                        tip = executed.tip(tip.clone());
                        Ok(executed)
                    },
                );
            }
        };
        let commit = move || {
            pass(
                &to_commit,
                unbounded(committed),
                |executed: Handed<Executed>| {
                    let (header, finalized) = chain.commit(chain.seal(executed?)?)?;
                    Ok(Committed { header, finalized })
                },
            );
        };
        let threads = vec![
            named("verify", verify)?,
            named("execute", execute)?,
            named("commit", commit)?,
        ];
        Ok(Self {
            blocks: Some(blocks),
            committed: results,
            threads,
        })
    }

    /// Adds the next block. Waits while too many blocks are on their way.
    ///
    /// # Errors
    ///
    /// [`ChainError::Stopped`] if an error has ended the pipeline, which [`next`](Self::next)
    /// tells.
    pub fn add(&self, block: Block) -> Result<(), ChainError> {
        let sent = self.blocks.as_ref().map(|blocks| blocks.send(block));
        match sent {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) | None => Err(ChainError::Stopped),
        }
    }

    /// No more blocks come.
    pub fn close(&mut self) {
        self.blocks = None;
    }

    /// Waits for the next block to be committed. `None` if none comes: the pipeline was closed, or
    /// an error was told.
    pub fn next(&self) -> Option<Result<Committed, ChainError>> {
        self.committed.recv().ok()
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        self.blocks = None;
        for thread in self.threads.drain(..) {
            // It has told of its error; a panic was printed.
            let _ = thread.join();
        }
    }
}

/// Starts a thread, whose name profilers show.
fn named(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, ChainError> {
    let thread = thread::Builder::new().name(name.to_owned());
    thread.spawn(work).map_err(ChainError::Thread)
}

/// Does one step with everything that comes, until nothing does, nobody wants it, or an error was
/// handed on.
fn pass<T, U>(
    from: &Receiver<T>,
    hand_on: impl Fn(Handed<U>) -> bool,
    mut step: impl FnMut(T) -> Handed<U>,
) {
    for item in from {
        let done = step(item);
        let is_error = done.is_err();
        if !hand_on(done) || is_error {
            return;
        }
    }
}

fn bounded<T>(to: SyncSender<Handed<T>>) -> impl Fn(Handed<T>) -> bool {
    move |item| to.send(item).is_ok()
}

fn unbounded<T>(to: Sender<Handed<T>>) -> impl Fn(Handed<T>) -> bool {
    move |item| to.send(item).is_ok()
}

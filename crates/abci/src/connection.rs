//! One connection: requests are answered one after another, in their order.
//!
//! Transactions that have arrived together are checked together: an engine hands on what its peers
//! send it in bursts, and many signatures take less than half the time of as many single ones.

use std::io::{self, BufReader, BufWriter, Read, Write};

use prost::Message;
use prost::bytes::Bytes;
use tendermint_proto::v0_38::abci::{Request, RequestCheckTx, Response, request, response};
use thiserror::Error;

use crate::frame::{self, FrameError};
use crate::stream::Stream;
use crate::{App, AppError};

/// What is read of a connection at once, and so the most that is checked together.
const BUFFER_BYTES: usize = 64 << 10;

/// Why a connection ends, besides that the other side has ended it.
#[derive(Debug)]
pub(crate) enum Ended {
    /// Because of what it sent, or because the socket failed.
    Protocol(ProtocolError),
    /// Because the application cannot go on.
    App(AppError),
}

/// What a connection must not send.
#[derive(Debug, Error)]
pub(crate) enum ProtocolError {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("a frame is not a request of ABCI 2.0: {0}")]
    Decode(#[from] prost::DecodeError),
    #[error("a frame has no request, or one that ABCI 2.0 does not have")]
    Unknown,
    #[error("a reply cannot be sent: {0}")]
    Write(#[source] io::Error),
}

impl<E: Into<ProtocolError>> From<E> for Ended {
    fn from(error: E) -> Self {
        Self::Protocol(error.into())
    }
}

/// Serves a connection until it ends.
pub(crate) fn serve(stream: Stream, app: &App, frame_bytes: u64) -> Result<(), Ended> {
    let writer = stream.try_clone().map_err(ProtocolError::Write)?;
    serve_frames(stream, BufWriter::new(writer), app, frame_bytes)
}

fn serve_frames(
    reader: impl Read,
    mut writer: impl Write,
    app: &App,
    frame_bytes: u64,
) -> Result<(), Ended> {
    let mut requests = Requests {
        reader: BufReader::with_capacity(BUFFER_BYTES, reader),
        frame_bytes,
        next: None,
    };
    while let Some(request) = requests.next()? {
        let is_flush = matches!(request, request::Value::Flush(_));
        let answers = app.answer(request, &mut requests);
        for value in answers.map_err(Ended::App)? {
            let reply = Response { value: Some(value) }.encode_to_vec();
            frame::write(&mut writer, &reply).map_err(ProtocolError::Write)?;
        }
        if is_flush {
            writer.flush().map_err(ProtocolError::Write)?;
        }
    }
    Ok(())
}

/// The requests of a connection.
struct Requests<R> {
    reader: BufReader<R>,
    frame_bytes: u64,
    /// The one after the last check, if it was read.
    next: Option<Result<request::Value, ProtocolError>>,
}

impl<R: Read> Requests<R> {
    /// The next request. `None` if the connection has ended before it.
    fn next(&mut self) -> Result<Option<request::Value>, ProtocolError> {
        match self.next.take() {
            Some(next) => next.map(Some),
            None => self.read(),
        }
    }

    /// A check, and those that have arrived after it.
    fn checks(&mut self, first: RequestCheckTx) -> Vec<RequestCheckTx> {
        let mut checks = vec![first];
        while frame::has_arrived(self.reader.buffer()) {
            match self.read().transpose() {
                Some(Ok(request::Value::CheckTx(check))) => checks.push(check),
                next => {
                    self.next = next;
                    break;
                }
            }
        }
        checks
    }

    fn read(&mut self) -> Result<Option<request::Value>, ProtocolError> {
        let Some(frame) = frame::read(&mut self.reader, self.frame_bytes)? else {
            return Ok(None);
        };
        // Byte strings of the request are parts of the frame, and not copied.
        let request = Request::decode(Bytes::from(frame))?;
        request.value.map(Some).ok_or(ProtocolError::Unknown)
    }
}

impl App {
    /// Answers the frames of one connection, which is no socket: for tests and fuzzing. Returns
    /// the replies, and why the connection ended, if it was not by its end.
    ///
    /// # Errors
    ///
    /// [`AppError`] if the application cannot go on.
    #[doc(hidden)]
    pub fn answer_frames(
        &self,
        frames: &[u8],
        frame_bytes: u64,
    ) -> Result<(Vec<u8>, Option<String>), AppError> {
        let mut replies = Vec::new();
        match serve_frames(frames, &mut replies, self, frame_bytes) {
            Ok(()) => Ok((replies, None)),
            Err(Ended::Protocol(error)) => Ok((replies, Some(error.to_string()))),
            Err(Ended::App(error)) => Err(error),
        }
    }

    /// Answers a request, and the checks that have arrived after it if it is one.
    fn answer(
        &self,
        request: request::Value,
        requests: &mut Requests<impl Read>,
    ) -> Result<Vec<response::Value>, AppError> {
        use request::Value as Asked;
        let _span = tracing::info_span!("abci", method = method(&request)).entered();
        use response::Value;
        use tendermint_proto::v0_38::abci as wire;
        let answer = match request {
            Asked::CheckTx(first) => {
                let answers = self.check_txs(&requests.checks(first)).into_iter();
                return Ok(answers.map(Value::CheckTx).collect());
            }
            Asked::Echo(wire::RequestEcho { message }) => {
                Value::Echo(wire::ResponseEcho { message })
            }
            Asked::Flush(_) => Value::Flush(wire::ResponseFlush {}),
            Asked::Info(_) => Value::Info(self.info()?),
            Asked::InitChain(request) => Value::InitChain(self.init_chain(&request)?),
            Asked::Query(request) => Value::Query(self.query(&request)?),
            Asked::PrepareProposal(request) => Value::PrepareProposal(self.prepare(request)?),
            Asked::ProcessProposal(request) => Value::ProcessProposal(self.process(request)?),
            Asked::FinalizeBlock(request) => Value::FinalizeBlock(self.finalize(request)?),
            Asked::Commit(_) => Value::Commit(self.commit()?),
            Asked::ListSnapshots(_) => Value::ListSnapshots(self.list_snapshots()?),
            Asked::OfferSnapshot(request) => Value::OfferSnapshot(self.offer_snapshot(&request)?),
            Asked::LoadSnapshotChunk(request) => {
                Value::LoadSnapshotChunk(self.load_chunk(&request)?)
            }
            Asked::ApplySnapshotChunk(request) => {
                Value::ApplySnapshotChunk(self.apply_chunk(&request)?)
            }
            // The chain never enables vote extensions, so there are none but empty ones.
            Asked::ExtendVote(_) => Value::ExtendVote(wire::ResponseExtendVote::default()),
            Asked::VerifyVoteExtension(request) => {
                use wire::response_verify_vote_extension::VerifyStatus;
                let status = match request.vote_extension.is_empty() {
                    true => VerifyStatus::Accept,
                    false => VerifyStatus::Reject,
                };
                let status = status.into();
                Value::VerifyVoteExtension(wire::ResponseVerifyVoteExtension { status })
            }
        };
        Ok(vec![answer])
    }
}

/// The name of a method, for traces.
fn method(request: &request::Value) -> &'static str {
    use request::Value as Asked;
    match request {
        Asked::Echo(_) => "Echo",
        Asked::Flush(_) => "Flush",
        Asked::Info(_) => "Info",
        Asked::InitChain(_) => "InitChain",
        Asked::Query(_) => "Query",
        Asked::CheckTx(_) => "CheckTx",
        Asked::PrepareProposal(_) => "PrepareProposal",
        Asked::ProcessProposal(_) => "ProcessProposal",
        Asked::FinalizeBlock(_) => "FinalizeBlock",
        Asked::Commit(_) => "Commit",
        Asked::ListSnapshots(_) => "ListSnapshots",
        Asked::OfferSnapshot(_) => "OfferSnapshot",
        Asked::LoadSnapshotChunk(_) => "LoadSnapshotChunk",
        Asked::ApplySnapshotChunk(_) => "ApplySnapshotChunk",
        Asked::ExtendVote(_) => "ExtendVote",
        Asked::VerifyVoteExtension(_) => "VerifyVoteExtension",
    }
}

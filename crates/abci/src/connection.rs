//! One connection: requests are answered one after another, in their order.

use std::io::{self, BufRead, BufReader, BufWriter, Write};

use prost::Message;
use prost::bytes::Bytes;
use tendermint_proto::v0_38::abci::{Request, Response, request, response};
use thiserror::Error;

use crate::frame::{self, FrameError};
use crate::stream::Stream;
use crate::{App, AppError};

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
    let writer = BufWriter::new(writer);
    serve_frames(BufReader::new(stream), writer, app, frame_bytes)
}

fn serve_frames(
    mut reader: impl BufRead,
    mut writer: impl Write,
    app: &App,
    frame_bytes: u64,
) -> Result<(), Ended> {
    while let Some(frame) = frame::read(&mut reader, frame_bytes)? {
        // Byte strings of the request are parts of the frame, and not copied.
        let request = Request::decode(Bytes::from(frame))?;
        let request = request.value.ok_or(ProtocolError::Unknown)?;
        let is_flush = matches!(request, request::Value::Flush(_));
        let value = Some(app.answer(request).map_err(Ended::App)?);
        let reply = Response { value }.encode_to_vec();
        let written = frame::write(&mut writer, &reply);
        let written = match is_flush {
            true => written.and_then(|()| writer.flush()),
            false => written,
        };
        written.map_err(ProtocolError::Write)?;
    }
    Ok(())
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

    /// Answers a request.
    fn answer(&self, request: request::Value) -> Result<response::Value, AppError> {
        use request::Value as Asked;
        let _span = tracing::info_span!("abci", method = method(&request)).entered();
        use response::Value;
        use tendermint_proto::v0_38::abci as wire;
        Ok(match request {
            Asked::Echo(wire::RequestEcho { message }) => {
                Value::Echo(wire::ResponseEcho { message })
            }
            Asked::Flush(_) => Value::Flush(wire::ResponseFlush {}),
            Asked::Info(_) => Value::Info(self.info()?),
            Asked::InitChain(request) => Value::InitChain(self.init_chain(&request)?),
            Asked::Query(request) => Value::Query(self.query(&request)?),
            Asked::CheckTx(request) => Value::CheckTx(self.check_tx(&request)?),
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
        })
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

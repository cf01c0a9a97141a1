//! A client of the protocol, and a node that it drives.

use std::io::{self, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use fusee_abci::{App, AppOptions, ServeError, Server, Stopper};
use fusee_ledger::Genesis;
use prost::Message;
use prost::bytes::Bytes;
use tendermint_proto::google::protobuf::Timestamp;
use tendermint_proto::v0_38::abci::{
    CheckTxType, Request, RequestCheckTx, RequestCommit, RequestFinalizeBlock, RequestFlush,
    RequestInfo, RequestInitChain, RequestPrepareProposal, RequestProcessProposal, RequestQuery,
    Response, ResponseCheckTx, ResponseCommit, ResponseFinalizeBlock, ResponseInfo,
    ResponseInitChain, ResponseQuery, request, response, response_process_proposal::ProposalStatus,
};

use crate::world::{self, TIME, data, ledger};

/// How long a reply may take, on a machine that does other things as well.
const PATIENCE: Duration = Duration::from_secs(30);

/// A node in a thread.
pub(crate) struct Node {
    socket: PathBuf,
    stopper: Stopper,
    thread: Option<JoinHandle<Result<(), ServeError>>>,
}

/// A connection.
pub(crate) struct Client {
    reader: BufReader<UnixStream>,
    pub(crate) writer: UnixStream,
}

impl Node {
    /// Starts a node of the usual genesis in a folder.
    pub(crate) fn start(folder: &Path) -> Self {
        let genesis = world::genesis();
        let options = AppOptions::new(&genesis);
        Self::start_with(folder, genesis, options)
    }

    pub(crate) fn start_with(folder: &Path, genesis: Genesis, options: AppOptions) -> Self {
        let app = App::open(data(&folder.join("app"), genesis), ledger(), options).unwrap();
        Self::serve(folder, app)
    }

    /// Serves an application on a socket in the folder.
    pub(crate) fn serve(folder: &Path, app: App) -> Self {
        let socket = folder.join("abci.sock");
        let server = Server::bind(&format!("unix://{}", socket.display())).unwrap();
        let server = server.frame_bytes(16 << 20);
        let stopper = server.stopper();
        let thread = Some(thread::spawn(move || server.serve(&app)));
        Self {
            socket,
            stopper,
            thread,
        }
    }

    pub(crate) fn connect(&self) -> Client {
        let writer = UnixStream::connect(&self.socket).unwrap();
        writer.set_read_timeout(Some(PATIENCE)).unwrap();
        let reader = BufReader::new(writer.try_clone().unwrap());
        Client { reader, writer }
    }

    /// Stops the node. What was not committed is lost, as by a crash.
    pub(crate) fn stop(mut self) {
        self.stopper.stop();
        self.join().unwrap();
    }

    /// The error by which the node has ended itself.
    pub(crate) fn failure(mut self) -> String {
        self.join().unwrap_err().to_string()
    }

    fn join(&mut self) -> Result<(), ServeError> {
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stopper.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Makes a method that sends a request and returns its reply.
macro_rules! calls {
    ($($name:ident: $variant:ident, $request:ty => $response:ty;)*) => {
        impl Client {$(
            pub(crate) fn $name(&mut self, request: $request) -> $response {
                match self.call(request::Value::$variant(request)).unwrap() {
                    response::Value::$variant(response) => response,
                    other => panic!("{other:?}"),
                }
            }
        )*}
    };
}

calls! {
    init: InitChain, RequestInitChain => ResponseInitChain;
    check: CheckTx, RequestCheckTx => ResponseCheckTx;
    query: Query, RequestQuery => ResponseQuery;
    prepare: PrepareProposal, RequestPrepareProposal
        => tendermint_proto::v0_38::abci::ResponsePrepareProposal;
    process: ProcessProposal, RequestProcessProposal
        => tendermint_proto::v0_38::abci::ResponseProcessProposal;
    finalize: FinalizeBlock, RequestFinalizeBlock => ResponseFinalizeBlock;
    list: ListSnapshots, tendermint_proto::v0_38::abci::RequestListSnapshots
        => tendermint_proto::v0_38::abci::ResponseListSnapshots;
    offer: OfferSnapshot, tendermint_proto::v0_38::abci::RequestOfferSnapshot
        => tendermint_proto::v0_38::abci::ResponseOfferSnapshot;
    load: LoadSnapshotChunk, tendermint_proto::v0_38::abci::RequestLoadSnapshotChunk
        => tendermint_proto::v0_38::abci::ResponseLoadSnapshotChunk;
    apply: ApplySnapshotChunk, tendermint_proto::v0_38::abci::RequestApplySnapshotChunk
        => tendermint_proto::v0_38::abci::ResponseApplySnapshotChunk;
}

impl Client {
    /// Sends a request, without waiting.
    pub(crate) fn send(&mut self, value: request::Value) {
        let request = Request { value: Some(value) };
        let bytes = request.encode_length_delimited_to_vec();
        self.writer.write_all(&bytes).unwrap();
    }

    /// The next reply. An error if the connection has ended.
    pub(crate) fn receive(&mut self) -> io::Result<response::Value> {
        let mut length = 0_usize;
        for shift in (0..).step_by(7) {
            let mut byte = [0];
            self.read(&mut byte)?;
            length |= usize::from(byte[0] & 0x7f) << shift;
            if byte[0] & 0x80 == 0 {
                break;
            }
        }
        let mut frame = vec![0; length];
        self.read(&mut frame)?;
        let response = Response::decode(Bytes::from(frame)).unwrap();
        Ok(response.value.unwrap())
    }

    fn read(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        let read = self.reader.read_exact(bytes);
        let kind = read.as_ref().map_err(io::Error::kind);
        // A node that hangs is not one that has closed the connection.
        assert_ne!(kind, Err(io::ErrorKind::WouldBlock), "no reply");
        read
    }

    pub(crate) fn flush(&mut self) {
        self.send(request::Value::Flush(RequestFlush {}));
    }

    /// Sends a request and a flush, and waits for both replies.
    pub(crate) fn call(&mut self, value: request::Value) -> io::Result<response::Value> {
        self.send(value);
        self.flush();
        let reply = self.receive()?;
        match self.receive()? {
            response::Value::Flush(_) => Ok(reply),
            other => panic!("{other:?}"),
        }
    }

    /// Sends a request that ends the node.
    pub(crate) fn end(&mut self, value: request::Value) {
        self.send(value);
        assert!(self.receive().is_err());
    }

    pub(crate) fn info(&mut self) -> ResponseInfo {
        match self.call(request::Value::Info(RequestInfo::default())) {
            Ok(response::Value::Info(info)) => info,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn commit(&mut self) -> ResponseCommit {
        match self.call(request::Value::Commit(RequestCommit {})) {
            Ok(response::Value::Commit(commit)) => commit,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn check_new(&mut self, transaction: &[u8]) -> ResponseCheckTx {
        self.check(check_tx(transaction, CheckTxType::New))
    }

    pub(crate) fn recheck(&mut self, transaction: &[u8]) -> ResponseCheckTx {
        self.check(check_tx(transaction, CheckTxType::Recheck))
    }

    /// Whether a proposal is accepted.
    pub(crate) fn accepts(&mut self, height: i64, transactions: &[Vec<u8>]) -> bool {
        let block = block(height, transactions);
        let status = self.process(proposal(&block)).status;
        status == i32::from(ProposalStatus::Accept)
    }

    /// Executes and commits a block, and returns what it was answered.
    pub(crate) fn block(&mut self, height: i64, transactions: &[Vec<u8>]) -> ResponseFinalizeBlock {
        let finalized = self.finalize(block(height, transactions));
        self.commit();
        finalized
    }
}

pub(crate) fn check_tx(transaction: &[u8], kind: CheckTxType) -> RequestCheckTx {
    RequestCheckTx {
        tx: transaction.to_vec().into(),
        r#type: kind.into(),
    }
}

pub(crate) fn time(height: i64) -> Option<Timestamp> {
    let seconds = i64::try_from(TIME / 1_000).unwrap() + height;
    let nanos = 123_456_789;
    Some(Timestamp { seconds, nanos })
}

pub(crate) fn block(height: i64, transactions: &[Vec<u8>]) -> RequestFinalizeBlock {
    RequestFinalizeBlock {
        txs: transactions.iter().cloned().map(Bytes::from).collect(),
        hash: vec![9; 32].into(),
        height,
        time: time(height),
        proposer_address: world::proposer().to_vec().into(),
        ..RequestFinalizeBlock::default()
    }
}

pub(crate) fn proposal(block: &RequestFinalizeBlock) -> RequestProcessProposal {
    RequestProcessProposal {
        txs: block.txs.clone(),
        hash: block.hash.clone(),
        height: block.height,
        time: block.time,
        proposer_address: block.proposer_address.clone(),
        ..RequestProcessProposal::default()
    }
}

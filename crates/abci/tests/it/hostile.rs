//! Sessions of an engine with bytes changed, in their thousands: no panic, and nothing that stays.

use fusee_abci::{App, AppError, AppOptions};
use fusee_chain::ChainError;
use fusee_ledger::LedgerError;
use prost::Message;
use tendermint_proto::v0_38::abci::{
    CheckTxType, Request, RequestApplySnapshotChunk, RequestCommit, RequestEcho, RequestFlush,
    RequestInfo, RequestListSnapshots, RequestLoadSnapshotChunk, RequestOfferSnapshot,
    RequestPrepareProposal, RequestQuery, Response, Snapshot, request, response,
};

use crate::client::{block, check_tx, proposal, time};
use crate::world::{begin, data, file, genesis, ledger, proposer, transactions, transfer};

/// How many sessions are answered (default: 3,000).
#[allow(
    clippy::disallowed_methods,
    reason = "a longer run is for a person to ask for"
)]
fn rounds() -> u64 {
    let rounds = std::env::var("FUSEE_ABCI_ROUNDS");
    rounds.map_or(3_000, |rounds| rounds.parse().unwrap())
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(bound).unwrap()).unwrap()
    }
}

/// One of each message, for the first block.
fn requests() -> Vec<Vec<u8>> {
    use request::Value;
    let first = block(1, &transactions(1));
    let requests = [
        Value::Echo(RequestEcho {
            message: "hello".to_owned(),
        }),
        Value::Info(RequestInfo::default()),
        Value::InitChain(begin(&file())),
        Value::CheckTx(check_tx(&transfer(3, 0, 1), CheckTxType::New)),
        Value::CheckTx(check_tx(&transfer(3, 0, 1), CheckTxType::Recheck)),
        Value::PrepareProposal(RequestPrepareProposal {
            max_tx_bytes: 1 << 20,
            txs: first.txs.clone(),
            height: 1,
            time: time(1),
            proposer_address: proposer().to_vec().into(),
            ..RequestPrepareProposal::default()
        }),
        Value::ProcessProposal(proposal(&first)),
        Value::FinalizeBlock(first),
        Value::Query(RequestQuery {
            data: fusee_ledger::keys::parameters().into(),
            path: "/store".to_owned(),
            height: 0,
            prove: true,
        }),
        Value::ListSnapshots(RequestListSnapshots {}),
        Value::OfferSnapshot(RequestOfferSnapshot {
            snapshot: Some(Snapshot {
                height: 4,
                format: 1,
                chunks: 4,
                hash: vec![1; 32].into(),
                metadata: vec![2; 300].into(),
            }),
            app_hash: vec![3; 32].into(),
        }),
        Value::LoadSnapshotChunk(RequestLoadSnapshotChunk {
            height: 4,
            format: 1,
            chunk: 0,
        }),
        Value::ApplySnapshotChunk(RequestApplySnapshotChunk {
            index: 0,
            chunk: vec![1; 40].into(),
            sender: "peer".to_owned(),
        }),
        Value::Flush(RequestFlush {}),
    ];
    let encoded = requests.into_iter().map(|value| {
        let value = Some(value);
        Request { value }.encode_length_delimited_to_vec()
    });
    encoded.collect()
}

/// A few requests in any order, with some bytes changed, cut out or put in.
fn session(requests: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let count = 1 + random.below(4);
    let chosen = (0..count).map(|_| requests[random.below(requests.len())].clone());
    let mut bytes = chosen.collect::<Vec<_>>().concat();
    for _ in 0..random.below(4) {
        let at = random.below(bytes.len());
        let byte = u8::try_from(random.below(256)).unwrap();
        match random.below(4) {
            0 => bytes[at] = byte,
            1 => bytes[at] ^= 1 << (byte % 8),
            2 => bytes.insert(at, byte),
            _ => drop(bytes.remove(at)),
        }
    }
    bytes
}

fn begun() -> (tempfile::TempDir, App) {
    let folder = tempfile::tempdir().unwrap();
    let options = AppOptions::new(&genesis());
    let app = App::open(data(folder.path(), genesis()), ledger(), options).unwrap();
    (folder, app)
}

/// The height of the last block.
fn height(app: &App) -> i64 {
    let value = Some(request::Value::Info(RequestInfo::default()));
    let info = Request { value }.encode_length_delimited_to_vec();
    let (reply, _) = app.answer_frames(&info, 1 << 20).unwrap();
    match Response::decode_length_delimited(&reply[..]).unwrap().value {
        Some(response::Value::Info(info)) => info.last_block_height,
        other => panic!("{other:?}"),
    }
}

#[test]
fn no_bytes_panic_or_change_what_is_committed() {
    let (mut folder, mut app) = begun();
    let requests = requests();
    let mut random = Random(18);
    let (mut answered, mut ended, mut failed) = (0, 0, 0);
    for _ in 0..rounds() {
        let bytes = session(&requests, &mut random);
        match app.answer_frames(&bytes, 1 << 20) {
            Ok((_, None)) => answered += 1,
            Ok((_, Some(_))) => ended += 1,
            // What of the engine itself is not that of this chain, or of the next block.
            Err(
                AppError::AppState(_)
                | AppError::OtherGenesis { .. }
                | AppError::EngineGenesis { .. }
                | AppError::Number { .. }
                | AppError::NoTime
                | AppError::NothingToCommit { .. }
                | AppError::Ledger(LedgerError::Misplaced(_))
                | AppError::Chain(ChainError::Ledger(LedgerError::Misplaced(_))),
            ) => failed += 1,
            Err(error) => panic!("{error}: {}", hex::encode(bytes)),
        }
        // Some bytes are one bit away from a `Commit`.
        if height(&app) > 0 {
            (folder, app) = begun();
        }
    }
    assert!(
        answered > 100 && ended > 100 && failed > 10,
        "{answered} {ended} {failed}"
    );

    // The first block is the same as without all that.
    let (_other, fresh) = begun();
    let finalize = request::Value::FinalizeBlock(block(1, &transactions(1)));
    let commit = request::Value::Commit(RequestCommit {});
    let info = request::Value::Info(RequestInfo::default());
    let block = [finalize, commit, info].map(|value| {
        let value = Some(value);
        Request { value }.encode_length_delimited_to_vec()
    });
    let block = block.concat();
    let answers = app.answer_frames(&block, 1 << 20).unwrap();
    assert_eq!(answers, fresh.answer_frames(&block, 1 << 20).unwrap());
    assert_eq!(answers.1, None);
    assert_eq!(height(&app), 1);
    drop(folder);
}

/// Transactions are checked in batches where they arrive together, with the replies of single ones,
/// in their order, also around other requests and before a frame that is malformed.
#[test]
fn checks_that_arrive_together_are_answered_as_those_that_come_alone() {
    let mut random = Random(5);
    let check = |random: &mut Random| {
        let nonce = u64::try_from(random.below(70)).unwrap();
        let mut transaction = match random.below(6) {
            0 => vec![7; random.below(100)],
            // More than is read at once.
            1 => vec![9; 70_000],
            _ => transfer(3, nonce, u128::try_from(random.below(3)).unwrap()),
        };
        if random.below(5) == 0
            && let Some(last) = transaction.last_mut()
        {
            *last ^= 1;
        }
        let kind = match random.below(5) {
            0 => CheckTxType::Recheck,
            _ => CheckTxType::New,
        };
        request::Value::CheckTx(check_tx(&transaction, kind))
    };
    let mut frames = Vec::new();
    for number in 0..400 {
        let value = match random.below(12) {
            0 => request::Value::Flush(RequestFlush {}),
            1 => request::Value::Echo(RequestEcho {
                message: number.to_string(),
            }),
            _ => check(&mut random),
        };
        let value = Some(value);
        frames.push(Request { value }.encode_length_delimited_to_vec());
    }
    // A frame of two bytes, of which none is a request.
    frames.push(vec![2, 0xfa, 0x7f]);
    let (_folder, together) = begun();
    let (_other, alone) = begun();
    let (replies, ended) = together.answer_frames(&frames.concat(), 1 << 20).unwrap();
    let singles = frames
        .iter()
        .map(|it| alone.answer_frames(it, 1 << 20).unwrap());
    let (expected, reasons): (Vec<_>, Vec<_>) = singles.unzip();
    assert_eq!(replies, expected.concat());
    assert_eq!(Some(ended), reasons.last().cloned());
}

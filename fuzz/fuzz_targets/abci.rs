//! Arbitrary bytes of an engine are answered, end their connection, or end the application with an
//! error, and never by a panic: before the chain has begun, at its first block, and behind it.
//! What was not committed leaves nothing: an application that is opened again is where it was.
#![no_main]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use fusee_abci::{App, AppOptions};
use fusee_chain::{Chain, DataFolder};
use fusee_conformance::lanes;
use fusee_contract::{ContractRules, Contracts};
use fusee_ledger::{Genesis, Ledger, LedgerRules, Rulebook};
use libfuzzer_sys::fuzz_target;
use prost::Message;
use tendermint_proto::{
    google::protobuf::Timestamp,
    v0_38::{
        abci::{Request, RequestCommit, RequestFinalizeBlock, RequestInitChain, request::Value},
        types::{ConsensusParams, EvidenceParams, ValidatorParams},
    },
};

/// The most bytes of a frame.
const FRAME: u64 = 1 << 20;

/// The time of genesis, in seconds.
const TIME: i64 = 1_790_000_000;

/// An application that no input has changed, at one of the stages.
struct Open {
    app: App,
    folder: PathBuf,
    height: Option<u64>,
}

/// At its first block, and behind it.
static OPEN: Mutex<[Option<Open>; 2]> = Mutex::new([None, None]);

fn genesis() -> (String, Genesis) {
    let (ledger, contracts) = (LedgerRules::latest().id(), ContractRules::latest().id());
    let file = format!(
        r#"{{
    "chain_id": "fuzz", "initial_height": 1, "time": {TIME}000,
    "parameters": {{
        "activations": [
            {{ "height": 1, "ledger_rules": "{ledger}", "contract_rules": "{contracts}" }}
        ],
        "limits": {{ "gas": 1000000000, "bytes": 1048576, "transactions": 1000 }},
        "payment": {{ "fees": {{ "minimum_price": "1", "destination": "burned" }} }},
        "validators": [
            {{ "key": "{}", "power": 10, "account": "{}" }}
        ]
    }},
    "accounts": [{{ "address": "{}", "balance": "1000000000000" }}]
}}"#,
        "46".repeat(32),
        "46".repeat(32),
        "01".repeat(32),
    );
    let genesis = Genesis::parse(&file).expect("the genesis is valid");
    (file, genesis)
}

fn ledger() -> Ledger {
    let lane = lanes().into_iter().find(|lane| lane.name == "wasmi");
    let executor = Arc::new(lane.expect("there is such a lane").executor);
    let contracts = Contracts::without_fallback(executor, ContractRules::latest());
    let rulebook = Rulebook::new()
        .with_ledger(LedgerRules::latest())
        .with_contracts(contracts);
    Ledger::new(rulebook)
}

fn frames(requests: impl IntoIterator<Item = Value>) -> Vec<u8> {
    let frames = requests.into_iter().map(|value| {
        let value = Some(value);
        Request { value }.encode_length_delimited_to_vec()
    });
    frames.flatten().collect()
}

fn init_chain(file: String) -> Value {
    Value::InitChain(RequestInitChain {
        time: Some(Timestamp {
            seconds: TIME,
            nanos: 0,
        }),
        chain_id: "fuzz".to_owned(),
        consensus_params: Some(ConsensusParams {
            evidence: Some(EvidenceParams {
                max_bytes: 1 << 20,
                ..EvidenceParams::default()
            }),
            validator: Some(ValidatorParams {
                pub_key_types: vec!["ed25519".to_owned()],
            }),
            ..ConsensusParams::default()
        }),
        app_state_bytes: file.into(),
        initial_height: 1,
        ..RequestInitChain::default()
    })
}

fn first_block(proposer: [u8; 20]) -> Value {
    Value::FinalizeBlock(RequestFinalizeBlock {
        height: 1,
        time: Some(Timestamp {
            seconds: TIME + 1,
            nanos: 0,
        }),
        proposer_address: proposer.to_vec().into(),
        ..RequestFinalizeBlock::default()
    })
}

fn open(stage: usize) -> Open {
    let name = format!("fusee-abci-{}-{stage}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    let _ = fs::remove_dir_all(&folder);
    let (file, genesis) = genesis();
    let app = reopen(&folder, genesis);
    if stage > 0 {
        let proposer = fusee_abci::consensus_address(&[0x46; 32]);
        let commit = Value::Commit(RequestCommit {});
        let begin = frames([init_chain(file), first_block(proposer), commit]);
        let answered = app.answer_frames(&begin, FRAME);
        let (_, ended) = answered.expect("the application goes on");
        assert_eq!(ended, None);
    }
    let height = height(&app);
    assert_eq!(height, (stage > 0).then_some(1), "a block is committed");
    Open {
        app,
        folder,
        height,
    }
}

fn reopen(folder: &Path, genesis: Genesis) -> App {
    let options = AppOptions::new(&genesis);
    let folder = DataFolder::create(folder, genesis);
    let folder = folder.expect("a folder can be made");
    App::open(folder, ledger(), options).expect("the folder is one of the chain")
}

/// The height of the last committed block.
fn height(app: &App) -> Option<u64> {
    let chain: Option<Arc<Chain>> = app.begun_chain().ok()?;
    Some(chain?.store().head()?.height)
}

fuzz_target!(|input: &[u8]| {
    let Some((kind, bytes)) = input.split_first() else {
        return;
    };
    // Bits of the first byte. 1: behind the first block. 2: `InitChain` comes before the input.
    // 4: the application is opened again, although nothing was committed.
    let stage = usize::from(kind % 2);
    let mut all = OPEN.lock().expect("no input panics");
    let Open {
        app,
        folder,
        height: before,
    } = all[stage].take().unwrap_or_else(|| open(stage));
    // Before the first block, half of the inputs come behind a chain that has begun.
    let mut prefix = Vec::new();
    if stage == 0 && kind & 2 != 0 {
        prefix = frames([init_chain(genesis().0)]);
    }
    let answered = app.answer_frames(&[&prefix, bytes].concat(), FRAME);
    let after = height(&app);
    if answered.is_ok() && after == before && kind & 4 == 0 && prefix.is_empty() {
        all[stage] = Some(Open {
            app,
            folder,
            height: before,
        });
        return;
    }
    drop(app);
    let again = reopen(&folder, genesis().1);
    // The error of a commit may be that of its answer, and the block is there.
    assert!(height(&again) >= after, "a committed block is gone");
    assert!(answered.is_err() || height(&again) == after);
    if height(&again) == before && kind & 4 != 0 {
        all[stage] = Some(Open {
            app: again,
            folder,
            height: before,
        });
    }
});

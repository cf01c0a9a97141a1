//! The settings as values of their types.

use std::{
    net::{SocketAddr, ToSocketAddrs},
    num::{NonZeroU32, NonZeroU64, NonZeroUsize},
    time::Duration,
};

use clap::ValueEnum;
use fusee::{
    chain::{Address, store::Retention},
    node::{MempoolLimits, Production},
    rpc::{self, Limits},
    sandbox::Gas,
};
use tracing_subscriber::filter::Targets;

use super::values::Values;
use crate::{engines::EngineChoice, failure::Failure, log};

/// What a node is run with.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) chain: ChainSettings,
    pub(super) consensus: ConsensusSettings,
    pub(super) rpc: RpcSettings,
    pub(super) mempool: MempoolLimits,
    pub(super) self_check: Option<SelfCheckSettings>,
    pub(super) log: LogSettings,
    /// The URL of the collector of traces, if there is one.
    #[cfg_attr(not(feature = "otel"), expect(dead_code, reason = "it is refused"))]
    pub(super) traces: Option<String>,
}

#[derive(Debug)]
pub(super) struct ChainSettings {
    /// Of a node without a consensus engine.
    pub(super) production: Production,
    pub(super) engine: EngineChoice,
    pub(super) threads: NonZeroUsize,
    pub(super) retention: Option<Retention>,
    /// How many of the last states are served.
    pub(super) versions: NonZeroU64,
    pub(super) proposer: Option<Address>,
}

#[derive(Debug)]
pub(super) struct ConsensusSettings {
    pub(super) abci: Option<String>,
    pub(super) rpc: Option<String>,
    pub(super) snapshots: Option<NonZeroU64>,
}

#[derive(Debug)]
pub(super) struct RpcSettings {
    /// `None`: there is none.
    pub(super) listen: Option<SocketAddr>,
    pub(super) admin: Option<SocketAddr>,
    pub(super) hosts: Vec<String>,
    pub(super) origins: Vec<String>,
    pub(super) explorer: bool,
    pub(super) query_gas: Gas,
    pub(super) limits: Limits,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct SelfCheckSettings {
    pub(super) every: NonZeroU64,
    pub(super) on_alarm: OnAlarm,
}

/// What to do if another engine comes to another result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnAlarm {
    Report,
    Stop,
    Interpreter,
}

#[derive(Debug)]
pub(super) struct LogSettings {
    pub(super) level: Targets,
    pub(super) form: log::Form,
}

impl Settings {
    /// Reads them. The first one that is wrong is told.
    pub(super) fn of(values: &Values) -> Result<Self, Failure> {
        let settings = Self {
            chain: ChainSettings::of(values)?,
            consensus: ConsensusSettings::of(values)?,
            rpc: RpcSettings::of(values)?,
            mempool: mempool(values)?,
            self_check: self_check(values)?,
            log: LogSettings::of(values)?,
            traces: traces(values)?,
        };
        if settings.rpc.listen.is_none() && settings.rpc.admin.is_some() {
            return Err(Failure::usage(
                "`rpc.admin` is set, and `rpc.listen` is `off`: one server has both",
            )
            .next("set rpc.listen as well, with --rpc 127.0.0.1:8645 for example"));
        }
        Ok(settings)
    }
}

impl ChainSettings {
    fn of(values: &Values) -> Result<Self, Failure> {
        let production = values.parse_by("chain.block_time", |text| match text {
            "transaction" => Ok(Production::Each),
            text => duration(text).map(Production::Every),
        })?;
        let engine = values.parse_by("chain.engine", |text| {
            match EngineChoice::from_str(text, false)? {
                EngineChoice::All => Err("a node runs on one engine".to_owned()),
                one => Ok(one),
            }
        })?;
        let blocks: Option<u64> = values.parse("chain.keep_blocks")?;
        Ok(Self {
            production: production.unwrap_or(Production::Each),
            engine: engine.unwrap_or(EngineChoice::Tiered),
            threads: values.required("chain.threads")?,
            retention: blocks.map(Retention::Last),
            versions: values.required("chain.versions")?,
            proposer: values.parse("chain.proposer")?,
        })
    }
}

impl ConsensusSettings {
    fn of(values: &Values) -> Result<Self, Failure> {
        let abci = values.text("consensus.abci").map(str::to_owned);
        for name in ["consensus.rpc", "consensus.snapshots"] {
            if abci.is_none() && values.value(name).is_some() {
                let reason =
                    "it is for a chain that CometBFT replicates, and `consensus.abci` is not set";
                return Err(values.wrong(name, reason));
            }
        }
        Ok(Self {
            abci,
            rpc: values.parse_by("consensus.rpc", |text| match text.starts_with("http://") {
                true => Ok(text.to_owned()),
                false => Err("it begins with http://"),
            })?,
            snapshots: values.parse("consensus.snapshots")?,
        })
    }
}

impl RpcSettings {
    fn of(values: &Values) -> Result<Self, Failure> {
        let address = |name| values.parse_by(name, address).map(Option::flatten);
        let explorer = values.parse_by("rpc.explorer", |text| match text {
            "on" => Ok(true),
            "off" => Ok(false),
            _ => Err("it is `on` or `off`"),
        })?;
        let each = |name, check: fn(&str) -> Result<(), &'static str>| {
            let list = values.list(name);
            let wrong = list.iter().find_map(|text| check(text).err());
            match wrong {
                Some(reason) => Err(values.wrong(name, reason)),
                None => Ok(list),
            }
        };
        Ok(Self {
            listen: address("rpc.listen")?,
            admin: address("rpc.admin")?,
            hosts: each("rpc.hosts", rpc::check_host)?,
            origins: each("rpc.origins", rpc::check_origin)?,
            explorer: explorer.unwrap_or(true),
            query_gas: Gas::new(values.required("rpc.query_gas")?),
            limits: limits(values)?,
        })
    }
}

fn limits(values: &Values) -> Result<Limits, Failure> {
    let mut limits = Limits::default();
    let calls: NonZeroU32 = values.required("rpc.calls_per_second")?;
    limits.calls_per_second = calls.get();
    limits.burst = calls.get().saturating_mul(2);
    let connections = |name| match values.required(name)? {
        count @ 1..=rpc::MAX_CONNECTIONS => Ok(count),
        _ => Err(values.wrong(name, "it is 1 to 1,000,000")),
    };
    limits.connections = connections("rpc.connections")?;
    limits.connections_per_client = connections("rpc.client_connections")?;
    Ok(limits)
}

fn mempool(values: &Values) -> Result<MempoolLimits, Failure> {
    let mut limits = MempoolLimits::default();
    limits.transactions = values.required("mempool.transactions")?;
    limits.bytes = values.required("mempool.bytes")?;
    limits.sender_transactions = values.required("mempool.sender_transactions")?;
    limits.sender_bytes = values.required("mempool.sender_bytes")?;
    Ok(limits)
}

fn self_check(values: &Values) -> Result<Option<SelfCheckSettings>, Failure> {
    let on_alarm = values.parse_by("self_check.on_alarm", |text| match text {
        "report" => Ok(OnAlarm::Report),
        "stop" => Ok(OnAlarm::Stop),
        "interpreter" => Ok(OnAlarm::Interpreter),
        _ => Err("it is `report`, `stop` or `interpreter`"),
    })?;
    let every = values.parse("self_check.every")?;
    Ok(every.map(|every| SelfCheckSettings {
        every,
        on_alarm: on_alarm.unwrap_or(OnAlarm::Report),
    }))
}

impl LogSettings {
    fn of(values: &Values) -> Result<Self, Failure> {
        let form = values.parse_by("log.format", |text| match text {
            "text" => Ok(log::Form::Text),
            "json" => Ok(log::Form::Json),
            _ => Err("it is `text` or `json`"),
        })?;
        Ok(Self {
            level: values.required("log.level")?,
            form: form.unwrap_or(log::Form::Text),
        })
    }
}

fn traces(values: &Values) -> Result<Option<String>, Failure> {
    values.parse_by("traces.otlp", |url| {
        if !cfg!(feature = "otel") {
            return Err("this program was built without the cargo feature `otel`");
        }
        match url.starts_with("http://") || url.starts_with("https://") {
            true => Ok(url.to_owned()),
            false => Err("it begins with http:// or https://"),
        }
    })
}

/// An address to listen on, or `off`.
fn address(text: &str) -> Result<Option<SocketAddr>, String> {
    if text == "off" {
        return Ok(None);
    }
    let expected = "expected HOST:PORT such as 127.0.0.1:8645, or `off`";
    let mut found = text
        .to_socket_addrs()
        .map_err(|error| format!("{error}: {expected}"))?;
    found.next().map(Some).ok_or_else(|| expected.to_owned())
}

/// A duration: a number of milliseconds, seconds or minutes, with its unit.
fn duration(text: &str) -> Result<Duration, String> {
    let expected = || "expected a time such as 500ms, 2s or 1m, or `transaction`".to_owned();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).ok_or_else(expected)?;
    let number: u64 = number.parse().map_err(|_| expected())?;
    let unit: u64 = match unit.trim_start() {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        _ => return Err(expected()),
    };
    match number.checked_mul(unit) {
        Some(milliseconds @ 1..) => Ok(Duration::from_millis(milliseconds)),
        _ => Err("it is 1ms or more".to_owned()),
    }
}

//! The settings of a node: one table, of which the flags, the environment variables, the
//! configuration file and their documentation are made.

/// A setting.
#[derive(Debug)]
pub(crate) struct Setting {
    /// Its name in the file: section and key.
    pub(crate) name: &'static str,
    /// Its flag, without dashes.
    pub(crate) flag: &'static str,
    /// The placeholder of its value.
    pub(crate) value: &'static str,
    /// `None`: there is no value by default.
    pub(crate) default: Option<&'static str>,
    /// The default of development chains, if it is another one.
    pub(crate) development: Option<&'static str>,
    /// Whether it has several values, separated by commas.
    pub(crate) is_list: bool,
    pub(crate) about: &'static str,
}

/// What environment variables of settings begin with.
pub(crate) const PREFIX: &str = "FUSEE_NODE_";

/// Every setting, in the order of the documentation.
pub(crate) const SETTINGS: &[Setting] = &[
    Setting::new(
        ("chain.block_time", "block-time", "TIME"),
        Some("1s"),
        "Time from one block to the next, such as `2s` or `500ms`; `transaction`: a block for each \
         transaction, and no others. Not used beside a consensus engine",
    )
    .in_development("transaction"),
    Setting::new(
        ("chain.engine", "engine", "ENGINE"),
        Some("tiered"),
        "Engine to run on: tiered, wasmtime or wasmi. Results do not depend on it",
    ),
    Setting::new(
        ("chain.threads", "threads", "N"),
        Some("1"),
        "Threads that execute the transactions of a block",
    ),
    Setting::new(
        ("chain.keep_blocks", "keep-blocks", "N"),
        None,
        "Keep so many blocks, at least [default: all]",
    ),
    Setting::new(
        ("chain.versions", "versions", "N"),
        Some("64"),
        "States that are served for queries and proofs: those of the last N heights. Each keeps \
         the changed part of the state tree in memory",
    ),
    Setting::new(
        ("chain.proposer", "proposer", "ADDRESS"),
        None,
        "Account of the proposer in blocks that this node makes [default: none, 32 bytes 0]",
    ),
    Setting::new(
        ("consensus.abci", "abci", "ADDRESS"),
        None,
        "Let CometBFT make the blocks. It connects to this address: unix://PATH or \
         tcp://HOST:PORT [default: this node makes the blocks]",
    ),
    Setting::new(
        ("consensus.rpc", "engine-rpc", "URL"),
        None,
        "RPC of CometBFT, such as http://127.0.0.1:26657, to which transactions are handed that \
         are sent to this node [default: they are refused]",
    ),
    Setting::new(
        ("consensus.snapshots", "snapshots", "N"),
        None,
        "Take a snapshot for other nodes every N blocks [default: never]",
    ),
    Setting::new(
        ("rpc.listen", "rpc", "ADDRESS"),
        Some("127.0.0.1:8645"),
        "Address of the JSON-RPC interface and the explorer; `off`: none. Beside a consensus \
         engine, the default is `off`",
    ),
    Setting::new(
        ("rpc.admin", "admin", "ADDRESS"),
        Some("off"),
        "Address of what administers the node, and of its metrics; `off`: none",
    )
    .in_development("127.0.0.1:8646"),
    Setting::new(
        ("rpc.hosts", "allow-host", "NAME"),
        None,
        "Names under which clients may reach the node, besides loopback and the address it listens \
         on, separated by commas",
    )
    .list(),
    Setting::new(
        ("rpc.origins", "allow-origin", "ORIGIN"),
        None,
        "Origins of pages of others that may use the node, such as https://wallet.example, \
         separated by commas",
    )
    .list(),
    Setting::new(
        ("rpc.explorer", "explorer", "on|off"),
        Some("on"),
        "Serve the explorer",
    ),
    Setting::new(
        ("rpc.query_gas", "query-gas", "GAS"),
        Some("1000000000"),
        "Maximum gas limit of a query",
    ),
    Setting::new(
        ("rpc.calls_per_second", "calls-per-second", "N"),
        Some("500"),
        "Calls a second that one client address may make in the long run; twice as many at once",
    )
    .in_development("100000"),
    Setting::new(
        ("rpc.connections", "connections", "N"),
        Some("512"),
        "Maximum number of connections of clients",
    ),
    Setting::new(
        ("rpc.client_connections", "client-connections", "N"),
        Some("64"),
        "Maximum number of connections of one client address. Behind a proxy, all have one address",
    ),
    Setting::new(
        ("mempool.transactions", "mempool-transactions", "N"),
        Some("10000"),
        "Maximum number of transactions that wait",
    ),
    Setting::new(
        ("mempool.bytes", "mempool-bytes", "BYTES"),
        Some("67108864"),
        "Maximum size of the transactions that wait",
    ),
    Setting::new(
        ("mempool.sender_transactions", "sender-transactions", "N"),
        Some("64"),
        "Maximum number of transactions of one sender that wait",
    ),
    Setting::new(
        ("mempool.sender_bytes", "sender-bytes", "BYTES"),
        Some("8388608"),
        "Maximum size of the transactions of one sender that wait",
    ),
    Setting::new(
        ("self_check.every", "self-check", "N"),
        None,
        "Execute each block whose height is divisible by N again on another engine, in the \
         background [default: none]",
    ),
    Setting::new(
        ("self_check.on_alarm", "on-alarm", "ACTION"),
        Some("report"),
        "What to do if the other engine differs: `report` it and go on, `stop` the node, or go on \
         with the `interpreter` alone",
    ),
    Setting::new(
        ("log.level", "log", "LEVEL"),
        Some("info"),
        "What is logged: error, warn, info, debug or trace; also by crate, such as \
         `info,fusee_abci=debug`",
    ),
    Setting::new(
        ("log.format", "log-format", "FORMAT"),
        Some("text"),
        "Form of the log: `text`, or `json` with one document in each line",
    ),
    Setting::new(
        ("traces.otlp", "otlp", "URL"),
        None,
        "Send traces to an OpenTelemetry collector, such as http://127.0.0.1:4318, by OTLP over \
         HTTP. For programs that are built with the cargo feature `otel` [default: none]",
    ),
];

impl Setting {
    const fn new(
        (name, flag, value): (&'static str, &'static str, &'static str),
        default: Option<&'static str>,
        about: &'static str,
    ) -> Self {
        Self {
            name,
            flag,
            value,
            default,
            development: None,
            is_list: false,
            about,
        }
    }

    const fn in_development(mut self, default: &'static str) -> Self {
        self.development = Some(default);
        self
    }

    const fn list(mut self) -> Self {
        self.is_list = true;
        self
    }

    /// The setting of this name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.name == name)
    }

    /// Its section and key in the file.
    pub(crate) fn section_and_key(&self) -> (&'static str, &'static str) {
        self.name.split_once('.').unwrap_or(("", self.name))
    }

    /// Its environment variable.
    pub(crate) fn variable(&self) -> String {
        let name = self.name.replace('.', "_").to_uppercase();
        format!("{PREFIX}{name}")
    }

    /// The heading of its flag in the help.
    pub(crate) fn heading(&self) -> &'static str {
        match self.section_and_key().0 {
            "chain" => "Chain",
            "consensus" => "Consensus",
            "rpc" => "Interface",
            "mempool" => "Mempool",
            "self_check" => "Self-check",
            "traces" => "Traces",
            _ => "Log",
        }
    }
}

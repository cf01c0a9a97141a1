//! A node in a process of its own, and clients that ask it over HTTP.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use jsonrpsee::{
    core::{client::ClientT, traits::ToRpcParams},
    http_client::{HttpClient, HttpClientBuilder},
};
use serde_json::{Value, value::RawValue};
use tokio::runtime::Runtime;

use super::Request;
use crate::measure::{now, real_time};

/// How long a node may take to start, and to include what was sent.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running node, or a network of them. It is killed when it is dropped.
pub(super) struct Server {
    children: Vec<Child>,
    runtime: Runtime,
    url: String,
    /// From the start of the process to its first answer.
    pub(super) started: Duration,
    /// What it lives in.
    _folder: tempfile::TempDir,
}

/// Parameters as they are.
struct Params(Value);

impl ToRpcParams for Params {
    fn to_rpc_params(self) -> Result<Option<Box<RawValue>>, serde_json::Error> {
        RawValue::from_string(self.0.to_string()).map(Some)
    }
}

/// A port of this machine that nothing listens on.
pub(super) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

impl Server {
    /// Starts processes of which one will listen on the port, and waits until it answers `first`.
    pub(super) fn start(
        commands: &mut [Command],
        (port, folder): (u16, tempfile::TempDir),
        first: Request,
    ) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let begun = now();
        let mut server = Self {
            children: Vec::new(),
            runtime,
            url: format!("http://127.0.0.1:{port}"),
            started: Duration::ZERO,
            _folder: folder,
        };
        for command in &mut *commands {
            let command = command.stdin(Stdio::null()).stdout(Stdio::null());
            let child = command.stderr(Stdio::null()).spawn();
            let child = child.with_context(|| format!("cannot start {command:?}"))?;
            server.children.push(child);
        }
        while server.ask(&first).is_err() {
            ensure!(begun.elapsed() < PATIENCE, "{commands:?} do not answer");
            for (child, command) in server.children.iter_mut().zip(&*commands) {
                let ended = child.try_wait()?;
                ensure!(ended.is_none(), "{command:?} has ended: {ended:?}");
            }
            thread::sleep(Duration::from_millis(2));
        }
        server.started = begun.elapsed();
        Ok(server)
    }

    fn client(&self) -> Result<HttpClient> {
        let _entered = self.runtime.enter();
        let client = HttpClientBuilder::default().request_timeout(PATIENCE);
        Ok(client.build(&self.url)?)
    }

    /// Asks once.
    pub(super) fn ask(&self, request: &Request) -> Result<Value> {
        let client = self.client()?;
        self.runtime.block_on(answer(&client, request))
    }

    /// One client after the other asks; how long each answer took.
    pub(super) fn by_turns(&self, clients: &[Vec<Request>]) -> Result<Vec<Duration>> {
        let mut times = Vec::new();
        for requests in clients {
            let client = self.client()?;
            for request in requests {
                let (answer, time) = real_time(|| self.runtime.block_on(answer(&client, request)));
                answer?;
                times.push(time);
            }
        }
        Ok(times)
    }

    /// All clients ask at once, each by turns; how long they took together.
    pub(super) fn all(&self, clients: &[Vec<Request>]) -> Result<Duration> {
        let begun = now();
        self.runtime.block_on(async {
            let mut tasks = tokio::task::JoinSet::new();
            for requests in clients {
                let (client, requests) = (self.client()?, requests.clone());
                tasks.spawn(async move {
                    for request in &requests {
                        answer(&client, request).await?;
                    }
                    anyhow::Ok(())
                });
            }
            while let Some(ended) = tasks.join_next().await {
                ended??;
            }
            anyhow::Ok(())
        })?;
        Ok(begun.elapsed())
    }

    /// All clients ask at once, and then it is waited until all the answers to `conditions` are as
    /// they have to be. How long the first took, and both together.
    pub(super) fn until(
        &self,
        clients: &[Vec<Request>],
        conditions: &[Request],
        is_met: impl Fn(&Value) -> Result<bool>,
    ) -> Result<(Duration, Duration)> {
        let begun: Instant = now();
        let asked = self.all(clients)?;
        for condition in conditions {
            while !is_met(&self.ask(condition)?)? {
                if begun.elapsed() > PATIENCE {
                    bail!("not all was included within {PATIENCE:?}");
                }
                thread::sleep(Duration::from_millis(5));
            }
        }
        Ok((asked, begun.elapsed()))
    }
}

async fn answer(client: &HttpClient, (method, params): &Request) -> Result<Value> {
    let answer = client.request(method, Params(params.clone())).await;
    let answer: Value = answer.with_context(|| format!("no answer to `{method}`"))?;
    // CometBFT answers what it rejects, too.
    let code = answer.get("code").and_then(Value::as_u64);
    ensure!(code.is_none_or(|code| code == 0), "rejected: {answer}");
    Ok(answer)
}

impl Drop for Server {
    fn drop(&mut self) {
        // They are gone already, or are killed: nothing that they have is needed.
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

//! What a node tells when it is started: where it is reached, and the accounts of development.

use std::net::SocketAddr;

use fusee::node::Production;
use serde::Serialize;

use super::service::{Context, Service};
use crate::{
    addresses,
    failure::Failure,
    names::{self, ACCOUNTS},
    numbers::grouped,
    receipt::line,
    table::table,
};

/// A node that is started.
#[derive(Serialize)]
pub(super) struct Announcement {
    chain_id: String,
    data: String,
    /// The height of the last block.
    height: Option<u64>,
    engine: &'static str,
    /// When blocks are made.
    blocks: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    abci: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rpc: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explorer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    admin: Option<String>,
    /// Those that everybody can sign for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    accounts: Vec<AccountJson>,
}

#[derive(Serialize)]
struct AccountJson {
    /// Its secret key follows from it.
    name: &'static str,
    address: String,
    /// As text, because JSON readers round large numbers.
    balance: String,
}

impl Announcement {
    /// `service`: `None` if the node follows later.
    pub(super) fn of(
        context: &Context,
        service: Option<&Service>,
        abci: Option<String>,
    ) -> Result<Self, Failure> {
        let settings = &context.settings;
        let (listen, admin) = context.bound.get().copied().unzip();
        let (listen, admin) = (listen.map(url), admin.flatten());
        let mut accounts = Vec::new();
        if let Some(service) = service.filter(|_| context.is_development) {
            let state = service.node.version(None)?;
            for name in ACCOUNTS {
                let address = names::account(name);
                accounts.push(AccountJson {
                    name,
                    address: address.to_string(),
                    balance: addresses::account(&state, address)?.balance.to_string(),
                });
            }
        }
        let height = service.and_then(|service| service.node.head());
        Ok(Self {
            chain_id: context.genesis.parameters.chain_id.clone(),
            data: context.data.display().to_string(),
            height: height.map(|head| head.height),
            engine: context.engines.name,
            blocks: match (&abci, settings.chain.production) {
                (Some(_), _) => "by the consensus engine".to_owned(),
                (None, Production::Every(time)) => format!("every {time:?}"),
                (None, _) => "for each transaction".to_owned(),
            },
            abci,
            explorer: listen.clone().filter(|_| settings.rpc.explorer),
            rpc: listen,
            admin: admin.map(url),
            accounts,
        })
    }

    pub(super) fn text(&self) -> String {
        let mut lines = vec![line("chain", &self.chain_id), line("data", &self.data)];
        lines.extend(self.height.map(|height| line("height", grouped(height))));
        lines.push(line("engine", self.engine));
        lines.push(line("blocks", &self.blocks));
        let optional = [
            ("abci", &self.abci),
            ("rpc", &self.rpc),
            ("explorer", &self.explorer),
            ("admin", &self.admin),
        ];
        lines.extend(
            optional
                .into_iter()
                .filter_map(|(about, text)| Some(line(about, text.as_deref()?))),
        );
        let mut text = table(0, &lines);
        if self.accounts.is_empty() {
            return text;
        }
        let mut rows = vec![["account", "address", "balance"].map(str::to_owned)];
        rows.extend(self.accounts.iter().map(|account| {
            let balance = grouped(&account.balance);
            [account.name.to_owned(), account.address.clone(), balance]
        }));
        text.push('\n');
        text.push_str(&table(0, &rows));
        text.push_str("\nEverybody can sign for these accounts: the name is the key.\n");
        text
    }
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

//! The verbs, one file each: resolve the flags, do the work, write the result.

pub(crate) mod accounts;
pub(crate) mod blocks;
pub(crate) mod call;
pub(crate) mod check;
pub(crate) mod code;
pub(crate) mod demo;
pub(crate) mod deploy;
pub(crate) mod events;
pub(crate) mod folder;
pub(crate) mod gas;
pub(crate) mod genesis;
pub(crate) mod inspect;
pub(crate) mod interface;
pub(crate) mod keys;
pub(crate) mod lookup;
pub(crate) mod net;
pub(crate) mod proof;
pub(crate) mod query;
pub(crate) mod replay;
pub(crate) mod replay_chain;
pub(crate) mod run;
pub(crate) mod shell;
pub(crate) mod snapshot;
pub(crate) mod status;
pub(crate) mod storage;
pub(crate) mod trace;
mod transaction;

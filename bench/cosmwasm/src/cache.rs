//! cosmwasm-vm: instances from each tier of its cache, alone and with an `execute` of a token.
//!
//! It calls what a chain calls, and nothing else of a guest: `allocate` is not among that.

use anyhow::{Context, Result, ensure};
use cosmwasm_std::Checksum;
use cosmwasm_vm::{
    Backend, Cache, CacheOptions, Instance, InstanceOptions, Size, call_execute_raw,
    call_instantiate_raw, capabilities_from_csv,
    testing::{MockApi, MockQuerier, MockStorage, mock_backend, mock_env, mock_info},
    to_vec,
};
use tempfile::TempDir;

use crate::{
    contender::{Contender, Guest},
    token,
};

const CAPABILITIES: &str = "cosmwasm_1_1,cosmwasm_1_2,cosmwasm_1_3,cosmwasm_1_4,cosmwasm_2_0,\
    cosmwasm_2_1,cosmwasm_2_2,iterator,staking";

const MEMORY_LIMIT: Size = Size::mebi(64);

/// Gas that no run uses up.
const OPTIONS: InstanceOptions = InstanceOptions {
    gas_limit: u64::MAX >> 2,
};

/// Where an instance's module comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tier {
    Pinned,
    Memory,
    File,
}

type Programs = Cache<MockApi, MockStorage, MockQuerier>;
type Program = Instance<MockApi, MockStorage, MockQuerier>;
type World = Backend<MockApi, MockStorage, MockQuerier>;

/// A cache that knows one program, and its folder, which goes with it.
struct Stored {
    programs: Programs,
    checksum: Checksum,
    folder: TempDir,
}

/// A transfer, as bytes for `execute`.
struct Transfer {
    environment: Vec<u8>,
    sender: Vec<u8>,
    message: Vec<u8>,
}

/// A fresh instance, not called.
pub(crate) fn instance(tier: Tier, guest: &Guest) -> Result<Contender> {
    let stored = Stored::in_tier(tier, guest)?;
    Ok(Contender::Shared(Box::new(move || {
        stored.instance(mock_backend(&[])).map(drop)
    })))
}

/// A fresh instance, and a transfer of the token.
pub(crate) fn transfer(tier: Tier) -> Result<Contender> {
    let stored = Stored::in_tier(tier, &token::guest()?)?;
    let (first, transfer) = stored.instantiated()?;
    let mut world = first.recycle();
    Ok(Contender::Alone(Box::new(move || {
        let mut instance = stored.instance(world.take().context("the state is lost")?)?;
        transfer.call(&mut instance)?;
        world = instance.recycle();
        Ok(())
    })))
}

/// A transfer of the token on an instance that stays alive.
pub(crate) fn reused() -> Result<Contender> {
    let stored = Stored::in_tier(Tier::Pinned, &token::guest()?)?;
    let (mut instance, transfer) = stored.instantiated()?;
    Ok(Contender::Alone(Box::new(move || {
        transfer.call(&mut instance)
    })))
}

/// From the bytes of a program to an instance.
pub(crate) fn deployed(guest: Guest) -> Result<Contender> {
    let stored = Stored::in_tier(Tier::File, &guest)?;
    Ok(Contender::Alone(Box::new(move || {
        stored.programs.store_code(&guest.wasm, true, true)?;
        stored.instance(mock_backend(&[])).map(drop)
    })))
}

/// From the folder of a cache to an instance.
pub(crate) fn restarted(guest: &Guest) -> Result<Contender> {
    let Stored {
        checksum, folder, ..
    } = Stored::in_tier(Tier::File, guest)?;
    Ok(Contender::Alone(Box::new(move || {
        let programs = open(&folder, Size::new(0))?;
        programs.get_instance(&checksum, mock_backend(&[]), OPTIONS)?;
        Ok(())
    })))
}

impl Stored {
    fn in_tier(tier: Tier, guest: &Guest) -> Result<Self> {
        let folder = TempDir::new()?;
        let memory = match tier {
            Tier::Pinned | Tier::Memory => Size::mebi(200),
            Tier::File => Size::new(0),
        };
        let programs = open(&folder, memory)?;
        let checksum = programs.store_code(&guest.wasm, true, true)?;
        if tier == Tier::Pinned {
            programs.pin(&checksum)?;
        }
        let stored = Self {
            programs,
            checksum,
            folder,
        };
        stored.check(tier)?;
        Ok(stored)
    }

    /// Makes two instances, and looks where the second came from.
    fn check(&self, tier: Tier) -> Result<()> {
        self.instance(mock_backend(&[]))?;
        let before = self.programs.stats();
        self.instance(mock_backend(&[]))?;
        let after = self.programs.stats();
        let (before, after) = match tier {
            Tier::Pinned => (
                before.hits_pinned_memory_cache,
                after.hits_pinned_memory_cache,
            ),
            Tier::Memory => (before.hits_memory_cache, after.hits_memory_cache),
            Tier::File => (before.hits_fs_cache, after.hits_fs_cache),
        };
        ensure!(
            after > before,
            "an instance does not come from the tier {tier:?}"
        );
        Ok(())
    }

    fn instance(&self, world: World) -> Result<Program> {
        Ok(self.programs.get_instance(&self.checksum, world, OPTIONS)?)
    }

    /// An instance whose sender has all tokens, and a transfer that can be repeated.
    fn instantiated(&self) -> Result<(Program, Transfer)> {
        let mut instance = self.instance(mock_backend(&[]))?;
        let [sender, recipient] =
            ["sender", "recipient"].map(|name| instance.api().addr_make(name));
        let environment = to_vec(&mock_env())?;
        let sender = to_vec(&mock_info(&sender, &[]))?;
        let supply = br#"{"supply":"1000000000000"}"#;
        let answer = call_instantiate_raw(&mut instance, &environment, &sender, supply)?;
        ensure_ok(&answer)?;
        let message = format!(r#"{{"transfer":{{"recipient":"{recipient}","amount":"1"}}}}"#);
        Ok((
            instance,
            Transfer {
                environment,
                sender,
                message: message.into_bytes(),
            },
        ))
    }
}

impl Transfer {
    fn call(&self, instance: &mut Program) -> Result<()> {
        let answer = call_execute_raw(instance, &self.environment, &self.sender, &self.message)?;
        ensure_ok(&answer)
    }
}

#[expect(unsafe_code, reason = "cosmwasm-vm trusts its folder, and says so")]
fn open(folder: &TempDir, memory: Size) -> Result<Programs> {
    let capabilities = capabilities_from_csv(CAPABILITIES);
    let options = CacheOptions::new(folder.path(), capabilities, memory, MEMORY_LIMIT);
    // SAFETY: nobody else knows the folder, and what is in it was written by such a cache.
    Ok(unsafe { Cache::new(options) }?)
}

fn ensure_ok(answer: &[u8]) -> Result<()> {
    ensure!(
        answer.starts_with(br#"{"ok":"#),
        "the contract failed: {}",
        String::from_utf8_lossy(answer)
    );
    Ok(())
}

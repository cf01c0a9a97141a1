//! cosmwasm-vm: instances from each tier of its cache, alone and with an `execute` of its
//! `hackatom`.
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

use crate::contender::{Contender, Guest};

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
type Hackatom = Instance<MockApi, MockStorage, MockQuerier>;
type World = Backend<MockApi, MockStorage, MockQuerier>;

/// A cache that knows one program, and its folder, which goes with it.
struct Stored {
    programs: Programs,
    checksum: Checksum,
    folder: TempDir,
}

/// A call of `execute`, as bytes.
struct Execute {
    environment: Vec<u8>,
    sender: Vec<u8>,
}

/// A fresh instance, not called.
pub(crate) fn instance(tier: Tier, guest: &Guest) -> Result<Contender> {
    let stored = Stored::in_tier(tier, guest)?;
    Ok(Contender::Shared(Box::new(move || {
        stored.instance(mock_backend(&[])).map(drop)
    })))
}

/// A fresh instance, and `execute`.
pub(crate) fn execute(tier: Tier, guest: &Guest) -> Result<Contender> {
    let stored = Stored::in_tier(tier, guest)?;
    let (first, execute) = stored.instantiated()?;
    let mut world = first.recycle();
    Ok(Contender::Alone(Box::new(move || {
        let mut instance = stored.instance(world.take().context("the state is lost")?)?;
        execute.call(&mut instance)?;
        world = instance.recycle();
        Ok(())
    })))
}

/// `execute` on an instance that stays alive.
pub(crate) fn reused(guest: &Guest) -> Result<Contender> {
    let stored = Stored::in_tier(Tier::Pinned, guest)?;
    let (mut instance, execute) = stored.instantiated()?;
    Ok(Contender::Alone(Box::new(move || {
        execute.call(&mut instance)
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

    fn instance(&self, world: World) -> Result<Hackatom> {
        Ok(self.programs.get_instance(&self.checksum, world, OPTIONS)?)
    }

    /// An instance whose state is set up, and a call that can be repeated on that state.
    fn instantiated(&self) -> Result<(Hackatom, Execute)> {
        let mut instance = self.instance(mock_backend(&[]))?;
        let [creator, verifier, beneficiary] =
            ["creator", "verifies", "benefits"].map(|name| instance.api().addr_make(name));
        let message = format!(r#"{{"verifier":"{verifier}","beneficiary":"{beneficiary}"}}"#);
        let environment = to_vec(&mock_env())?;
        let creator = to_vec(&mock_info(&creator, &[]))?;
        let answer =
            call_instantiate_raw(&mut instance, &environment, &creator, message.as_bytes())?;
        ensure_ok(&answer)?;
        let sender = to_vec(&mock_info(&verifier, &[]))?;
        Ok((
            instance,
            Execute {
                environment,
                sender,
            },
        ))
    }
}

impl Execute {
    fn call(&self, instance: &mut Hackatom) -> Result<()> {
        let message = br#"{"release":{"denom":"earth"}}"#;
        let answer = call_execute_raw(instance, &self.environment, &self.sender, message)?;
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

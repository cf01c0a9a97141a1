//! Contracts that make, upgrade and hand over contracts.

use fusee_abi::{reentrancy, status};
use fusee_engine::{CodeHash, Gas, Stop, Trap};

use super::{
    PricedSyscall, arg,
    call::{charge_held, decode_options, suspend},
    check_writable, give, status as reply, take_address, take_array, take_region,
};
use crate::{
    Address,
    deployment::Opening,
    error::ContractError,
    frame::{CallRequest, Frame, fail},
};

/// The gas limit, the value, whether there is an admin, and the admin.
const OPTIONS_BYTES: usize = 57;

pub(super) fn deploy(frame: &mut Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    check_writable(frame)?;
    charge_held(frame, call)?;
    let code = CodeHash::from_bytes(take_array(call, 0)?);
    let salt = take_array(call, 1)?;
    let input = take_region(call, 2, frame.limits.data_bytes)?;
    let options: [u8; OPTIONS_BYTES] = take_array(call, 4)?;
    let (gas, value, admin) = decode(&options).ok_or(Stop::Trap(Trap::SyscallRefused))?;
    let address = Address::of_salted_contract(frame.context.address, &salt);
    give(call, 5, address.as_bytes())?;
    let access = frame.context.access;
    suspend(
        frame,
        CallRequest {
            to: address,
            method: String::new(),
            value,
            input,
            gas: Gas::new(gas),
            access,
            opening: Opening::Create { code, admin },
        },
    )
}

pub(super) fn upgrade(frame: &mut Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    check_writable(frame)?;
    charge_held(frame, call)?;
    let contract = take_address(call, 0)?;
    let code = CodeHash::from_bytes(take_array(call, 1)?);
    let input = take_region(call, 2, frame.limits.data_bytes)?;
    let gas = Gas::new(arg(call, 4)?);
    let access = frame.context.access;
    suspend(
        frame,
        CallRequest {
            to: contract,
            method: String::new(),
            value: 0,
            input,
            gas,
            access,
            opening: Opening::Upgrade { code },
        },
    )
}

pub(super) fn set_admin(frame: &mut Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    check_writable(frame)?;
    let contract = take_address(call, 0)?;
    let admin = match arg(call, 1)? {
        0 => None,
        1 => Some(take_address(call, 2)?),
        _ => return Err(Stop::Trap(Trap::SyscallRefused)),
    };
    let by = frame.context.address;
    let result = frame.changes().hand_over(contract, by, admin);
    Ok(match result.map_err(unreadable)? {
        Ok(()) => 0,
        Err(_) => reply(status::NOT_ADMIN),
    })
}

pub(super) fn admin(frame: &mut Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    let contract = take_address(call, 0)?;
    match frame.changes().admin(contract).map_err(unreadable)? {
        None => Ok(0),
        Some(admin) => give(call, 1, admin.as_bytes()).map(|()| 1),
    }
}

pub(super) fn code_hash(frame: &mut Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    let contract = take_address(call, 0)?;
    match frame.changes().code(contract).map_err(unreadable)? {
        None => Ok(0),
        Some(code) => give(call, 1, code.hash.as_bytes()).map(|()| 1),
    }
}

pub(super) fn set_reentrancy(
    frame: &mut Frame,
    call: &mut PricedSyscall<'_, '_>,
) -> Result<u64, Stop> {
    check_writable(frame)?;
    let policy = u8::try_from(arg(call, 0)?).ok();
    let policy = policy.filter(|policy| u32::from(*policy) & !reentrancy::ALL == 0);
    let policy = policy.ok_or(Stop::Trap(Trap::SyscallRefused))?;
    let contract = frame.context.address;
    frame.changes().set_reentrancy(contract, policy);
    Ok(0)
}

fn decode(options: &[u8; OPTIONS_BYTES]) -> Option<(u64, u128, Option<Address>)> {
    let (call, admin) = options.split_at_checked(24)?;
    let (gas, value) = decode_options(call)?;
    let (has_admin, admin) = admin.split_first()?;
    let admin = match has_admin {
        0 => None,
        1 => Some(Address::new(admin.try_into().ok()?)),
        _ => return None,
    };
    Some((gas, value, admin))
}

fn unreadable(error: ContractError) -> Stop {
    fail(error.into())
}

//! Endings: the result of a call for each way to end.

use fusee_engine::Trap;

use crate::{CallResult, ExitCode, host::CallContext};

/// Ends a call for want of something that the transaction has too little of. All its gas counts as
/// used, as in the reference.
pub(crate) fn exhausted(context: &mut CallContext, code: ExitCode) -> CallResult {
    context.gas_used = context.gas_limit;
    refused(context, code, "")
}

/// Ends a call with this code and payload, for a reason that the program does not write to its
/// output.
pub(crate) fn refused(context: &CallContext, code: ExitCode, message: &str) -> CallResult {
    with_payload(context, code, message.as_bytes())
}

/// Ends a call whose entry returned. The output already begins with the exit code, is empty, or
/// belongs to a program that is not a system program.
// Inlined as all on the way of a result: it would be stored in parts and loaded whole, which a
// processor cannot forward from its store buffer.
#[inline]
pub(crate) fn returned(context: &CallContext, code: i32, mut output: Vec<u8>) -> CallResult {
    let exit_code = ExitCode::of_program(code);
    let has_header = context.is_system();
    if has_header {
        let header = exit_code.code().to_le_bytes();
        match output.first_chunk_mut() {
            Some(written) => *written = header,
            None => output = header.to_vec(),
        }
    }
    CallResult {
        exit_code,
        output,
        gas_used: context.gas_used,
        gas_left: context.billed_gas_left(),
        has_header,
    }
}

/// A syscall finished the call.
pub(crate) fn exited(context: CallContext) -> CallResult {
    let told = context.exit.unwrap_or(ExitCode::Ok.code());
    let code = ExitCode::of_exit(told);
    if code == ExitCode::Panic {
        let message = String::from_utf8_lossy(&context.output);
        tracing::warn!(%message, "a program panicked");
        // The message has no header.
        return CallResult {
            exit_code: code,
            gas_used: context.gas_used,
            gas_left: context.billed_gas_left(),
            output: context.output,
            has_header: false,
        };
    }
    // If a program writes a code before its payload, it is the code with which it exits.
    let payload = context.output.strip_prefix(&told.to_le_bytes());
    let payload = payload.filter(|_| context.is_system());
    with_payload(&context, code, payload.unwrap_or(&context.output))
}

/// The program trapped.
pub(crate) fn trapped(context: &CallContext, trap: Trap) -> CallResult {
    match context.program {
        Some(program) => {
            tracing::warn!(program = %program.code, %trap, "a system program trapped");
            let message = format!("the program trapped: {trap}");
            refused(context, ExitCode::UnexpectedFatalExecutionFailure, &message)
        }
        None => refused(context, ExitCode::from(trap), ""),
    }
}

/// Ends a call whose instance was lost.
pub(crate) fn lost(context: &CallContext) -> CallResult {
    let message = "the instance in which the call waited was lost: a call in it ended abnormally, \
                   or was dropped";
    refused(context, ExitCode::UnexpectedFatalExecutionFailure, message)
}

fn with_payload(context: &CallContext, code: ExitCode, payload: &[u8]) -> CallResult {
    let mut output = Vec::new();
    if context.is_system() {
        output.extend(code.code().to_le_bytes());
    }
    output.extend(payload);
    CallResult {
        exit_code: code,
        output,
        gas_used: context.gas_used,
        gas_left: context.billed_gas_left(),
        has_header: context.is_system(),
    }
}

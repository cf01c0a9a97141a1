//! A delegate that answers a message of an application, by the first byte of that: it keeps a
//! secret, reads the state of a contract, creates another delegate, or reads what a timer says.

use freenet_stdlib::prelude::*;

struct Delegate;

#[delegate]
impl DelegateInterface for Delegate {
    fn process(
        ctx: &mut DelegateCtx,
        parameters: Parameters<'static>,
        _: Option<MessageOrigin>,
        message: InboundDelegateMsg,
    ) -> Result<Vec<OutboundDelegateMsg>, DelegateError> {
        let InboundDelegateMsg::ApplicationMessage(message) = message else {
            return Err(DelegateError::Other("no message of an application".into()));
        };
        let refused = || DelegateError::Other("the host refused".into());
        let payload = match message.payload.split_first() {
            Some((b's', secret)) => {
                ctx.set_secret(parameters.as_ref(), secret);
                ctx.get_secret(parameters.as_ref()).ok_or_else(refused)?
            }
            Some((b'g', id)) => {
                let id = id.try_into().map_err(|_| refused())?;
                ctx.get_contract_state(id).ok_or_else(refused)?
            }
            Some((b'c', wasm)) => {
                let made = ctx.create_delegate(wasm, parameters.as_ref(), &[1; 32], &[2; 24]);
                let (key, hash) = made.map_err(|_| refused())?;
                [key, hash].concat()
            }
            _ => return Err(DelegateError::Other("an unknown message".into())),
        };
        let answer = ApplicationMessage::new(payload).processed(true);
        Ok(vec![OutboundDelegateMsg::ApplicationMessage(answer)])
    }
}

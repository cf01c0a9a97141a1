//! A delegate that answers a message of an application, by the first byte of that: it keeps secrets
//! and lists them, reads, writes and watches the state of a contract, creates another delegate,
//! tells the time, or throws dice.

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
            Some((b'k', key)) => {
                ctx.set_secret(key, b"known");
                let prefix = key.get(..1).unwrap_or_default();
                ctx.list_secrets(prefix).join(&b',')
            }
            Some((b'p', rest)) => {
                let (id, state) = rest.split_first_chunk().ok_or_else(refused)?;
                let is_done = ctx.put_contract_state(id, state);
                vec![u8::from(is_done)]
            }
            Some((b'u', rest)) => {
                let (id, state) = rest.split_first_chunk().ok_or_else(refused)?;
                let is_done = ctx.update_contract_state(id, state);
                vec![u8::from(is_done)]
            }
            Some((b'w', id)) => {
                let id = id.try_into().map_err(|_| refused())?;
                vec![u8::from(ctx.subscribe_contract(id))]
            }
            Some((b't', _)) => format!("{:?}", freenet_stdlib::time::now()).into_bytes(),
            Some((b'r', count)) => {
                let count = count.try_into().map_err(|_| refused())?;
                freenet_stdlib::rand::rand_bytes(u32::from_le_bytes(count))
            }
            _ => return Err(DelegateError::Other("an unknown message".into())),
        };
        let answer = ApplicationMessage::new(payload).processed(true);
        Ok(vec![OutboundDelegateMsg::ApplicationMessage(answer)])
    }
}

//! The tokens on every machine.

use fusee_sdk::Address;
use fusee_testkit::{
    Chain, Fuzz, GasSnapshot, Machine, Program, Status, on_every_machine, on_machine, program,
};
use nft::{Error, Nft, NftClient};

const NFT: Program = program!(Nft);

/// Three tokens of Alice, who made them.
fn minted(chain: &mut Chain) -> (Address, Address, NftClient) {
    let (alice, bob) = (chain.account("alice", 0), chain.account("bob", 0));
    let nft = NftClient::at(chain.deploy(alice, &NFT, &NftClient::deploy().input()));
    for (number, text) in (0..).zip(["a lighthouse", "a fusée", ""]) {
        assert_eq!(chain.call(alice, nft.mint(alice, text.to_owned())), number);
    }
    (alice, bob, nft)
}

#[test]
fn an_account_has_the_tokens_that_it_was_given() {
    on_every_machine(|chain| {
        let (alice, bob, nft) = minted(chain);
        chain.call(alice, nft.transfer(1, bob));
        assert_eq!(chain.query(nft.owner_of(1)), bob);
        assert_eq!(chain.query(nft.text(1)).as_deref(), Some("a fusée"));
        assert_eq!(chain.query(nft.tokens_of(alice, 0, 10)), [0, 2]);
        assert_eq!(chain.query(nft.tokens_of(alice, 1, 10)), [2]);
        assert_eq!(chain.query(nft.tokens_of(alice, 0, 1)), [0]);
        assert_eq!(chain.query(nft.tokens_of(bob, 0, 10)), [1]);
        let failure = chain.try_query(nft.owner_of(3)).unwrap_err();
        assert_eq!(failure, Error::Unknown { token: 3 }.to_string());
    });
}

#[test]
fn the_parties_of_a_transfer_are_topics() {
    on_every_machine(|chain| {
        let (alice, bob, nft) = minted(chain);
        chain.call(alice, nft.transfer(2, bob));
        let events = &chain.receipt().events;
        let topics: Vec<_> = events
            .iter()
            .flat_map(|event| event.topics.clone())
            .collect();
        let from = [&[1][..], alice.as_bytes()].concat();
        assert_eq!(
            topics,
            [b"transfer".to_vec(), from, bob.as_bytes().to_vec()]
        );
        let (_, fields) = chain.events().remove(0);
        assert_eq!(fields["token"], 2);
    });
}

#[test]
fn only_its_owner_and_whom_it_approved_move_a_token() {
    on_every_machine(|chain| {
        let (alice, bob, nft) = minted(chain);
        let failure = chain.try_call(bob, nft.transfer(0, bob)).unwrap_err();
        let refused = Error::NotAllowed {
            caller: bob,
            token: 0,
        };
        assert_eq!(failure, refused.to_string());
        chain.call(alice, nft.approve(0, bob));
        chain.call(bob, nft.transfer(0, bob));
        // Once.
        chain.call(bob, nft.transfer(0, alice));
        let failure = chain.try_call(bob, nft.transfer(0, bob)).unwrap_err();
        assert_eq!(failure, refused.to_string());
        let failure = chain
            .try_call(bob, nft.mint(bob, String::new()))
            .unwrap_err();
        assert_eq!(failure, Error::NotTheMinter.to_string());
    });
}

#[test]
fn each_token_has_one_owner_who_has_it() {
    on_every_machine(|chain| {
        let (alice, bob, nft) = minted(chain);
        let accounts = [alice, bob];
        let fuzz = Fuzz {
            contract: *nft.text(0).target(),
            accounts: &accounts,
            seed: 7,
            calls: 200,
        };
        let (mut count, mut moved) = (3, 0);
        chain.fuzz(fuzz, |chain, call| {
            if call.status == Status::Success {
                count += u64::from(call.method == "mint");
                moved += u64::from(call.method == "transfer");
            }
            let mut all = Vec::new();
            for account in accounts {
                let tokens = chain.query(nft.tokens_of(account, 0, u32::MAX));
                for token in &tokens {
                    assert_eq!(chain.query(nft.owner_of(*token)), account);
                }
                all.extend(tokens);
            }
            all.sort_unstable();
            assert!(all.into_iter().eq(0..count), "each is listed once");
        });
        assert!(count > 3 && moved > 0, "{count} {moved}");
    });
}

#[test]
fn gas_is_as_in_the_file() {
    on_machine(Machine::Wasmtime, |chain| {
        let mut gas = GasSnapshot::new();
        let (alice, bob, nft) = minted(chain);
        chain.call(alice, nft.mint(alice, "a lighthouse".to_owned()));
        gas.record("mint", chain.gas_used());
        chain.call(alice, nft.approve(0, bob));
        gas.record("approve", chain.gas_used());
        chain.call(alice, nft.transfer(1, bob));
        gas.record("transfer", chain.gas_used());
        // Per mille: compilers change.
        gas.check("tests/gas.txt", 20).unwrap();
    });
}

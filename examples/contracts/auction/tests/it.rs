//! The auction on every machine.

use auction::{Auction, AuctionClient, Error, Offer};
use fusee_sdk::Address;
use fusee_testkit::{
    Chain, Fuzz, GasSnapshot, Machine, Program, Status, on_every_machine, on_machine, program,
};

const AUCTION: Program = program!(Auction);

/// An auction of ten seconds.
fn begun(chain: &mut Chain) -> AuctionClient {
    begun_for(chain, 10_000)
}

/// An auction of so many milliseconds.
fn begun_for(chain: &mut Chain, duration: u64) -> AuctionClient {
    let seller = chain.account("seller", 0);
    let input = AuctionClient::deploy(duration).input();
    AuctionClient::at(chain.deploy(seller, &AUCTION, &input))
}

#[test]
fn the_highest_bid_goes_to_the_seller_and_the_others_come_back() {
    on_every_machine(|chain| {
        let auction = begun(chain);
        let (alice, bob) = (chain.account("alice", 100), chain.account("bob", 100));
        chain.call(alice, auction.bid().value(40));
        chain.call(bob, auction.bid().value(50));
        chain.call(alice, auction.bid().value(60));
        assert_eq!((chain.balance(alice), chain.balance(bob)), (0, 50));
        let failure = chain.try_call(bob, auction.bid().value(50)).unwrap_err();
        assert_eq!(failure, Error::TooLow { highest: 60 }.to_string());

        chain.advance_time(10_000);
        let failure = chain.try_call(bob, auction.bid().value(50)).unwrap_err();
        assert_eq!(failure, Error::TooLate.to_string());
        chain.call(bob, auction.settle());
        let seller = chain.account("seller", 60);
        assert_eq!(chain.balance(seller), 60);
        assert_eq!(chain.call(bob, auction.withdraw()), 50);
        assert_eq!(chain.call(alice, auction.withdraw()), 40);
        assert_eq!((chain.balance(alice), chain.balance(bob)), (40, 100));
        let failure = chain.try_call(bob, auction.settle()).unwrap_err();
        assert_eq!(failure, Error::SettledBefore.to_string());
    });
}

#[test]
fn nothing_is_settled_before_the_end() {
    on_every_machine(|chain| {
        let auction = begun(chain);
        let alice = chain.account("alice", 100);
        chain.call(alice, auction.bid().value(1));
        let best = Offer {
            bidder: alice,
            amount: 1,
        };
        assert_eq!(chain.query(auction.highest()), Some(best));
        let failure = chain.try_call(alice, auction.settle()).unwrap_err();
        assert!(
            failure.message.starts_with("the auction ends at 17356"),
            "{failure}"
        );
    });
}

#[test]
fn a_method_that_takes_no_value_is_sent_none() {
    on_every_machine(|chain| {
        let auction = begun(chain);
        let alice = chain.account("alice", 100);
        chain.advance_time(10_000);
        let failure = chain
            .try_call(alice, auction.settle().value(5))
            .unwrap_err();
        assert!(matches!(failure.status, Status::Rejected(_)), "{failure}");
        assert_eq!(chain.balance(alice), 100);
    });
}

/// What the storage of an auction says that it owes: the bids that wait to be withdrawn, and the
/// highest one until it is settled.
fn owed(chain: &Chain, contract: Address, auction: AuctionClient) -> u128 {
    const REFUNDS: u8 = 3;
    const IS_SETTLED: u8 = 4;
    let storage = chain.storage(contract);
    let refunds = storage
        .iter()
        .filter(|(key, _)| key.first() == Some(&REFUNDS))
        .map(|(_, value)| u128::from_le_bytes(value[..].try_into().expect("an amount")));
    let highest = chain.query(auction.highest()).map_or(0, |best| best.amount);
    match storage.contains_key(&vec![IS_SETTLED]) {
        true => refunds.sum(),
        false => refunds.sum::<u128>() + highest,
    }
}

#[test]
fn the_balance_is_what_the_auction_owes() {
    on_every_machine(|chain| {
        let mut ends = [false; 3];
        for seed in 1..=4 {
            // Each call has a block, and a block takes a second.
            let auction = begun_for(chain, 20_000);
            let contract = *auction.highest().target();
            let bidders = ["alice", "bob"].map(|name| chain.account(name, 100));
            let fuzz = Fuzz {
                contract,
                accounts: &bidders,
                seed,
                calls: 40,
            };
            chain.fuzz(fuzz, |chain, call| {
                let owed = owed(chain, contract, auction);
                assert_eq!(chain.balance(contract), owed, "it has what it owes");
                let methods = ["bid", "withdraw", "settle"];
                let method = methods.iter().position(|name| *name == call.method);
                if let Some(method) = method.filter(|_| call.status == Status::Success) {
                    ends[method] = true;
                }
                // Random bids are of up to 3. So Alice exceeds her own twice, too.
                if matches!(call.number, 4 | 8 | 12) {
                    let amount = u128::from(call.number);
                    chain.call(bidders[0], auction.bid().value(amount));
                }
            });
        }
        assert_eq!(ends, [true; 3], "each method succeeds");
    });
}

#[test]
fn gas_is_as_in_the_file() {
    on_machine(Machine::Wasmtime, |chain| {
        let mut gas = GasSnapshot::new();
        let auction = begun(chain);
        gas.record("deploy", chain.gas_used());
        let (alice, bob) = (chain.account("alice", 100), chain.account("bob", 100));
        chain.call(alice, auction.bid().value(40));
        chain.call(bob, auction.bid().value(50));
        gas.record("bid", chain.gas_used());
        chain.call(alice, auction.withdraw());
        gas.record("withdraw", chain.gas_used());
        chain.advance_time(10_000);
        chain.call(bob, auction.settle());
        gas.record("settle", chain.gas_used());
        // Per mille: compilers change.
        gas.check("tests/gas.txt", 20).unwrap();
    });
}

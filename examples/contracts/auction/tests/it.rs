//! The auction on every machine.

use auction::{Auction, AuctionClient, Error, Offer};
use fusee_testkit::{Chain, Program, Status, on_every_machine, program};

const AUCTION: Program = program!(Auction);

/// An auction of ten seconds.
fn begun(chain: &mut Chain) -> AuctionClient {
    let seller = chain.account("seller", 0);
    let auction = chain.deploy(seller, &AUCTION, &AuctionClient::deploy(10_000).input());
    AuctionClient::at(auction)
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

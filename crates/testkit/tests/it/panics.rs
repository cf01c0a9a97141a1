//! A panic is the same revert on every machine, with the place in the source.

use auction::{Auction, AuctionClient};
use fusee_testkit::{Program, Status, on_every_machine, program};

const AUCTION: Program = program!(Auction => "example-auction");

#[test]
fn a_panic_reverts_with_its_place_on_every_machine() {
    on_every_machine(|chain| {
        let seller = chain.account("seller", 0);
        // The end of the auction overflows.
        let input = AuctionClient::deploy(u64::MAX).input();
        let failure = chain.try_deploy(seller, &AUCTION, &input).unwrap_err();
        assert_eq!(failure.status, Status::Reverted);
        let (place, line) = failure.message.rsplit_once(':').unwrap();
        assert!(place.starts_with("panicked at "), "{failure}");
        assert!(place.ends_with("src/lib.rs"), "{failure}");
        let source = include_str!("../../../../examples/contracts/auction/src/lib.rs");
        let line = line.parse::<usize>().unwrap().checked_sub(1).unwrap();
        let line = source.lines().nth(line).unwrap();
        assert!(line.contains("env::block_time() + duration"), "{line}");
    });
}

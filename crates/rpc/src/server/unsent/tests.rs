//! What is counted, refused and forgotten.

use super::*;

fn limits() -> Limits {
    Limits {
        unsent_per_client: 100_000,
        unsent: 150_000,
        ..Limits::default()
    }
}

fn load(count: &AtomicUsize) -> usize {
    count.load(Ordering::Relaxed)
}

#[test]
fn a_client_has_no_more_than_its_share_however_many_connections_it_has() {
    let (client, other, all) = (Arc::default(), Arc::default(), Arc::default());
    let connection = |client: &Arc<AtomicUsize>| {
        let all: &Arc<AtomicUsize> = &all;
        Unsent::new(Arc::clone(client), Arc::clone(all), &limits())
    };
    let (one, two) = (connection(&client), connection(&client));
    one.add(60_000).unwrap();
    let refused = two.add(60_000).unwrap_err();
    assert_eq!(refused.kind, Some(ErrorKind::Busy));
    // What is small is answered all the same.
    two.add(SMALL).unwrap();
    assert_eq!(load(&client), 60_000 + SMALL);

    let third = connection(&other);
    third.add(80_000).unwrap();
    let refused = third.add(10_000).unwrap_err();
    assert!(refused.message.contains("the node"), "{}", refused.message);

    // What is sent makes room, and so does a connection that ends.
    one.sent(50_000);
    two.add(50_000).unwrap();
    drop(two);
    assert_eq!((load(&client), load(&all)), (10_000, 90_000));
    // Heads and frames are sent, and were not counted.
    one.sent(20_000);
    drop((one, third));
    assert_eq!((load(&client), load(&other), load(&all)), (0, 0, 0));
}

#[test]
fn what_was_counted_and_left_out_is_forgotten() {
    let all = Arc::default();
    let unsent = Unsent::new(Arc::default(), Arc::clone(&all), &limits());
    unsent.add(90_000).unwrap();
    unsent.sent(200);
    unsent.next_request();
    assert_eq!(load(&all), 0);
    // Not while the client does not read.
    unsent.add(90_000).unwrap();
    unsent.stalls();
    unsent.next_request();
    assert_eq!(load(&all), 90_000);
    *unsent.last.lock().unwrap() = now() - 2 * QUIET;
    unsent.add(50_000).unwrap_err();
    // But after a time in which the stream could send, and had nothing to.
    unsent.sent(0);
    *unsent.last.lock().unwrap() = now() - 2 * QUIET;
    unsent.add(50_000).unwrap();
    assert_eq!(load(&all), 50_000);
}

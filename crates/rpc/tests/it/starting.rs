//! What listens before there is a node to serve, and leaves its addresses to the server.

use std::sync::Arc;

use fusee_node::Production;
use fusee_rpc::{AdminOptions, RpcOptions, RpcServer, StartingServer};

use crate::{
    web::{call, exchange, get, post},
    world::{World, genesis},
};

#[test]
fn what_is_not_ready_yet_says_so_until_the_server_takes_its_place() {
    let world = World::new(Production::ByHand);
    let mut options = RpcOptions::new(&genesis());
    options.address.set_port(0);
    let mut admin = AdminOptions::default();
    admin.address.set_port(0);
    admin.metrics = Some(Arc::new(|| "fusee_up 1\n".to_owned()));
    options.admin = Some(admin);
    let starting = StartingServer::start(&options, "there is no block yet").unwrap();
    let (public, operators) = (starting.address(), starting.admin_address().unwrap());
    for address in [public, operators] {
        assert_eq!(get(address, "/healthz", "").status, 200);
        let told = get(address, "/readyz", "");
        assert_eq!(told.status, 503);
        assert_eq!(told.json()["status"], "starting");
        assert_eq!(told.json()["reason"], "there is no block yet");
        assert!(
            told.head
                .contains("content-security-policy: default-src 'none'")
        );
        // Nobody's page can call it by a name of its own.
        assert_eq!(
            get(address, "/healthz", "Host: evil.example\r\n").status,
            403
        );
        let request = call("getHealth", &serde_json::json!({}));
        let refused = post(address, &request);
        assert_eq!(refused.status, 503);
        assert!(refused.head.contains("retry-after: 1"), "{}", refused.head);
        assert_eq!(
            exchange(address, b"\x16\x03\x01 not http\r\n\r\n").status,
            400
        );
    }
    assert_eq!(get(operators, "/metrics", "").body, "fusee_up 1\n");
    assert_eq!(get(public, "/metrics", "").status, 503);
    // A client that does nothing does not hold up the end.
    let idle = crate::web::connect(public);
    starting.stop();
    world.node.produce().unwrap();
    drop(idle);
    options.address = public;
    options.admin.as_mut().unwrap().address = operators;
    let server = RpcServer::start(Arc::clone(&world.node), options).unwrap();
    assert_eq!(
        (server.address(), server.admin_address()),
        (public, Some(operators))
    );
    assert_eq!(get(public, "/readyz", "").status, 200);
}

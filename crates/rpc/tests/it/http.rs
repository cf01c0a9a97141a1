//! What the listeners admit, and what they answer to what nobody should send.

use std::{io::Write, time::Duration};

use fusee_node::Production;
use fusee_rpc::{
    AdminOptions, ClientError, ErrorKind, RpcOptions, RpcServer,
    methods::GetHealth,
    types::{BackedUp, Bytes, Hex32},
};
use serde_json::{Value, json};

use crate::{
    web::{Socket, call, connect, exchange, get, kind, now, post, post_with, read, request},
    world::{World, genesis, transfer},
};

fn health() -> String {
    call("getHealth", &json!({}))
}

#[test]
fn foreign_hosts_and_origins_are_refused() {
    let world = World::with(Production::ByHand, "wasmi", |options| {
        options.hosts = vec!["Node.Example".to_owned()];
        options.origins = vec!["https://wallet.example".to_owned()];
    });
    let address = world.server.address();
    let port = address.port();
    let status = |headers: &str| post_with(address, headers, &health()).status;
    for admitted in [
        "".to_owned(),
        format!("Host: localhost:{port}\r\n"),
        "Host: LOCALHOST\r\n".to_owned(),
        format!("Host: [::1]:{port}\r\n"),
        "Host: node.example\r\n".to_owned(),
        format!("Host: {address}\r\nOrigin: http://{address}\r\n"),
        "Host: node.example\r\nOrigin: https://node.example\r\n".to_owned(),
        format!("Host: {address}\r\nOrigin: https://wallet.example\r\n"),
    ] {
        assert_eq!(status(&admitted), 200, "{admitted}");
    }
    for refused in [
        "Host: evil.example\r\n".to_owned(),
        "Host: localhost.evil.example\r\n".to_owned(),
        "Host: 192.168.1.1\r\n".to_owned(),
        "Host: \r\n".to_owned(),
        "Host: localhost\r\nHost: localhost\r\n".to_owned(),
        "Host: evil@localhost\r\n".to_owned(),
        format!("Host: {address}\r\nOrigin: null\r\n"),
        format!("Host: {address}\r\nOrigin: http://evil.example\r\n"),
        format!("Host: {address}\r\nOrigin: http://localhost:{port}\r\n"),
        format!("Host: {address}\r\nOrigin: http://{address}.evil.example\r\n"),
    ] {
        let answer = post_with(address, &refused, &health());
        assert!([400, 403].contains(&answer.status), "{refused} {answer:?}");
    }
    for path in ["/", "/healthz", "/readyz", "/openrpc.json"] {
        assert_eq!(get(address, path, "Host: evil.example\r\n").status, 403);
    }
    let refused = Socket::try_open(address, "origin: http://evil.example\r\n");
    assert!(refused.is_err_and(|head| head.contains("403")));
    let preflight = |origin: &str| {
        let request = format!(
            "OPTIONS / HTTP/1.1\r\nhost: {address}\r\norigin: {origin}\r\n\
             access-control-request-method: POST\r\nconnection: close\r\n\r\n"
        );
        exchange(address, request.as_bytes())
    };
    let shared = "access-control-allow-origin: https://wallet.example";
    assert!(preflight("https://wallet.example").head.contains(shared));
    assert_eq!(preflight("https://evil.example").status, 403);
    assert!(world.server.metrics().refused_hosts >= 15);
}

#[test]
fn every_answer_has_the_headers_that_protect_readers() {
    let world = World::new(Production::ByHand);
    let address = world.server.address();
    for answer in [
        get(address, "/healthz", ""),
        get(address, "/nowhere", ""),
        get(address, "/openrpc.json", ""),
        post(address, &health()),
    ] {
        for header in [
            "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; \
             connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
        ] {
            assert!(answer.head.contains(header), "{header}: {}", answer.head);
        }
    }
}

#[test]
fn a_node_is_ready_once_it_has_a_block() {
    let world = World::new(Production::ByHand);
    let address = world.server.address();
    assert_eq!(get(address, "/healthz", "").status, 200);
    let early = get(address, "/readyz", "");
    assert_eq!(
        (early.status, &early.json()["status"]),
        (503, &json!("no_block"))
    );
    world.node.produce().unwrap();
    let ready = get(address, "/readyz", "");
    assert_eq!((ready.status, &ready.json()["height"]), (200, &json!(1)));
    // If a transaction makes the first block, nothing else would make the node ready.
    let world = World::new(Production::Each);
    let ready = get(world.server.address(), "/readyz", "");
    assert_eq!((ready.status, &ready.json()["status"]), (200, &json!("ok")));
}

#[test]
fn bodies_of_any_shape_get_an_error_or_an_answer() {
    let world = World::with(Production::ByHand, "wasmi", |options| {
        options.limits.request_bytes = 100_000;
        options.limits.batch = 3;
    });
    let address = world.server.address();
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(40_000), close.repeat(40_000));
    let error = |body: &str| {
        let answer = post(address, body);
        match answer.status {
            200 => answer.kind(),
            status => format!("http {status}"),
        }
    };
    assert_eq!(error(""), "http 400");
    assert_eq!(error("{"), "-32700");
    assert_eq!(error("nonsense"), "http 400");
    assert_eq!(error("[]"), "-32600");
    assert_eq!(error("{}"), "-32700");
    assert_eq!(
        error(r#"{"jsonrpc":"1.0","id":1,"method":"getHealth"}"#),
        "-32600"
    );
    assert_eq!(error(&call("noSuchMethod", &json!({}))), "-32601");
    assert_eq!(error(&call("admin_shutDown", &json!({}))), "-32601");
    assert_eq!(error(&"x".repeat(100_001)), "http 413");
    let params = |params: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"getBlock","params":{params}}}"#)
    };
    let invalid = [
        r#"{"hight":1}"#,
        r#"{"height":-1}"#,
        r#"{"height":1e99}"#,
        r#"{"height":18446744073709551616}"#,
        r#"{"height":1,"height":2}"#,
        r#"{"height":"1"}"#,
        r#"{"hash":"abcd"}"#,
        r#"{"height":1,"hash":"0000000000000000000000000000000000000000000000000000000000000000"}"#,
        "{}",
        "[]",
        "[1,null,\"ids\",4]",
    ];
    for invalid in invalid {
        assert_eq!(error(&params(invalid)), "invalid_params", "{invalid}");
    }
    // Deep JSON is refused without a deep stack.
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = deep(open, close);
        assert!(["http 413", "-32700", "-32600"].contains(&error(&deep).as_str()));
        let deep = params(&deep[..deep.len().min(80_000)]);
        assert!(["-32700", "-32600", "invalid_params"].contains(&error(&deep).as_str()));
    }
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    assert_eq!(error(&params(&deep)), "invalid_params");
    // A position for each field, as an object has them.
    assert_eq!(error(&params("[9]")), "not_found");
    let batch = |count: usize| format!("[{}]", vec![health(); count].join(","));
    assert_eq!(post(address, &batch(3)).json().as_array().unwrap().len(), 3);
    assert_eq!(error(&batch(4)), "-32010");
    let mixed = format!("[1,{},{}]", health(), call("nope", &json!({})));
    let mixed = post(address, &mixed).json();
    let kinds: Vec<_> = mixed.as_array().unwrap().iter().map(kind).collect();
    assert_eq!(kinds, ["-32600", "null", "-32601"]);
    // Other methods and content types.
    let plain = format!(
        "POST / HTTP/1.1\r\nhost: {address}\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\
         connection: close\r\n\r\n{{}}"
    );
    assert_eq!(exchange(address, plain.as_bytes()).status, 415);
    let put = format!("PUT / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    assert_eq!(exchange(address, put.as_bytes()).status, 405);
    assert_eq!(
        exchange(address, b"\x16\x03\x01 not http\r\n\r\n").status,
        400
    );
    assert_eq!(get(address, "/../etc/passwd", "").status, 404);
    assert_eq!(
        get(address, "/explorer/..%2f..%2fCargo.toml", "").status,
        404
    );
    // And it still answers.
    assert_eq!(world.client().call(&GetHealth::new()).unwrap().mempool, 0);
}

#[test]
fn an_answer_that_is_too_large_is_an_error() {
    let world = World::with(Production::Each, "wasmi", |options| {
        options.limits.response_bytes = 1_000;
    });
    let address = world.server.address();
    assert_eq!(
        post(address, &call("rpc.discover", &json!({}))).kind(),
        "limit_exceeded"
    );
    assert_eq!(post(address, &health()).status, 200);
}

#[test]
fn a_request_without_an_id_is_not_executed() {
    let world = World::new(Production::ByHand);
    let address = world.server.address();
    let request = json!({
        "jsonrpc": "2.0",
        "method": "sendTransaction",
        "params": {"transaction": Bytes(transfer(1, 0))},
    });
    let answer = post(address, &request.to_string());
    assert_eq!((answer.status, answer.body.as_str()), (200, "null"));
    let mut socket = Socket::open(address);
    assert!(socket.send(&request.to_string()));
    // The next answer is that of the next request.
    assert_eq!(socket.call("getHealth", &json!({}))["result"]["mempool"], 0);
}

#[test]
fn answers_that_are_not_read_are_bounded() {
    let world = World::with(Production::ByHand, "wasmi", |options| {
        options.limits.unsent_per_client = 1 << 20;
        options.limits.calls_per_second = 1_000_000;
        options.limits.burst = 1_000_000;
    });
    let address = world.server.address();
    let discover = call("rpc.discover", &json!({}));
    let asked = 400;
    let is_refused = || {
        let methods = world.server.metrics().methods;
        let discover = methods.get("rpc.discover");
        discover.is_some_and(|method| method.errors.contains_key("busy"))
    };
    // A connection on which answers wait is not read: on each of these, some of them wait.
    let mut sockets = Vec::new();
    while !is_refused() {
        assert!(sockets.len() < 20, "everything is kept");
        let mut socket = Socket::open(address);
        socket.send_repeatedly(&discover, asked);
        sockets.push(socket);
        let until = now() + Duration::from_secs(2);
        while !is_refused() && now() < until {
            std::thread::yield_now();
        }
    }
    // Health is small, and so always answered; and once all is read, the rest is as well.
    assert_eq!(post(address, &health()).kind(), "null");
    let mut are_busy = false;
    for socket in &mut sockets {
        for _ in 0..asked {
            are_busy |= kind(&socket.receive().unwrap()) == "busy";
        }
    }
    assert!(are_busy);
    assert_eq!(kind(&sockets[0].call("rpc.discover", &json!({}))), "null");
}

#[test]
fn an_option_that_no_server_can_have_is_told() {
    type Change = fn(&mut RpcOptions);
    let world = World::new(Production::ByHand);
    let changes: [(Change, &str); _] = [
        (
            |options| options.origins = vec!["*".to_owned()],
            "origins `*`: it is an origin such as https://wallet.example",
        ),
        (
            |options| options.origins = vec!["https://a.example/".to_owned()],
            "without a path",
        ),
        (
            |options| options.hosts = vec!["a.example:80".to_owned()],
            "hosts `a.example:80`: it is a name such as node.example, without a port",
        ),
        (
            |options| options.limits.connections = 0,
            "limits.connections `0`: it is 1 to 1,000,000",
        ),
        (
            |options| options.limits.connections = usize::MAX,
            "it is 1 to 1,000,000",
        ),
    ];
    for (change, expected) in changes {
        let mut options = RpcOptions::new(&genesis());
        options.address.set_port(0);
        change(&mut options);
        let error = RpcServer::start(std::sync::Arc::clone(&world.node), options).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    // A server that cannot listen leaves nothing behind that holds the node.
    let held = std::sync::Arc::strong_count(&world.node);
    let mut options = RpcOptions::new(&genesis());
    options.address = world.server.address();
    RpcServer::start(std::sync::Arc::clone(&world.node), options).unwrap_err();
    assert_eq!(std::sync::Arc::strong_count(&world.node), held);
}

#[test]
fn a_client_that_asks_too_often_is_told_so_and_others_are_not() {
    let world = World::with(Production::ByHand, "wasmi", |options| {
        options.limits.calls_per_second = 1;
        options.limits.burst = 6;
    });
    let address = world.server.address();
    // One for the request, and one for each call.
    let batch = format!("[{}]", vec![health(); 7].join(","));
    let answers = post(address, &batch).json();
    let kinds: Vec<_> = answers.as_array().unwrap().iter().map(kind).collect();
    assert_eq!(kinds[..5], ["null"; 5]);
    assert_eq!(kinds[5..], ["too_many_requests"; 2]);
    let refused = post(address, &health());
    assert_eq!(refused.status, 429);
    assert!(refused.head.contains("retry-after: 1"));
    let client = world.client().call(&GetHealth {}).unwrap_err();
    assert!(
        matches!(&client, ClientError::Rpc(error) if error.kind == Some(ErrorKind::TooManyRequests)),
        "{client}"
    );
    // Who watches the node is not a client that asks too much.
    for path in ["/healthz", "/readyz"] {
        assert_ne!(get(address, path, "").status, 429, "{path}");
    }
    let metrics = world.server.metrics();
    assert_eq!(metrics.refused_requests, 2);
    let methods = &metrics.methods["getHealth"];
    assert_eq!((methods.calls, methods.errors["too_many_requests"]), (7, 2));
    assert_eq!(methods.within[9], 7);
}

#[test]
fn connections_are_bounded_and_idle_ones_are_closed() {
    let world = World::with(Production::ByHand, "wasmi", |options| {
        options.limits.connections_per_client = 3;
        options.limits.idle_time = Duration::from_millis(300);
    });
    let address = world.server.address();
    let begin = now();
    let mut idle: Vec<_> = (0..3).map(|_| connect(address)).collect();
    // An answered request, and a head and a body that never end.
    let kept = request(address, "", &health()).replace("connection: close\r\n", "");
    idle[0].write_all(kept.as_bytes()).unwrap();
    idle[1].write_all(b"POST / HTTP/1.1\r\nhost: ").unwrap();
    let cut = request(address, "", &health());
    idle[2].write_all(&cut.as_bytes()[..cut.len() - 3]).unwrap();
    let mut refused = connect(address);
    let _ = refused.write_all(request(address, "", &health()).as_bytes());
    let mut nothing = Vec::new();
    // Closed without an answer.
    let _ = std::io::Read::read_to_end(&mut refused, &mut nothing);
    assert!(nothing.is_empty());
    assert_eq!(world.server.metrics().refused_connections, 1);
    for (index, stream) in idle.iter_mut().enumerate() {
        let mut rest = Vec::new();
        let _ = std::io::Read::read_to_end(stream, &mut rest);
        let rest = String::from_utf8_lossy(&rest);
        assert_eq!(rest.contains("200 OK"), index == 0, "{rest}");
    }
    assert!(begin.elapsed() < Duration::from_secs(20));
    assert_eq!(post(address, &health()).status, 200);
}

#[test]
fn a_client_that_does_not_read_is_closed() {
    let world = World::with(Production::ByHand, "wasmi", |options| {
        options.limits.idle_time = Duration::from_millis(500);
        options.limits.calls_per_second = 1_000_000;
        options.limits.burst = 1_000_000;
    });
    let address = world.server.address();
    let mut socket = Socket::open(address);
    let begin = now();
    // Until the buffers of both sides are full, nothing more is read, and the server has given up.
    while socket.send(&call("rpc.discover", &json!({}))) {
        assert!(
            begin.elapsed() < Duration::from_secs(50),
            "it is never closed"
        );
    }
    let until = now() + Duration::from_secs(20);
    while world.server.metrics().connections > 0 {
        assert!(now() < until, "the connection is still counted");
        std::thread::yield_now();
    }
}

#[test]
fn what_administers_is_on_a_listener_of_its_own() {
    let (told, shut_down) = std::sync::mpsc::channel();
    let world = World::with(Production::ByHand, "wasmi", |options| {
        let mut admin = AdminOptions::default();
        admin.address.set_port(0);
        admin.metrics = Some(std::sync::Arc::new(|| "fusee_up 1\n".to_owned()));
        let told = std::sync::Mutex::new(told);
        admin.shut_down = Some(std::sync::Arc::new(move || {
            told.lock().unwrap().send(()).unwrap();
        }));
        admin.back_up = Some(std::sync::Arc::new(|folder| {
            Ok(BackedUp {
                height: u64::try_from(folder.as_os_str().len()).unwrap(),
                state_root: Hex32([7; 32]),
            })
        }));
        let mut more = jsonrpsee::RpcModule::new(());
        more.register_method("dev_reset", |_, _, _| true).unwrap();
        admin.methods = more.into();
        options.admin = Some(admin);
    });
    let (public, admin) = (
        world.server.address(),
        world.server.admin_address().unwrap(),
    );
    let ask = |method| post(admin, &call(method, &json!({}))).json();
    assert_eq!(ask("admin_produceBlock")["result"]["height"], 1);
    assert_eq!(ask("admin_getMetrics")["result"]["node"]["height"], 1);
    assert_eq!(ask("dev_reset")["result"], true);
    let back_up = |folder| call("admin_backUp", &json!({"folder": folder}));
    assert_eq!(post(admin, &back_up("/kept")).json()["result"]["height"], 5);
    assert_eq!(post(admin, &back_up("kept")).kind(), "invalid_params");
    assert_eq!(ask("admin_shutDown")["result"], true);
    shut_down.recv().unwrap();
    assert_eq!(kind(&ask("getHealth")), "-32601");
    for method in [
        "admin_produceBlock",
        "admin_getMetrics",
        "admin_backUp",
        "dev_reset",
        "admin_shutDown",
    ] {
        assert_eq!(post(public, &call(method, &json!({}))).kind(), "-32601");
    }
    let metrics = get(admin, "/metrics", "");
    assert_eq!(
        (metrics.status, metrics.body.as_str()),
        (200, "fusee_up 1\n")
    );
    // By this name, Prometheus knows how to read it.
    let format = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert!(metrics.head.contains(format), "{}", metrics.head);
    assert_eq!(get(public, "/metrics", "").status, 404);
    assert_eq!(get(admin, "/metrics", "Host: evil.example\r\n").status, 403);
    assert_eq!(get(admin, "/readyz", "").status, 200);
}

#[test]
fn the_document_describes_what_the_server_has() {
    let world = World::new(Production::ByHand);
    let address = world.server.address();
    let served = get(address, "/openrpc.json", "").json();
    assert_eq!(
        served,
        post(address, &call("rpc.discover", &json!({}))).json()["result"]
    );
    for method in served["methods"].as_array().unwrap() {
        for param in method["params"].as_array().unwrap() {
            assert!(param["schema"].is_object(), "{param}");
        }
        let name = method["name"].as_str().unwrap();
        // A parameter that no method has: so each method is there, and none does anything.
        let answer = post(address, &call(name, &json!({"nonsense": 1})));
        let kinds = ["invalid_params".to_owned(), "-32603".to_owned()];
        let is_subscription = name.starts_with("subscribe");
        assert_eq!(answer.kind(), kinds[usize::from(is_subscription)], "{name}");
    }
    let text = fusee_rpc::openrpc::text();
    expect_test::expect_file!["golden/openrpc.json"].assert_eq(&text);
    // Every reference is to a schema that is there.
    let mut references = Vec::new();
    collect(&served, &mut references);
    for reference in references {
        let name = reference.strip_prefix("#/components/schemas/").unwrap();
        assert!(
            served["components"]["schemas"].get(name).is_some(),
            "{reference}"
        );
    }
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| match value {
            Value::String(text) if name == "$ref" => references.push(text.clone()),
            value => collect(value, references),
        }),
        Value::Array(values) => values.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}

#[test]
fn a_server_says_which_address_is_in_use_and_frees_its_own() {
    let world = World::new(Production::ByHand);
    let address = world.server.address();
    let mut options = fusee_rpc::RpcOptions::new(&crate::world::genesis());
    options.address = address;
    let start = || fusee_rpc::RpcServer::start(world.node.clone(), options.clone());
    let error = start().unwrap_err().to_string();
    assert!(error.contains(&address.to_string()), "{error}");
    world.server.stop();
    let mut stream = std::net::TcpStream::connect(address);
    assert!(stream.as_mut().is_err() || read(stream.as_mut().unwrap()).status == 0);
    let again = start().unwrap();
    assert_eq!(post(again.address(), &health()).status, 200);
}

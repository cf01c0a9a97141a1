//! A node as a service of systemd: what it tells the service manager, and when.

use std::{os::unix::net::UnixDatagram, time::Duration};

use serde_json::json;

use super::{APART, start_by};
use crate::support::Folder;

/// The socket of a service manager, as a node sees it.
struct Manager(UnixDatagram);

impl Manager {
    fn new(folder: &Folder) -> Self {
        let socket = UnixDatagram::bind(folder.path().join("notify.sock")).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        Self(socket)
    }

    /// What it is told next.
    fn told(&self) -> String {
        let mut message = [0; 256];
        let length = self.0.recv(&mut message).expect("the node tells it");
        String::from_utf8_lossy(&message[..length])
            .trim()
            .to_owned()
    }

    fn is_told_nothing(&self) {
        self.0.set_nonblocking(true).unwrap();
        self.0.recv(&mut [0; 256]).unwrap_err();
        self.0.set_nonblocking(false).unwrap();
    }
}

#[test]
fn the_service_manager_is_told_when_a_node_serves_and_when_it_ends() {
    for words in [
        format!("--dev {APART}"),
        format!("--abci unix://abci.sock {APART}"),
    ] {
        let folder = Folder::new();
        folder.json("init", 0);
        let manager = Manager::new(&folder);
        let mut command = folder.command(&format!("node {words} --json"));
        command.env("NOTIFY_SOCKET", folder.path().join("notify.sock"));
        let node = start_by(command);
        assert_eq!(manager.told(), "READY=1", "{words}");
        // What it has told is true.
        assert_eq!(node.read("/healthz").0, 200, "{words}");
        if words.contains("--dev") {
            node.call("getHealth", json!({})).unwrap();
            assert_eq!(node.read("/readyz").0, 200);
        }
        manager.is_told_nothing();
        let (code, log) = node.end("TERM");
        assert_eq!(code, Some(0), "{log}");
        assert_eq!(manager.told(), "STOPPING=1", "{words}");
        manager.is_told_nothing();
    }
}

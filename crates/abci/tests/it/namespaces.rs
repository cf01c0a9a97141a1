//! Network namespaces, one for each node, on a bridge of their own: so nodes can be cut off from
//! each other, and the test still reaches all.

use std::cell::RefCell;
use std::process::{Command, Stdio};

/// Namespaces, and the bridge between them. They are removed when this is dropped.
pub(crate) struct Namespaces {
    /// Makes the names those of this process.
    unique: u32,
    /// The first three numbers of the addresses, in the range for tests of networks.
    prefix: String,
    count: usize,
    /// Which pairs are cut off, in both directions.
    cut: RefCell<Vec<(usize, usize)>>,
}

impl Namespaces {
    /// Makes namespaces. `None` if this machine does not let us.
    pub(crate) fn new(count: usize) -> Option<Self> {
        let unique = std::process::id() % 200 + 20;
        let namespaces = Self {
            unique,
            prefix: format!("198.18.{unique}"),
            count,
            cut: RefCell::default(),
        };
        let bridge = namespaces.bridge();
        let prefix = namespaces.prefix.clone();
        let mut steps = vec![
            format!("link add {bridge} type bridge"),
            format!("addr add {prefix}.254/24 dev {bridge}"),
            format!("link set {bridge} up"),
        ];
        for number in 0..count {
            let (name, outer) = (namespaces.name(number), namespaces.outer(number));
            let address = namespaces.address(number);
            steps.extend([
                format!("netns add {name}"),
                format!("link add {outer} type veth peer name eth0 netns {name}"),
                format!("link set {outer} master {bridge} up"),
                format!("-n {name} addr add {address}/24 dev eth0"),
                format!("-n {name} link set eth0 up"),
                format!("-n {name} link set lo up"),
            ]);
        }
        steps.iter().all(|step| ip(step)).then_some(namespaces)
    }

    /// The first three numbers of the addresses; the last one is that of the node, from 1 on.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// A command in the namespace of a node.
    pub(crate) fn command(&self, number: usize, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name(number), program]);
        command
    }

    /// Drops all packets between the nodes of two groups.
    pub(crate) fn partition(&self, one: &[usize], other: &[usize]) {
        for &from in one {
            for &to in other {
                for (from, to) in [(from, to), (to, from)] {
                    self.route("add", from, to);
                    self.cut.borrow_mut().push((from, to));
                }
            }
        }
    }

    /// Ends all partitions.
    pub(crate) fn heal(&self) {
        for (from, to) in self.cut.take() {
            self.route("del", from, to);
        }
    }

    fn route(&self, verb: &str, from: usize, to: usize) {
        let (name, address) = (self.name(from), self.address(to));
        let step = format!("-n {name} route {verb} blackhole {address}/32");
        assert!(ip(&step), "{step}");
    }

    fn address(&self, number: usize) -> String {
        format!("{}.{}", self.prefix, number + 1)
    }

    fn name(&self, number: usize) -> String {
        format!("fusee{}-{number}", self.unique)
    }

    fn outer(&self, number: usize) -> String {
        format!("fusee{}v{number}", self.unique)
    }

    fn bridge(&self) -> String {
        format!("fusee{}", self.unique)
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        for number in 0..self.count {
            ip(&format!("netns del {}", self.name(number)));
            // Gone with its namespace, which the kernel removes later.
            ip(&format!("link del {}", self.outer(number)));
        }
        ip(&format!("link del {}", self.bridge()));
    }
}

/// Runs `ip`. Whether it has succeeded.
fn ip(arguments: &str) -> bool {
    let status = Command::new("ip")
        .args(arguments.split(' '))
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

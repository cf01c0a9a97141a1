//! The configuration: where values come from, and what is refused.

use serde_json::Value;

use crate::support::{Answer, Folder};

fn setting<'a>(shown: &'a Value, name: &str) -> (&'a str, &'a str) {
    let settings = shown["settings"].as_array().unwrap();
    let found = settings.iter().find(|it| it["name"] == name).unwrap();
    let text = |key: &str| found[key].as_str().unwrap_or("none");
    (text("value"), text("source"))
}

#[test]
fn a_flag_precedes_the_environment_that_the_file_and_that_the_default() {
    let folder = Folder::new();
    folder.json("init --data d", 0);
    folder.write(
        "d/node.toml",
        "[chain]\nthreads = 2\nblock_time = \"5s\"\n\n[rpc]\nhosts = [\"a.example\", \"b.example\"]\n\
         listen = \"127.0.0.1:1\"\n",
    );
    let mut command = folder.command("node config show --data d --threads 4 --json");
    command.env("FUSEE_NODE_CHAIN_THREADS", "3");
    command.env("FUSEE_NODE_CHAIN_BLOCK_TIME", "3s");
    let answer = Answer::of(command.output().unwrap());
    assert_eq!(answer.code, 0, "{answer:?}");
    let shown: Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!(setting(&shown, "chain.threads"), ("4", "flag --threads"));
    let by_variable = ("3s", "variable FUSEE_NODE_CHAIN_BLOCK_TIME");
    assert_eq!(setting(&shown, "chain.block_time"), by_variable);
    let by_file = ("a.example,b.example", "d/node.toml, line 6");
    assert_eq!(setting(&shown, "rpc.hosts"), by_file);
    assert_eq!(setting(&shown, "chain.engine"), ("tiered", "default"));
    assert_eq!(setting(&shown, "chain.keep_blocks"), ("none", "default"));
    assert_eq!(shown["file"], "d/node.toml");

    let development = folder.json("node config show --dev", 0);
    let each = ("transaction", "default of --dev");
    assert_eq!(setting(&development, "chain.block_time"), each);
    assert_eq!(development["data"], Value::Null);
    let text = folder.text("node config show --data d", 0);
    assert!(text.contains("d/node.toml, line 2"), "{text}");
}

#[test]
fn what_is_no_setting_is_refused_with_what_is_meant() {
    let folder = Folder::new();
    for (file, told) in [
        ("[chain]\nthread = 2\n", ["line 2", "`chain.threads`"]),
        ("[chian]\n", ["line 1", "`chain`"]),
        (
            "threads = 2\n",
            ["line 1", "belongs into the section `[chain]`"],
        ),
        ("[chain]\n\nthreads = [1]\n", ["line 3", "type array"]),
        ("[chain]\nthreads = 0\n", ["line 2", "zero"]),
        ("[chain]\nthreads = 1\nthreads = 2\n", ["line 3", "no TOML"]),
        (
            "[chain]\nengine = \"fast\"\n",
            ["line 2", "wasmtime or wasmi"],
        ),
        ("[rpc]\nlisten = \"everywhere\"\n", ["line 2", "HOST:PORT"]),
        (
            "[rpc]\norigins = \"https://a.example,*\"\n",
            ["line 2", "https://wallet.example"],
        ),
        (
            "[rpc]\nhosts = \"a.example:80\"\n",
            ["line 2", "without a port"],
        ),
        (
            "[rpc]\nconnections = 0\n",
            ["line 2", "it is 1 to 1,000,000"],
        ),
        (
            "[self_check]\non_alarm = \"panic\"\n",
            ["line 2", "`interpreter`"],
        ),
        (
            "[consensus]\nrpc = \"http://127.0.0.1:1\"\n",
            ["line 2", "consensus.abci"],
        ),
    ] {
        folder.write("node.toml", file);
        let refused = folder.fusee("node config show --config node.toml");
        assert_eq!(refused.code, 2, "{file}: {refused:?}");
        for told in told {
            assert!(refused.stderr.contains(told), "{file}: {told}: {refused:?}");
        }
    }
    let mut command = folder.command("node config show");
    command.env("FUSEE_NODE_RPC_LISTENS", "off");
    let refused = Answer::of(command.output().unwrap());
    assert_eq!(refused.code, 2);
    let told = "did you mean `FUSEE_NODE_RPC_LISTEN`?";
    assert!(refused.stderr.contains(told), "{refused:?}");
    let missing = folder.fusee("node config show --config missing.toml");
    assert!(missing.stderr.contains("config init"), "{missing:?}");
}

#[test]
fn the_file_that_is_written_has_every_setting_and_changes_none() {
    let folder = Folder::new();
    let early = folder.fusee("node config init --data d");
    assert!(early.stderr.contains("fusee init"), "{early:?}");
    folder.json("init --data d", 0);
    folder.json("node config init --data d", 0);
    let again = folder.fusee("node config init --data d");
    assert_eq!(again.code, 2, "{again:?}");
    let shown = folder.json("node config show --data d", 0);
    let settings = shown["settings"].as_array().unwrap();
    assert!(settings.iter().all(|it| it["source"] == "default"));
    assert_eq!(shown["file"], "d/node.toml");
    // Every one can be set where it is, and the file has them all.
    let file = std::fs::read_to_string(folder.path().join("d/node.toml")).unwrap();
    let set: String =
        file.lines()
            .fold(String::new(), |text, line| match line.strip_prefix("# ") {
                Some(setting) if setting.contains(" = ") => text + setting + "\n",
                _ => text + line + "\n",
            });
    folder.write("all.toml", set);
    let found = folder.fusee("node config show --config all.toml");
    // The first placeholder that is no value.
    assert!(
        found.stderr.contains("`chain.keep_blocks` is `N`"),
        "{found:?}"
    );
}

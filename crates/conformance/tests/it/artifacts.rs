//! Artifacts: an intact artifact with the right key is loaded, and any other file is rejected.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use expect_test::expect;
use fusee_conformance::{Ending, Verdict};
use fusee_engine::{
    Artifact, ArtifactKey, CodeHash, Compiler, Engine, Fingerprint, Gas, Mismatch, Value,
};
use fusee_engine_wasmi::WasmiEngine;
use fusee_executor::{Compilation, Executor, PreparedProgram, RunRequest};
use fusee_instrument::{Limits, Rules, Schedule};
use tempfile::TempDir;

use crate::{compiler::Watched, guest::wasm};

const DOUBLES: &str = r#"(module (memory 1) (data (i32.const 8) "\02")
    (func (export "f") (param i32) (result i32)
        (i32.mul (local.get 0) (i32.load (i32.const 8)))))"#;

const BUDGET: u64 = 1 << 30;

fn rules() -> Rules {
    Rules::v1(Vec::new())
}

/// An executor as a process has it that was just started.
fn restarted(compiler: &Arc<Watched>, folder: &Path) -> Executor {
    let compiler: Arc<dyn Compiler> = Arc::<Watched>::clone(compiler);
    Executor::compiled(compiler)
        .artifacts(folder, BUDGET)
        .unwrap()
        .build()
}

fn answer(executor: &Executor, prepared: &Arc<PreparedProgram>) -> Verdict {
    let args = [Value::I32(21)];
    let request = RunRequest::new("f", &args, Gas::new(1_000_000));
    Verdict::of(executor.run(prepared, request, ()).unwrap())
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

/// A folder with the artifact of `DOUBLES`, and what it answers.
fn kept() -> (TempDir, PathBuf, Verdict) {
    let folder = TempDir::new().unwrap();
    let executor = restarted(&Watched::new(), folder.path());
    let prepared = executor.prepare(&wasm(DOUBLES), &rules()).unwrap();
    let verdict = answer(&executor, &prepared);
    let [file] = files(folder.path()).try_into().unwrap();
    (folder, file, verdict)
}

#[test]
fn a_restarted_process_finds_what_was_compiled() {
    let (folder, _, expected) = kept();
    let compiler = Watched::new();
    let executor = restarted(&compiler, folder.path());
    let code = CodeHash::of(&wasm(DOUBLES));
    // Without the program's bytes.
    let prepared = executor.find(code, &rules()).unwrap();
    assert_eq!(answer(&executor, &prepared), expected);
    // It is in memory now.
    fs::remove_dir_all(folder.path()).unwrap();
    assert!(Arc::ptr_eq(
        &executor.find(code, &rules()).unwrap(),
        &prepared
    ));
    assert_eq!(compiler.compilations(), 0);
}

#[test]
fn it_is_counted_how_often_the_caches_had_a_program() {
    let folder = TempDir::new().unwrap();
    let counts = |executor: &Executor| {
        let counts = executor.cache_counts();
        (
            [counts.program_hits, counts.program_misses],
            [counts.compiled_hits, counts.compiled_misses],
        )
    };
    let executor = restarted(&Watched::new(), folder.path());
    assert_eq!(counts(&executor), ([0, 0], [0, 0]));
    let (program, code) = (wasm(DOUBLES), CodeHash::of(&wasm(DOUBLES)));
    // As callers do that have the hash first: it is one request.
    assert!(executor.find(code, &rules()).is_none());
    executor.prepare(&program, &rules()).unwrap();
    assert_eq!(counts(&executor), ([0, 1], [0, 1]));
    executor.find(code, &rules()).unwrap();
    executor.prepare(&program, &rules()).unwrap();
    assert_eq!(counts(&executor), ([2, 1], [0, 1]));
    // A refusal is remembered as well.
    for _ in 0..2 {
        executor.prepare(b"no program", &rules()).unwrap_err();
    }
    assert_eq!(counts(&executor), ([3, 2], [0, 1]));
    let executor = restarted(&Watched::new(), folder.path());
    executor.find(code, &rules()).unwrap();
    executor.find(code, &rules()).unwrap();
    assert_eq!(counts(&executor), ([1, 1], [1, 0]));
}

#[test]
fn a_restarted_process_finds_what_was_prepared() {
    let folder = TempDir::new().unwrap();
    let compiler = Watched::new();
    let executor = || {
        let compiler: Arc<dyn Compiler> = Arc::<Watched>::clone(&compiler);
        Executor::tiered(Arc::new(WasmiEngine::new()), compiler)
            .artifacts(folder.path(), BUDGET)
            .unwrap()
            .build()
    };
    let first = executor();
    let expected = answer(&first, &first.prepare(&wasm(DOUBLES), &rules()).unwrap());
    let code = CodeHash::of(&wasm(DOUBLES));
    let second = executor();
    // Without the program's bytes.
    let prepared = second.find(code, &rules()).unwrap();
    assert_eq!(prepared.compilation(), Compilation::Idle);
    assert_eq!(answer(&second, &prepared), expected);
    assert_eq!(compiler.compilations(), 0);
    second.compile(&prepared).unwrap();
    let third = executor();
    let prepared = third.find(code, &rules()).unwrap();
    assert_eq!(prepared.compilation(), Compilation::Done);
    assert_eq!(answer(&third, &prepared), expected);
    assert_eq!(compiler.compilations(), 1);
}

/// Both have the same rules. An artifact of the one with a profile would run slower, and one of the
/// other would report nothing.
#[test]
fn a_profiled_program_is_never_taken_for_the_same_program_without_a_profile() {
    let (folder, file, expected) = kept();
    let whole = fs::read(&file).unwrap();
    let compiler = Watched::new();
    let executor = restarted(&compiler, folder.path());
    let profiled_rules = rules().profiled();
    let profiled = executor.prepare(&wasm(DOUBLES), &profiled_rules).unwrap();
    assert_eq!(
        compiler.compilations(),
        1,
        "the artifact is of no use to it"
    );
    let plain = executor.prepare(&wasm(DOUBLES), &rules()).unwrap();
    assert_eq!(compiler.compilations(), 1, "this one is the artifact");
    let code = CodeHash::of(&wasm(DOUBLES));
    for (rules, prepared) in [(&rules(), &plain), (&profiled_rules, &profiled)] {
        assert!(Arc::ptr_eq(&executor.find(code, rules).unwrap(), prepared));
        assert_eq!(answer(&executor, prepared), expected);
    }
    assert!(profiled.program().code.len() > plain.program().code.len());
    assert_eq!(fs::read(&file).unwrap(), whole, "it is kept nowhere");
    assert_eq!(files(folder.path()), [file]);
}

#[test]
fn the_interpreter_runs_a_program_that_came_from_an_artifact() {
    let (folder, _, expected) = kept();
    let tiered = Executor::tiered(Arc::new(WasmiEngine::new()), Watched::new())
        .artifacts(folder.path(), BUDGET)
        .unwrap()
        .build();
    let prepared = tiered.prepare(&wasm(DOUBLES), &rules()).unwrap();
    assert_eq!(prepared.compilation(), Compilation::Done);
    assert_eq!(answer(&tiered, &prepared), expected);
    tiered.use_interpreter_only(true);
    assert_eq!(answer(&tiered, &prepared), expected);
}

#[test]
fn no_artifact_is_used_with_a_bit_flipped_or_a_byte_missing() {
    let (folder, file, expected) = kept();
    let compiler = Watched::new();
    let whole = fs::read(&file).unwrap();
    let executor = || restarted(&compiler, folder.path());
    let key = ArtifactKey {
        code: CodeHash::of(&wasm(DOUBLES)),
        rules: rules().id(),
        engine: compiler.fingerprint().clone(),
    };
    let open = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        Artifact::open(fs::File::open(&file).unwrap(), &key)
    };
    // Every bit of the footer, and one of every 61 before it.
    let footer = whole.len() - 140;
    let flipped: Vec<usize> = (0..footer).step_by(61).chain(footer..whole.len()).collect();
    for at in flipped {
        for bit in if at < footer { 0..1 } else { 0..8 } {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            open(&bytes).unwrap_err();
        }
    }
    for length in [0, 1, 139, 140, footer, whole.len() - 1] {
        open(&whole[..length]).unwrap_err();
    }
    open(&[whole.as_slice(), b"\0"].concat()).unwrap_err();
    open(&whole).unwrap();

    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    assert!(matches!(open(&damaged), Err(Mismatch::Checksum)));
    let executor = executor();
    assert!(executor.find(key.code, &rules()).is_none());
    let prepared = executor.prepare(&wasm(DOUBLES), &rules()).unwrap();
    assert_eq!(answer(&executor, &prepared), expected);
    assert_eq!(compiler.compilations(), 1, "it was compiled again");
    assert_eq!(fs::read(&file).unwrap(), whole, "and kept again");
}

#[test]
fn an_artifact_is_for_one_program_one_engine_and_one_set_of_rules() {
    let (_folder, file, _) = kept();
    let key = ArtifactKey {
        code: CodeHash::of(&wasm(DOUBLES)),
        rules: rules().id(),
        engine: Watched::new().fingerprint().clone(),
    };
    let others = [
        ArtifactKey {
            code: CodeHash::of(b"another"),
            ..key.clone()
        },
        ArtifactKey {
            rules: Rules::named(
                "stricter",
                Schedule::v1(),
                Limits {
                    params: 3,
                    ..Limits::v1()
                },
                Vec::new(),
            )
            .id(),
            ..key.clone()
        },
        ArtifactKey {
            engine: Fingerprint::of(b"another"),
            ..key.clone()
        },
    ];
    for other in &others {
        let opened = Artifact::open(fs::File::open(&file).unwrap(), other);
        assert!(matches!(opened, Err(Mismatch::Other(_))), "{opened:?}");
    }
    Artifact::open(fs::File::open(&file).unwrap(), &key).unwrap();
}

#[test]
fn what_a_killed_process_left_is_removed_and_never_used() {
    let (folder, file, _) = kept();
    let left = folder.path().join(".unfinished-AbCdEf");
    fs::rename(&file, &left).unwrap();
    let compiler = Watched::new();
    let executor = restarted(&compiler, folder.path());
    assert!(!left.exists());
    executor.prepare(&wasm(DOUBLES), &rules()).unwrap();
    assert_eq!(compiler.compilations(), 1);
}

#[test]
fn a_folder_that_cannot_be_written_costs_only_time() {
    let (folder, file, expected) = kept();
    let compiler = Watched::new();
    let executor = restarted(&compiler, folder.path());
    // A file where the folder was: nothing can be made in it, by root neither.
    fs::remove_file(&file).unwrap();
    fs::remove_dir(folder.path()).unwrap();
    fs::write(folder.path(), b"").unwrap();
    let prepared = executor.prepare(&wasm(DOUBLES), &rules()).unwrap();
    assert_eq!(answer(&executor, &prepared), expected);
    assert_eq!(compiler.compilations(), 1);
    fs::remove_file(folder.path()).unwrap();
    fs::create_dir(folder.path()).unwrap();
}

/// What `on_a_full_disk` runs in a process of its own.
const ON_A_FULL_DISK: &str = "FUSEE_TEST_ON_A_FULL_DISK";

#[cfg(target_os = "linux")]
#[test]
fn on_a_full_disk_a_program_runs_and_nothing_broken_is_kept() {
    if let Some(folder) = std::env::var_os(ON_A_FULL_DISK) {
        let executor = restarted(&Watched::new(), Path::new(&folder));
        let prepared = executor.prepare(&wasm(DOUBLES), &rules()).unwrap();
        answer(&executor, &prepared);
        return;
    }
    let folder = TempDir::new().unwrap();
    // A file can grow to 16 blocks of 512 bytes; what is beyond fails as on a full disk, the signal
    // being ignored.
    let status = Command::new("/bin/sh")
        .args(["-c", r#"trap "" XFSZ; ulimit -f 16; exec "$0" "$@""#])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "artifacts::on_a_full_disk_a_program_runs_and_nothing_broken_is_kept",
        ])
        .env(ON_A_FULL_DISK, folder.path())
        .stdout(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
    assert_eq!(files(folder.path()), Vec::<PathBuf>::new());
}

#[test]
fn the_folder_keeps_to_its_budget() {
    let (folder, file, _) = kept();
    let one = fs::metadata(&file).unwrap().len();
    let executor = Executor::compiled(Watched::new())
        .artifacts(folder.path(), one * 7 / 2)
        .unwrap()
        .build();
    for constant in 0..8 {
        let other = DOUBLES.replace(r"\02", &format!(r"\{constant:02x}"));
        executor.prepare(&wasm(&other), &rules()).unwrap();
    }
    let kept = files(folder.path());
    assert_eq!(kept.len(), 3);
    assert!(!kept.contains(&file), "the oldest is gone");
}

#[cfg(unix)]
#[test]
fn a_folder_into_which_everybody_may_write_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    let folder = TempDir::new().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let error = Executor::compiled(Watched::new())
        .artifacts(folder.path(), BUDGET)
        .unwrap_err();
    assert!(error.to_string().contains("chmod o-w"), "{error}");
}

/// What processes do that share a folder.
const ON_A_SHARED_FOLDER: &str = "FUSEE_TEST_ON_A_SHARED_FOLDER";

#[test]
fn processes_share_a_folder() {
    const PROGRAMS: i32 = 10;
    if let Some(folder) = std::env::var_os(ON_A_SHARED_FOLDER) {
        for round in 0..4 * PROGRAMS {
            let executor = restarted(&Watched::new(), Path::new(&folder));
            let factor = round % PROGRAMS;
            let text = DOUBLES.replace(r"\02", &format!(r"\{factor:02x}"));
            let prepared = executor.prepare(&wasm(&text), &rules()).unwrap();
            let expected = Ending::Finished(vec![Value::I32(21 * factor)]);
            assert_eq!(answer(&executor, &prepared).ending, expected);
        }
        return;
    }
    let folder = TempDir::new().unwrap();
    let start = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "artifacts::processes_share_a_folder"])
            .env(ON_A_SHARED_FOLDER, folder.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut processes: Vec<_> = (0..4).map(|_| start()).collect();
    for process in &mut processes {
        assert!(process.wait().unwrap().success());
    }
    // One that opens the folder removes what another has not finished, which that one keeps another
    // time.
    let compiler = Watched::new();
    let executor = restarted(&compiler, folder.path());
    for factor in 0..PROGRAMS {
        let text = DOUBLES.replace(r"\02", &format!(r"\{factor:02x}"));
        executor.prepare(&wasm(&text), &rules()).unwrap();
    }
    assert_eq!(compiler.compilations(), 0, "all of them were kept");
}

/// Metered code and its host hold to conventions that no rule names. Where they change, artifacts
/// of before must not be used: raise `FORMAT` in `crates/engine/src/artifact.rs` together with
/// this.
#[test]
fn artifacts_are_of_this_metering() {
    let program = fusee_instrument::prepare(&wasm(DOUBLES), &rules()).unwrap();
    expect!["6742538a54ef0ce92f149dff2b63dbfb21560d8c7ca6998fba51b6acf72a4e69"]
        .assert_eq(&CodeHash::of(&program.code).to_string());
}

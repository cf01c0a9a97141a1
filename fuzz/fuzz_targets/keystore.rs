//! Arbitrary bytes as the file of a key: they are refused, or tell a key whose file is listed. No
//! password is derived: how long that takes, the file decides within limits.
#![no_main]

use std::{fs, path::PathBuf, sync::LazyLock};

use fusee_keystore::Keystore;
use libfuzzer_sys::fuzz_target;

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let path = std::env::temp_dir().join(format!("fusee-keystore-{}", std::process::id()));
    fs::create_dir_all(&path).expect("a folder can be made");
    path
});

fuzz_target!(|bytes: &[u8]| {
    fs::write(FOLDER.join("a.key.json"), bytes).expect("a file can be written");
    let keystore = Keystore::new(FOLDER.clone());
    let info = keystore.info("a");
    let mut listed = keystore.list().expect("the folder can be read").into_iter();
    let listed = listed.next().expect("the file is listed");
    assert_eq!(info.is_ok(), listed.is_ok());
    if let (Ok(info), Ok(listed)) = (info, listed) {
        assert_eq!(info.address, listed.address);
        assert_eq!(info.address, info.public_key.address());
    }
});

//! Records of coverage that are read, added up and written again.

use super::{parse, write};

#[test]
fn lines_of_a_file_are_added_up_and_written_again() {
    let text = "SF:/a/src/lib.rs\nFN:1,f\nDA:1,2\nDA:2,0\nend_of_record\n\
                SF:/a/src/b.rs\nDA:7,0,checksum\nend_of_record\n\
                SF:/a/src/lib.rs\nDA:1,1\nDA:x,1\nDA:3\nend_of_record\n";
    let files = parse(text);
    assert_eq!(files.len(), 2);
    assert_eq!(files[0].path, "/a/src/b.rs");
    assert_eq!(files[0].uncovered().collect::<Vec<_>>(), [7]);
    assert_eq!(files[1].lines.get(&1), Some(&3));
    assert_eq!(files[1].uncovered().collect::<Vec<_>>(), [2]);
    let written = write(&files);
    assert!(
        written.contains("DA:1,3\nDA:2,0\nLF:2\nLH:1\nend_of_record\n"),
        "{written}"
    );
    assert_eq!(parse(&written), files);
}

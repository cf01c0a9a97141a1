//! Frames as they are written and read.

use super::*;

fn frames(mut bytes: &[u8]) -> Result<Vec<Vec<u8>>, FrameError> {
    let mut frames = Vec::new();
    while let Some(frame) = read(&mut bytes, 1 << 20)? {
        frames.push(frame);
    }
    Ok(frames)
}

#[test]
fn what_is_written_is_read() {
    let sizes = [0, 1, 127, 128, 300, 16_383, 16_384, 1 << 20];
    let written: Vec<Vec<u8>> = sizes.iter().map(|&size| vec![7; size]).collect();
    let mut bytes = Vec::new();
    for frame in &written {
        write(&mut bytes, frame).unwrap();
    }
    assert_eq!(frames(&bytes).unwrap(), written);
}

#[test]
fn lengths_are_those_of_protobuf() {
    let mut bytes = Vec::new();
    write(&mut bytes, &[0; 300]).unwrap();
    assert_eq!(bytes[..2], [0xac, 0x02]);
}

#[test]
fn malformed_frames_are_refused() {
    let message = |bytes: &[u8]| frames(bytes).unwrap_err().to_string();
    assert!(message(&[3, 1, 2]).contains("after 2 of 3 bytes"));
    assert!(message(&[0x80]).contains("varint"));
    assert!(message(&[0xff; 11]).contains("varint"));
    // 2^64: a bit that is lost.
    let overflow = [[0x80; 9].as_slice(), &[2]].concat();
    assert!(message(&overflow).contains("varint"));
    // 2^64 - 1 is a length, and too large.
    let largest = [[0xff; 9].as_slice(), &[1]].concat();
    assert!(message(&largest).contains("18446744073709551615 bytes exceeds"));
    assert!(message(&[0x81, 0x80, 0x40]).contains("1048577 bytes exceeds the limit of 1048576"));
}

#[test]
fn a_frame_that_does_not_arrive_is_cut() {
    // The length of a mebibyte, and the end of the connection.
    let mut reader = io::Cursor::new([0x80, 0x80, 0x40]);
    let error = read(&mut reader, 1 << 20).unwrap_err();
    assert!(matches!(error, FrameError::Cut { read: 0, bytes } if bytes == 1 << 20));
}

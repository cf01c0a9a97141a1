//! A proxy between an engine and its application, which knows the frames that pass, and holds a
//! connection at an exact one of them: so that processes can be killed just there.

use std::io::{self, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use prost::Message;
use tendermint_proto::v0_38::abci::{Request, Response, request, response};

/// How long it may take until a frame passes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A frame of the connection of consensus. It is held, and does not reach its receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    /// The reply to `FinalizeBlock`: the block was executed, and the engine does not know.
    Finalized,
    /// The request `Commit`: the engine has the results, and nothing is committed.
    Committing,
    /// The reply to `Commit`: the block is committed, and the engine does not know.
    Committed,
}

/// A proxy. Its threads end with the connections of the processes beside it.
pub(crate) struct Proxy {
    socket: PathBuf,
    shared: Arc<Shared>,
}

/// A connection that is held. Dropping it ends the connection.
pub(crate) struct Held {
    /// The height of the block.
    pub(crate) height: i64,
    _streams: Streams,
}

/// Both sides of a connection, which end together.
struct Streams(UnixStream, UnixStream);

struct Shared {
    application: PathBuf,
    armed: Mutex<Option<(Point, Sender<Held>)>>,
    /// The height of the block that is finalized.
    height: Mutex<i64>,
}

impl Drop for Streams {
    fn drop(&mut self) {
        // One that has ended already is as good.
        let _ = self.0.shutdown(Shutdown::Both);
        let _ = self.1.shutdown(Shutdown::Both);
    }
}

impl Proxy {
    /// A proxy for the application that listens at a socket, which need not be there yet.
    pub(crate) fn start(folder: &Path, application: PathBuf) -> Self {
        let socket = folder.join("proxy.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let shared = Arc::new(Shared {
            application,
            armed: Mutex::default(),
            height: Mutex::default(),
        });
        let of_listener = Arc::clone(&shared);
        thread::spawn(move || {
            for engine in listener.incoming() {
                let engine = engine.unwrap();
                // Without its application, the engine finds a connection that has ended.
                if let Ok(application) = UnixStream::connect(&of_listener.application) {
                    pass(&of_listener, engine, application);
                }
            }
        });
        Self { socket, shared }
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Holds the connection at the next frame of a kind.
    pub(crate) fn arm(&self, point: Point) -> Receiver<Held> {
        let (sender, receiver) = channel();
        *self.shared.armed.lock().unwrap() = Some((point, sender));
        receiver
    }
}

/// Waits for what [`Proxy::arm`] holds.
#[track_caller]
pub(crate) fn held(receiver: &Receiver<Held>) -> Held {
    receiver.recv_timeout(PATIENCE).expect("the frame passes")
}

/// Passes the frames of a connection in both directions.
fn pass(shared: &Arc<Shared>, engine: UnixStream, application: UnixStream) {
    let clone = |stream: &UnixStream| stream.try_clone().unwrap();
    let directions: [(_, _, Kind); 2] = [
        (clone(&engine), clone(&application), Shared::request),
        (application, engine, Shared::reply),
    ];
    for (from, to, kind) in directions {
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            let mut reader = BufReader::new(clone(&from));
            let streams = Streams(from, to);
            while let Ok(frame) = read(&mut reader) {
                if let Some(point) = kind(&shared, &frame)
                    && let Some(sender) = shared.reached(point)
                {
                    let height = *shared.height.lock().unwrap();
                    // The thread ends, so nothing passes any more in this direction.
                    let _streams = streams;
                    let _ = sender.send(Held { height, _streams });
                    return;
                }
                let mut to = &streams.1;
                if to.write_all(&frame).is_err() {
                    return;
                }
            }
        });
    }
}

type Kind = fn(&Shared, &[u8]) -> Option<Point>;

impl Shared {
    fn request(&self, frame: &[u8]) -> Option<Point> {
        match Request::decode_length_delimited(frame).unwrap().value? {
            request::Value::FinalizeBlock(block) => {
                *self.height.lock().unwrap() = block.height;
                None
            }
            request::Value::Commit(_) => Some(Point::Committing),
            _ => None,
        }
    }

    fn reply(&self, frame: &[u8]) -> Option<Point> {
        match Response::decode_length_delimited(frame).unwrap().value? {
            response::Value::FinalizeBlock(_) => Some(Point::Finalized),
            response::Value::Commit(_) => Some(Point::Committed),
            _ => None,
        }
    }

    /// Whom to tell, if a connection is to be held here.
    fn reached(&self, point: Point) -> Option<Sender<Held>> {
        let mut armed = self.armed.lock().unwrap();
        let (_, sender) = armed.take_if(|(armed, _)| *armed == point)?;
        Some(sender)
    }
}

/// A whole frame: a message after its length.
fn read(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let (mut frame, mut length) = (Vec::new(), 0_usize);
    for shift in (0..).step_by(7) {
        let mut byte = [0];
        reader.read_exact(&mut byte)?;
        frame.push(byte[0]);
        length |= usize::from(byte[0] & 0x7f) << shift;
        if byte[0] & 0x80 == 0 {
            break;
        }
    }
    let begin = frame.len();
    frame.resize(begin + length, 0);
    reader.read_exact(&mut frame[begin..])?;
    Ok(frame)
}

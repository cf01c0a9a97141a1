//! The thread of a method: it asks for syscalls, and waits for the replies.

use std::{
    sync::mpsc::{Receiver, Sender, channel},
    thread::{Builder, JoinHandle},
};

use fusee_sdk::{
    abi::REVERT,
    native::{Argument, End, Machine, end, run},
};

use super::panics;

/// What a method asks for.
#[derive(Debug)]
pub(super) enum Question {
    /// A syscall.
    Syscall(u32, Vec<Region>),
    /// The method has returned.
    Returned,
}

/// An argument, as it travels between threads.
#[derive(Debug)]
pub(super) enum Region {
    /// The host reads these bytes.
    Read(Vec<u8>, Passed),
    /// The host writes so many bytes.
    Write(usize, Passed),
    /// A number.
    Number(u64),
}

/// How a region is passed to the host.
#[derive(Clone, Copy, Debug)]
pub(super) enum Passed {
    /// Its address alone.
    Address,
    /// Its address, and its length behind it.
    AddressAndLength,
    /// Both in one number: the length in the upper 32 bits. An empty region is 0.
    Range,
}

/// The result of a syscall, and what it wrote, region by region.
pub(super) type Reply = (u64, Vec<Vec<u8>>);

/// A method that runs.
#[derive(Debug)]
pub(super) struct Method {
    questions: Receiver<Question>,
    /// Dropped to end the thread, which waits for a reply.
    replies: Option<Sender<Reply>>,
    thread: Option<JoinHandle<()>>,
}

impl Method {
    /// Begins a method.
    pub(super) fn begin(name: &str, method: fn()) -> std::io::Result<Self> {
        let (ask, questions) = channel();
        let (replies, answers) = channel();
        let returned = ask.clone();
        let thread = Builder::new()
            .name(format!("contract method {name}"))
            .spawn(move || {
                let machine = Box::new(Asking { ask, answers });
                let (how, mut machine) = run(machine, method);
                match how {
                    End::Returned => {
                        // Nobody waits for a method whose instance is gone.
                        let _ = returned.send(Question::Returned);
                    }
                    End::Ended => {}
                    End::Panicked(_) => {
                        let message = panics::message();
                        let revert = || {
                            let mut arguments = [Argument::Bytes(message.as_bytes())];
                            machine.syscall(REVERT, &mut arguments);
                        };
                        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(revert));
                    }
                }
            })?;
        Ok(Self {
            questions,
            replies: Some(replies),
            thread: Some(thread),
        })
    }

    /// What the method asks for next. `None` if its thread has ended without a word.
    pub(super) fn question(&self) -> Option<Question> {
        self.questions.recv().ok()
    }

    /// Answers a syscall.
    pub(super) fn reply(&self, reply: Reply) {
        if let Some(replies) = &self.replies {
            // A thread that has ended is found by the next question.
            let _ = replies.send(reply);
        }
    }
}

impl Drop for Method {
    fn drop(&mut self) {
        self.replies = None;
        if let Some(thread) = self.thread.take() {
            // Its panics are caught inside.
            let _ = thread.join();
        }
    }
}

/// The machine of a method's thread.
struct Asking {
    ask: Sender<Question>,
    answers: Receiver<Reply>,
}

impl Machine for Asking {
    fn syscall(&mut self, number: u32, arguments: &mut [Argument<'_>]) -> u64 {
        let regions = arguments.iter().map(region).collect();
        if self.ask.send(Question::Syscall(number, regions)).is_err() {
            end();
        }
        // Without a reply the run is over: the contract reverted, trapped, or was dropped.
        let Ok((result, written)) = self.answers.recv() else {
            end()
        };
        let rooms = arguments.iter_mut().filter_map(|argument| match argument {
            Argument::Room(room) | Argument::Array(room) | Argument::RangeRoom(room) => Some(room),
            _ => None,
        });
        for (room, bytes) in rooms.zip(written) {
            room.copy_from_slice(&bytes);
        }
        result
    }
}

fn region(argument: &Argument<'_>) -> Region {
    match argument {
        Argument::Bytes(bytes) => Region::Read(bytes.to_vec(), Passed::AddressAndLength),
        Argument::Fixed(bytes) => Region::Read(bytes.to_vec(), Passed::Address),
        Argument::Range(bytes) => Region::Read(bytes.to_vec(), Passed::Range),
        Argument::Room(room) => Region::Write(room.len(), Passed::AddressAndLength),
        Argument::Array(room) => Region::Write(room.len(), Passed::Address),
        Argument::RangeRoom(room) => Region::Write(room.len(), Passed::Range),
        Argument::Word(number) => Region::Number((*number).into()),
        Argument::Long(number) => Region::Number(*number),
    }
}

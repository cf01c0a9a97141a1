//! The live instances of a transaction, and who waits in them.
//!
//! A program has at most one. It is taken out of here while it runs, and comes back only when it returned: an instance that
//! ended in any other way is gone, and with it all the frames that wait in its memory. Those are found lost when somebody goes on with
//! them, or has dropped one.

use std::{
    collections::BTreeMap,
    mem, ptr,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use fusee_executor::LiveInstance;

use crate::SystemProgram;

/// Which instance: the program, and which of all the instances that this transaction has had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seat {
    pub(crate) program: SystemProgram,
    generation: u64,
}

/// A frame that waits in the memory of an instance.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) seat: Seat,
}

/// What the frames and instances of a transaction hold, together.
#[derive(Clone, Debug, Default)]
pub(crate) struct InFlight(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    frames: AtomicU64,
    memory_bytes: AtomicU64,
}

/// What one of them holds, until it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    counts: InFlight,
    frames: u64,
    memory_bytes: u64,
}

impl InFlight {
    pub(crate) fn frames(&self) -> u64 {
        self.0.frames.load(Ordering::Relaxed)
    }

    pub(crate) fn memory_bytes(&self) -> u64 {
        self.0.memory_bytes.load(Ordering::Relaxed)
    }

    /// Counts frames, and bytes of wasm memory.
    pub(crate) fn hold(&self, frames: u64, memory_bytes: u64) -> Held {
        self.0.frames.fetch_add(frames, Ordering::Relaxed);
        self.0
            .memory_bytes
            .fetch_add(memory_bytes, Ordering::Relaxed);
        Held {
            counts: self.clone(),
            frames,
            memory_bytes,
        }
    }

    /// Whether something is counted here.
    pub(crate) fn is(&self, held: &Held) -> bool {
        Arc::ptr_eq(&self.0, &held.counts.0)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Counts {
            frames,
            memory_bytes,
        } = &*self.counts.0;
        frames.fetch_sub(self.frames, Ordering::Relaxed);
        memory_bytes.fetch_sub(self.memory_bytes, Ordering::Relaxed);
    }
}

/// The instances of one transaction.
#[derive(Debug, Default)]
pub(crate) struct Instances {
    slots: BTreeMap<SystemProgram, Slot>,
    /// How many there have been.
    generations: u64,
    in_flight: InFlight,
}

#[derive(Debug)]
struct Slot {
    generation: u64,
    /// None while it runs, or is parked.
    instance: Option<(LiveInstance, Held)>,
    /// Who waits in it, the innermost last.
    frames: Vec<Weak<Ticket>>,
}

/// What somebody finds who wants to enter a program.
#[derive(Debug)]
pub(crate) enum Found {
    /// An instance at rest.
    Live(Seat, Box<LiveInstance>),
    /// None: a fresh one has to be made.
    None(Seat),
    /// One that runs, or is parked.
    Executing,
}

/// What somebody finds who wants to go on with a frame.
#[derive(Debug)]
pub(crate) enum Frame {
    /// Its instance.
    Live(Box<LiveInstance>),
    /// Its instance was lost.
    Lost,
    /// A later frame waits in its instance. All of them are lost now.
    NotInnermost,
}

impl Instances {
    pub(crate) const fn in_flight(&self) -> &InFlight {
        &self.in_flight
    }

    /// Takes the instance of a program to make a call, and remembers that it is out.
    pub(crate) fn take(&mut self, program: SystemProgram) -> Found {
        self.lose_abandoned(program);
        if let Some(slot) = self.slots.get_mut(&program) {
            let seat = Seat {
                program,
                generation: slot.generation,
            };
            return match slot.instance.take() {
                Some((live, _)) => Found::Live(seat, Box::new(live)),
                None => Found::Executing,
            };
        }
        self.generations = self.generations.saturating_add(1);
        let slot = Slot {
            generation: self.generations,
            instance: None,
            frames: Vec::new(),
        };
        self.slots.insert(program, slot);
        Found::None(Seat {
            program,
            generation: self.generations,
        })
    }

    /// Takes the instance in which a frame waits, to go on with it.
    pub(crate) fn take_for(&mut self, ticket: &Arc<Ticket>) -> Frame {
        self.lose_abandoned(ticket.seat.program);
        let Some(slot) = self.slot(ticket.seat) else {
            return Frame::Lost;
        };
        if !slot.frames.last().is_some_and(|frame| is(frame, ticket)) {
            self.lose(ticket.seat);
            return Frame::NotInnermost;
        }
        match slot.instance.take() {
            Some((live, _)) => {
                slot.frames.pop();
                Frame::Live(Box::new(live))
            }
            // A later call is parked in it.
            None => {
                self.lose(ticket.seat);
                Frame::NotInnermost
            }
        }
    }

    /// Puts an instance back that has returned; where its place is another's by now, it is dropped.
    pub(crate) fn put_back(&mut self, seat: Seat, mut live: LiveInstance) {
        let bytes = u64::try_from(live.memory().len()).unwrap_or(u64::MAX);
        let held = self.in_flight.hold(0, bytes);
        if let Some(slot) = self.slot(seat) {
            slot.instance = Some((live, held));
        }
    }

    /// Notes that a call waits in the instance that was put back last.
    pub(crate) fn wait(&mut self, seat: Seat) -> Arc<Ticket> {
        let ticket = Arc::new(Ticket { seat });
        if let Some(slot) = self.slot(seat) {
            slot.frames.push(Arc::downgrade(&ticket));
        }
        ticket
    }

    /// An instance is gone, and all that waited in it.
    pub(crate) fn lose(&mut self, seat: Seat) {
        if self.slot(seat).is_some() {
            self.slots.remove(&seat.program);
        }
    }

    /// The memory in which a frame waits; `None` if it was lost, or a later call is parked in it.
    pub(crate) fn memory(&mut self, ticket: &Arc<Ticket>) -> Option<&mut [u8]> {
        let slot = self.slot(ticket.seat)?;
        slot.instance.as_mut().map(|(live, _)| live.memory())
    }

    /// Takes the instances that nobody waits in.
    pub(crate) fn at_rest(
        &mut self,
    ) -> impl Iterator<Item = (SystemProgram, LiveInstance)> + use<> {
        let slots = mem::take(&mut self.slots).into_iter();
        slots.filter_map(|(program, slot)| {
            let (live, _) = slot.instance.filter(|_| slot.frames.is_empty())?;
            Some((program, live))
        })
    }

    /// A frame that was dropped is still in the guest's memory, where the next return would be taken for its own.
    fn lose_abandoned(&mut self, program: SystemProgram) {
        if self.slots.get(&program).is_some_and(Slot::is_abandoned) {
            self.slots.remove(&program);
        }
    }

    /// The same for all programs, so that what nobody comes back to holds no memory.
    pub(crate) fn lose_all_abandoned(&mut self) {
        self.slots.retain(|_, slot| !slot.is_abandoned());
    }

    fn slot(&mut self, seat: Seat) -> Option<&mut Slot> {
        let slot = self.slots.get_mut(&seat.program)?;
        (slot.generation == seat.generation).then_some(slot)
    }
}

impl Slot {
    fn is_abandoned(&self) -> bool {
        self.frames.iter().any(|frame| frame.strong_count() == 0)
    }
}

fn is(frame: &Weak<Ticket>, ticket: &Arc<Ticket>) -> bool {
    ptr::eq(frame.as_ptr(), Arc::as_ptr(ticket))
}

//! The live instances of a transaction, and who waits in them.
//!
//! A program has at most one. It is taken out of here while it runs, and comes back only when it returned: an instance that
//! ended in any other way is gone, and with it all the frames that wait in its memory. Those are found lost when somebody goes on with
//! them, or has dropped one.

use std::{
    mem, ptr,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use fusee_engine::GuestMemory;
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
    /// In no order: there are few, and they are told apart by their generations in most cases.
    slots: Vec<Slot>,
    /// How many there have been.
    generations: u64,
    /// Bytes of wasm memory of those that are at rest.
    memory_bytes: u64,
    in_flight: InFlight,
}

#[derive(Debug)]
struct Slot {
    seat: Seat,
    /// None while it runs, or is parked.
    instance: Option<LiveInstance>,
    /// What is counted of it in `Instances::memory_bytes`: nothing while it is not there.
    memory_bytes: u64,
    /// Who waits in it, the innermost last.
    frames: Vec<Weak<Ticket>>,
}

/// What somebody finds who wants to enter a program.
#[derive(Debug)]
pub(crate) enum Found {
    /// An instance at rest.
    Live(Seat, LiveInstance),
    /// None: a fresh one has to be made.
    None(Seat),
    /// One that runs, or is parked.
    Executing,
}

/// What somebody finds who wants to go on with a frame.
#[derive(Debug)]
pub(crate) enum Frame {
    /// Its instance.
    Live(LiveInstance),
    /// Its instance was lost.
    Lost,
    /// A later frame waits in its instance. All of them are lost now.
    NotInnermost,
}

impl Instances {
    pub(crate) const fn in_flight(&self) -> &InFlight {
        &self.in_flight
    }

    /// Bytes of wasm memory of the instances that are at rest or wait.
    pub(crate) fn memory_bytes(&self) -> u64 {
        let parked = self.in_flight.memory_bytes();
        self.memory_bytes.saturating_add(parked)
    }

    /// Takes the instance of a program to make a call, and remembers that it is out.
    pub(crate) fn take(&mut self, program: SystemProgram) -> Found {
        let position = self.position(program);
        if let Some(slot) = position.and_then(|position| self.slots.get_mut(position)) {
            return match slot.take(&mut self.memory_bytes) {
                Some(live) => Found::Live(slot.seat, live),
                None => Found::Executing,
            };
        }
        self.generations = self.generations.saturating_add(1);
        let seat = Seat {
            program,
            generation: self.generations,
        };
        self.slots.push(Slot {
            seat,
            instance: None,
            memory_bytes: 0,
            frames: Vec::new(),
        });
        Found::None(seat)
    }

    /// Takes the instance in which a frame waits, to go on with it.
    pub(crate) fn take_for(&mut self, ticket: &Arc<Ticket>) -> Frame {
        self.position(ticket.seat.program);
        let Some(slot) = find(&mut self.slots, ticket.seat) else {
            return Frame::Lost;
        };
        if slot.frames.last().is_some_and(|frame| is(frame, ticket))
            && let Some(live) = slot.take(&mut self.memory_bytes)
        {
            slot.frames.pop();
            return Frame::Live(live);
        }
        // A later call waits in it, or is parked in it.
        self.lose(ticket.seat);
        Frame::NotInnermost
    }

    /// Puts an instance back that has returned; where its place is another's by now, it is dropped.
    pub(crate) fn put_back(&mut self, seat: Seat, mut live: LiveInstance) {
        if let Some(slot) = find(&mut self.slots, seat) {
            slot.memory_bytes = live.memory().bytes();
            slot.instance = Some(live);
            self.memory_bytes = self.memory_bytes.saturating_add(slot.memory_bytes);
        }
    }

    /// Notes that a call waits in the instance that was put back last.
    pub(crate) fn wait(&mut self, seat: Seat) -> Arc<Ticket> {
        let ticket = Arc::new(Ticket { seat });
        if let Some(slot) = find(&mut self.slots, seat) {
            slot.frames.push(Arc::downgrade(&ticket));
        }
        ticket
    }

    /// An instance is gone, and all that waited in it.
    pub(crate) fn lose(&mut self, seat: Seat) {
        let position = self.slots.iter().position(|slot| slot.seat.is(seat));
        if let Some(position) = position {
            self.remove(position);
        }
    }

    /// The memory in which a frame waits; `None` if it was lost, or a later call is parked in it.
    pub(crate) fn memory(&mut self, ticket: &Arc<Ticket>) -> Option<GuestMemory<'_>> {
        let slot = find(&mut self.slots, ticket.seat)?;
        slot.instance.as_mut().map(LiveInstance::memory)
    }

    /// Takes the instances that nobody waits in.
    pub(crate) fn at_rest(
        &mut self,
    ) -> impl Iterator<Item = (SystemProgram, LiveInstance)> + use<> {
        self.memory_bytes = 0;
        let slots = mem::take(&mut self.slots).into_iter();
        slots.filter_map(|slot| {
            let live = slot.instance.filter(|_| slot.frames.is_empty())?;
            Some((slot.seat.program, live))
        })
    }

    /// Where the instance of a program is. One in which a frame was dropped is lost first: that frame is still in the guest's
    /// memory, where the next return would be taken for its own.
    fn position(&mut self, program: SystemProgram) -> Option<usize> {
        let mut slots = self.slots.iter();
        let position = slots.position(|slot| slot.seat.program == program)?;
        let slot = self.slots.get(position)?;
        if slot.is_abandoned() {
            self.remove(position);
            return None;
        }
        Some(position)
    }

    /// Loses all instances in which a frame was dropped, so that what nobody comes back to holds no memory.
    pub(crate) fn lose_all_abandoned(&mut self) {
        let mut position = 0;
        while let Some(slot) = self.slots.get(position) {
            if slot.is_abandoned() {
                self.remove(position);
            } else {
                position = position.saturating_add(1);
            }
        }
    }

    fn remove(&mut self, position: usize) {
        let slot = self.slots.swap_remove(position);
        self.memory_bytes = self.memory_bytes.saturating_sub(slot.memory_bytes);
    }
}

impl Seat {
    /// Whether it is the same. No two instances of a transaction have the same number.
    const fn is(self, other: Seat) -> bool {
        self.generation == other.generation
    }
}

impl Slot {
    fn is_abandoned(&self) -> bool {
        self.frames.iter().any(|frame| frame.strong_count() == 0)
    }

    /// Takes the instance, which is no longer counted.
    fn take(&mut self, memory_bytes: &mut u64) -> Option<LiveInstance> {
        let live = self.instance.take()?;
        *memory_bytes = memory_bytes.saturating_sub(mem::take(&mut self.memory_bytes));
        Some(live)
    }
}

fn find(slots: &mut [Slot], seat: Seat) -> Option<&mut Slot> {
    slots.iter_mut().find(|slot| slot.seat.is(seat))
}

fn is(frame: &Weak<Ticket>, ticket: &Arc<Ticket>) -> bool {
    ptr::eq(frame.as_ptr(), Arc::as_ptr(ticket))
}

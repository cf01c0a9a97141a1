//! The live instances of a transaction, and the frames that wait in their memory.
//!
//! A program has at most one instance. It leaves its slot to run and comes back when its entry
//! returned. An instance whose run ended otherwise is lost, with every frame that waits in it: the
//! loss is noticed when such a frame is resumed.

use std::{
    mem, ptr,
    sync::{Arc, Weak},
};

use fusee_engine::GuestMemory;
use fusee_executor::{LiveInstance, Reservation};

use crate::SystemProgram;

/// Names the slot of one instance. No two instances of a transaction have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotId(u64);

/// A frame that waits in the memory of an instance, as long as this is held.
#[derive(Debug)]
pub(crate) struct FrameHandle {
    program: SystemProgram,
    slot: SlotId,
}

/// An instance at rest, and its share of the transaction's memory budget.
#[derive(Debug)]
pub(crate) struct Resting {
    pub(crate) instance: LiveInstance,
    pub(crate) memory: Reservation,
}

/// The instances of one transaction.
#[derive(Debug, Default)]
pub(crate) struct Instances {
    /// Unordered.
    slots: Vec<Slot>,
    last_id: u64,
}

#[derive(Debug)]
struct Slot {
    id: SlotId,
    program: SystemProgram,
    occupant: Occupant,
    /// The frames that wait in the instance, the innermost last.
    frames: Vec<Weak<FrameHandle>>,
}

#[derive(Debug)]
enum Occupant {
    Resting(Resting),
    /// The instance runs, or waits for a call that it made at depth 0.
    Running,
    /// The instance is suspended at a syscall, and an `Interruption` owns it.
    Suspended,
}

/// The slot of a program that is to be called.
#[derive(Debug)]
pub(crate) enum Found {
    /// Its instance was at rest, and runs from now on.
    Resting(SlotId, Resting),
    /// The slot is new: the caller makes the instance.
    Empty(SlotId),
    /// The instance runs or is suspended.
    Executing,
}

/// The instance of a frame that is to be resumed.
#[derive(Debug)]
pub(crate) enum FrameInstance {
    /// It was at rest, and runs from now on.
    Resting(Resting),
    /// It was lost.
    Lost,
    /// A later frame waits in it. All of its frames are lost now.
    NotInnermost,
}

impl Instances {
    /// Takes the instance of a program for a call.
    #[inline]
    pub(crate) fn take(&mut self, program: SystemProgram) -> Found {
        if let Some(slot) = self.find_program(program) {
            return match slot.take() {
                Some(resting) => Found::Resting(slot.id, resting),
                None => Found::Executing,
            };
        }
        self.last_id = self.last_id.saturating_add(1);
        let id = SlotId(self.last_id);
        self.slots.push(Slot {
            id,
            program,
            occupant: Occupant::Running,
            frames: Vec::new(),
        });
        Found::Empty(id)
    }

    /// Takes the instance in which a frame waits, to resume the frame.
    pub(crate) fn take_for(&mut self, frame: &Arc<FrameHandle>) -> FrameInstance {
        // Loses the instance first if another frame in it was dropped.
        self.find_program(frame.program);
        let Some(slot) = self.find(frame.slot) else {
            return FrameInstance::Lost;
        };
        let innermost = slot.frames.last().map(Weak::as_ptr);
        if innermost.is_some_and(|innermost| ptr::eq(innermost, Arc::as_ptr(frame)))
            && let Some(resting) = slot.take()
        {
            slot.frames.pop();
            return FrameInstance::Resting(resting);
        }
        self.lose(frame.slot);
        FrameInstance::NotInnermost
    }

    /// Puts an instance back whose entry returned. If its slot was lost meanwhile, it is dropped.
    #[inline]
    pub(crate) fn put_back(
        &mut self,
        id: SlotId,
        mut instance: LiveInstance,
        mut memory: Reservation,
    ) {
        if let Some(slot) = self.find(id) {
            memory.resize(instance.memory().bytes());
            slot.occupant = Occupant::Resting(Resting { instance, memory });
        }
    }

    /// Notes that a call waits in the instance that was put back last.
    pub(crate) fn wait(&mut self, program: SystemProgram, slot: SlotId) -> Arc<FrameHandle> {
        let frame = Arc::new(FrameHandle { program, slot });
        if let Some(slot) = self.find(slot) {
            slot.frames.push(Arc::downgrade(&frame));
        }
        frame
    }

    /// Notes that the instance of a slot was suspended.
    pub(crate) fn suspend(&mut self, id: SlotId) {
        if let Some(slot) = self.find(id) {
            slot.occupant = Occupant::Suspended;
        }
    }

    /// Notes that the suspended instance of a slot runs again.
    pub(crate) fn resume(&mut self, id: SlotId) {
        if let Some(slot) = self.find(id) {
            slot.occupant = Occupant::Running;
        }
    }

    /// Loses an instance, and every frame that waits in it.
    pub(crate) fn lose(&mut self, id: SlotId) {
        self.slots.retain(|slot| slot.id != id);
    }

    /// Loses the instances that run: the host failed.
    pub(crate) fn lose_running(&mut self) {
        self.slots
            .retain(|slot| !matches!(slot.occupant, Occupant::Running));
    }

    /// Loses the instances in which a frame was dropped, so that they hold no memory.
    pub(crate) fn lose_abandoned(&mut self) {
        self.slots.retain(|slot| !slot.is_abandoned());
    }

    /// The memory in which a frame waits; `None` if it was lost, or a later call is suspended in
    /// its instance.
    pub(crate) fn memory(&mut self, frame: &FrameHandle) -> Option<GuestMemory<'_>> {
        match &mut self.find(frame.slot)?.occupant {
            Occupant::Resting(resting) => Some(resting.instance.memory()),
            Occupant::Running | Occupant::Suspended => None,
        }
    }

    /// Takes the instances at rest in which no frame waits.
    pub(crate) fn take_unused(
        &mut self,
    ) -> impl Iterator<Item = (SystemProgram, LiveInstance)> + use<> {
        let slots = mem::take(&mut self.slots).into_iter();
        slots.filter_map(|slot| match slot.occupant {
            Occupant::Resting(Resting { instance, .. }) if slot.frames.is_empty() => {
                Some((slot.program, instance))
            }
            _ => None,
        })
    }

    /// The slot of a program. An instance in which a frame was dropped is lost first: the frame is
    /// still in the guest's memory, and would take the next return for its own.
    fn find_program(&mut self, program: SystemProgram) -> Option<&mut Slot> {
        let mut slots = self.slots.iter();
        let position = slots.position(|slot| slot.program == program)?;
        if self.slots.get(position)?.is_abandoned() {
            self.slots.swap_remove(position);
            return None;
        }
        self.slots.get_mut(position)
    }

    fn find(&mut self, id: SlotId) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|slot| slot.id == id)
    }
}

impl Slot {
    fn is_abandoned(&self) -> bool {
        self.frames.iter().any(|frame| frame.strong_count() == 0)
    }

    fn take(&mut self) -> Option<Resting> {
        match mem::replace(&mut self.occupant, Occupant::Running) {
            Occupant::Resting(resting) => Some(resting),
            executing => {
                self.occupant = executing;
                None
            }
        }
    }
}

//! Paints pictures, one at a time, on a thread of its own.

use super::{Canvas, Shows};
use crate::store::{FileLocation, PictureKey};

/// Pictures that wait; more are asked for again when they are seen again.
#[cfg(feature = "pictures")]
const WAITING: usize = 8;

/// A picture to be painted.
pub(crate) struct Job {
    pub key: PictureKey,
    /// What the terminal calls it.
    pub id: u32,
    /// Where it is on this device, if it was fetched or sent.
    pub place: Option<FileLocation>,
    /// What came with the message; shown where the picture is not here.
    pub preview: Vec<u8>,
    pub shows: Shows,
    /// Columns and rows that there are for it.
    pub most: (u16, u16),
    /// `preview` is the picture of a member.
    pub is_avatar: bool,
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct Painted {
    pub key: PictureKey,
    pub shows: Shows,
    pub most: (u16, u16),
    /// None: there is nothing to show.
    pub canvas: Option<Canvas>,
    /// Columns and rows of it.
    pub cells: (u16, u16),
    /// It is the picture and not the preview.
    pub is_whole: bool,
    /// It is here and cannot be shown.
    pub is_refused: bool,
    /// The picture has more pixels than are shown.
    pub is_too_large: bool,
}

/// Takes jobs to the thread; it ends with this.
#[cfg(feature = "pictures")]
pub(crate) struct Painter(std::sync::mpsc::SyncSender<Job>);

#[cfg(feature = "pictures")]
impl Painter {
    /// Begins. `told` gets what was painted; false: nobody wants any more.
    pub(crate) fn start(told: impl Fn(Painted) -> bool + Send + 'static) -> Self {
        let (jobs, come) = std::sync::mpsc::sync_channel::<Job>(WAITING);
        std::thread::spawn(move || {
            while let Ok(job) = come.recv() {
                if !told(paint::paint(job)) {
                    return;
                }
            }
        });
        Self(jobs)
    }

    /// False: too many wait.
    pub(crate) fn ask(&self, job: Job) -> bool {
        self.0.try_send(job).is_ok()
    }
}

/// There are no pictures in this program.
#[cfg(not(feature = "pictures"))]
pub(crate) struct Painter;

#[cfg(not(feature = "pictures"))]
impl Painter {
    pub(crate) fn start(_: impl Fn(Painted) -> bool + Send + 'static) -> Self {
        Self
    }

    pub(crate) fn ask(&self, job: Job) -> bool {
        let Job { key: _, id: _, place: _, preview: _, shows: _, most: _, is_avatar: _ } = job;
        false
    }
}

#[cfg(feature = "pictures")]
mod paint;

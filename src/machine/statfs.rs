//! Asking file systems how full they are, of which some never answer.
//!
//! Where the server of an NFS or the program of a FUSE mount is gone, `statfs(2)` sleeps for as
//! long, and nothing wakes it, not even SIGKILL. Such file systems are asked by a child process
//! each, which a router without them never has, and a page waits for all of them together no longer
//! than [`PATIENCE`]. One that has not answered yet is not asked again, so that each holds one child
//! at the most. A thread would hold the exporter itself: its port would stay taken until the server
//! is back.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustix::io::Errno;

use crate::process::syscalls;

/// How long a page waits for file systems that may not answer.
pub const PATIENCE: Duration = Duration::from_millis(500);
/// How many file systems may be asked at a time.
const MOST: usize = 16;

/// How full a file system is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The unit of the three that follow, in bytes.
    pub block_size: u64,
    /// Blocks in all.
    pub blocks: u64,
    /// Free blocks.
    pub free: u64,
    /// Free blocks that others than root may take.
    pub available: u64,
    /// File nodes in all.
    pub files: u64,
    /// Free file nodes.
    pub files_free: u64,
}

impl Usage {
    /// So many blocks in bytes; `None` if that is absurd.
    #[inline(never)]
    pub fn bytes(&self, blocks: u64) -> Option<u64> {
        blocks.checked_mul(self.block_size)
    }
}

/// What a file system says of itself, or the kernel of it.
pub type Answer = Result<Usage, Errno>;

/// An answer as a child sends it: the error's number or 0, and the fields of [`Usage`].
type Wire = [[u8; 8]; 7];

/// A question that was asked.
#[derive(Clone, Copy, Debug)]
pub enum Question {
    /// It was answered.
    Answered(Answer),
    /// A child waits for the answer, which comes from the pipe of this number.
    Asked(RawFd),
    /// There is no answer yet.
    Open,
}

/// The questions that have no answer yet.
#[derive(Debug, Default)]
pub struct Questions {
    open: Vec<(CString, OwnedFd)>,
}

impl Questions {
    /// Asks the file system at `path`, by a child if it `may_hang`.
    pub fn ask(&mut self, path: &CStr, may_hang: bool) -> Question {
        if may_hang { self.ask_by(path, statfs) } else { Question::Answered(statfs(path)) }
    }

    fn ask_by(&mut self, path: &CStr, statfs: fn(&CStr) -> Answer) -> Question {
        if self.open.len() >= MOST || self.open.iter().any(|(open, _)| **open == *path) {
            return Question::Open;
        }
        match syscalls::by_child(|| encode(statfs(path))) {
            Ok(answer) => {
                let number = answer.as_raw_fd();
                self.open.push((path.into(), answer));
                Question::Asked(number)
            }
            Err(errno) => Question::Answered(Err(errno)),
        }
    }

    /// Waits for the answer, no longer than until `patience` has passed since `began`.
    pub fn wait(&mut self, question: &mut Question, began: Instant, patience: Duration) {
        let Question::Asked(number) = *question else { return };
        *question = Question::Open;
        let Some(at) = self.open.iter().position(|(_, answer)| answer.as_raw_fd() == number) else { return };
        let left = patience.saturating_sub(began.elapsed());
        if self.open.get(at).is_some_and(|(_, answer)| is_ready(answer, left)) {
            let (_, answer) = self.open.swap_remove(at);
            let mut message = Wire::default();
            // A pipe gives a message of this length whole.
            let length = rustix::io::read(answer, message.as_flattened_mut());
            let is_whole = length == Ok(message.as_flattened().len());
            *question = Question::Answered(if is_whole { decode(&message) } else { Err(Errno::IO) });
        }
    }

    /// Forgets the answers that came after all had stopped waiting: they are old by now.
    pub fn forget_late(&mut self) {
        self.open.retain(|(_, answer)| !is_ready(answer, Duration::ZERO));
    }
}

/// What blocks are counted in: fragments, where the file system has them. The size of a block is what
/// it would rather be asked for, 256 times as much on a FUSE mount.
fn unit(block: u64, fragment: u64) -> u64 {
    if fragment == 0 { block } else { fragment }
}

/// Asks the kernel, which may not come back.
fn statfs(path: &CStr) -> Answer {
    let state = rustix::fs::statfs(path)?;
    // The types of the fields differ from one processor to another.
    let unsigned = |number: Result<u64, _>| number.unwrap_or_default();
    Ok(Usage {
        block_size: unit(unsigned(state.f_bsize.try_into()), unsigned(state.f_frsize.try_into())),
        blocks: state.f_blocks,
        free: state.f_bfree,
        available: state.f_bavail,
        files: state.f_files,
        files_free: state.f_ffree,
    })
}

/// Whether the file system at `path` is one in which the kernel shows itself: proc or sysfs.
pub(super) fn is_kernels(path: &CStr) -> bool {
    const PROC: u64 = 0x9fa0;
    const SYSFS: u64 = 0x6265_6572;
    rustix::fs::statfs(path).is_ok_and(|state| matches!(state.f_type.try_into(), Ok(PROC | SYSFS)))
}

fn encode(answer: Answer) -> Wire {
    let error = answer.err().map_or(0, |errno| errno.raw_os_error().unsigned_abs().into());
    let Usage { block_size, blocks, free, available, files, files_free } = answer.unwrap_or_default();
    [error, block_size, blocks, free, available, files, files_free].map(u64::to_ne_bytes)
}

fn decode(message: &Wire) -> Answer {
    let [error, block_size, blocks, free, available, files, files_free] = message.map(u64::from_ne_bytes);
    match i32::try_from(error) {
        Ok(0) => Ok(Usage { block_size, blocks, free, available, files, files_free }),
        error => Err(Errno::from_raw_os_error(error.unwrap_or(libc::EIO))),
    }
}

/// Whether there is something to read, or nothing will come, before `patience` ends.
fn is_ready(pipe: &OwnedFd, patience: Duration) -> bool {
    syscalls::is_ready(pipe.as_fd(), PollFlags::IN, patience).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(questions: &mut Questions, mut question: Question, patience: u64) -> Option<Answer> {
        questions.wait(&mut question, Instant::now(), Duration::from_millis(patience));
        match question {
            Question::Answered(answer) => Some(answer),
            Question::Asked(_) | Question::Open => None,
        }
    }

    fn hangs(_: &CStr) -> Answer {
        std::thread::sleep(Duration::from_secs(2));
        Err(Errno::STALE)
    }

    #[test]
    fn asks_at_once_or_by_a_child() {
        let mut questions = Questions::default();
        for may_hang in [false, true] {
            let root = questions.ask(c"/", may_hang);
            assert!(answer(&mut questions, root, 60_000).unwrap().unwrap().blocks > 0);
            let nowhere = questions.ask(c"/nowhere", may_hang);
            assert_eq!(answer(&mut questions, nowhere, 60_000), Some(Err(Errno::NOENT)));
        }
        assert!(questions.open.is_empty());
    }

    #[test]
    fn blocks_are_counted_in_fragments() {
        assert_eq!((unit(1 << 20, 4096), unit(4096, 4096), unit(4096, 0)), (4096, 4096, 4096));
    }

    #[test]
    fn both_ways_say_the_same() {
        let usage = Usage { block_size: 1, blocks: 2, free: 3, available: 4, files: 5, files_free: u64::MAX };
        for answer in [Ok(usage), Err(Errno::STALE)] {
            assert_eq!(decode(&encode(answer)), answer);
        }
    }

    #[test]
    fn an_answer_keeps_while_others_are_asked() {
        let mut questions = Questions::default();
        let first = questions.ask(c"/", true);
        assert!(is_ready(&questions.open[0].1, Duration::from_secs(60)));
        let second = questions.ask(c"/nowhere", true);
        assert!(answer(&mut questions, first, 0).unwrap().is_ok());
        assert_eq!(answer(&mut questions, second, 60_000), Some(Err(Errno::NOENT)));
    }

    #[test]
    fn one_that_hangs_is_not_asked_again_until_it_answers() {
        let mut questions = Questions::default();
        let first = questions.ask_by(c"/nfs", hangs);
        assert!(matches!(first, Question::Asked(_)));
        assert_eq!(answer(&mut questions, first, 20), None);
        assert!(matches!(questions.ask(c"/nfs", true), Question::Open));
        // Others are not held up.
        let other = questions.ask(c"/", true);
        assert!(answer(&mut questions, other, 60_000).unwrap().is_ok());
        // It answers at last.
        assert!(is_ready(&questions.open[0].1, Duration::from_secs(60)));
        questions.forget_late();
        let again = questions.ask(c"/nfs", true);
        assert_eq!(answer(&mut questions, again, 60_000), Some(Err(Errno::NOENT)));
    }

    #[test]
    fn no_more_children_than_the_most() {
        let mut questions = Questions::default();
        for number in 0..=MOST {
            let question = questions.ask_by(&CString::new(format!("/{number}")).unwrap(), hangs);
            assert_eq!(matches!(question, Question::Open), number == MOST);
        }
    }
}

//! Asking file systems how full they are, of which some never answer.
//!
//! Where the server of an NFS or the program of a FUSE mount is gone, `statfs(2)` sleeps for as
//! long, and nothing wakes it. Such file systems are asked by a thread of their own, which a router
//! without them never has, and a page waits for all of them together no longer than [`PATIENCE`].
//! One that has not answered yet is not asked again, so that each holds one thread at the most.

use std::ffi::CString;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{StatFs, statfs};
use rustix::io::Errno;

/// How long a page waits for file systems that may not answer.
pub const PATIENCE: Duration = Duration::from_millis(500);
/// How many file systems may be asked at a time.
const MOST: usize = 64;
/// What a thread needs that does nothing but a system call; the least that Rust and musl give.
const STACK: usize = 16 << 10;

/// What a file system says of itself, or the kernel of it.
pub type Answer = Result<StatFs, Errno>;

type Place = Arc<OnceLock<Answer>>;

/// A question that was asked.
#[derive(Debug)]
pub enum Question {
    /// It was answered at once.
    Answered(Answer),
    /// A thread waits for the answer.
    Asked(Arc<OnceLock<Answer>>),
    /// An earlier one has no answer yet.
    Open,
}

impl Question {
    /// The answer, if there is one before `deadline`.
    pub fn answer(&self, deadline: Instant) -> Option<Answer> {
        match self {
            Self::Answered(answer) => Some(*answer),
            Self::Open => None,
            Self::Asked(place) => loop {
                if let Some(answer) = place.get() {
                    break Some(*answer);
                }
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break None;
                }
                thread::park_timeout(left);
            },
        }
    }
}

/// The questions that have no answer yet.
#[derive(Debug, Default)]
pub struct Questions {
    open: Vec<(CString, Place)>,
}

impl Questions {
    /// Asks the file system at `path`, by a thread if it `may_hang`.
    pub fn ask(&mut self, path: CString, may_hang: bool) -> Question {
        self.ask_by(path, may_hang, |path| statfs(path.as_c_str()))
    }

    fn ask_by(
        &mut self,
        path: CString,
        may_hang: bool,
        statfs: impl FnOnce(CString) -> Answer + Send + 'static,
    ) -> Question {
        if !may_hang {
            return Question::Answered(statfs(path));
        }
        self.open.retain(|(_, place)| place.get().is_none());
        if self.open.len() >= MOST || self.open.iter().any(|(open, _)| *open == path) {
            return Question::Open;
        }
        let place = Place::default();
        let (asker, theirs, asked) = (thread::current(), Arc::clone(&place), path.clone());
        let thread = thread::Builder::new().stack_size(STACK).spawn(move || {
            let _ = theirs.set(statfs(asked));
            asker.unpark();
        });
        if thread.is_err() {
            return Question::Open;
        }
        self.open.push((path, Arc::clone(&place)));
        Question::Asked(place)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(20)
    }

    fn late() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn asks_at_once_or_by_a_thread() {
        let mut questions = Questions::default();
        for may_hang in [false, true] {
            let root = questions.ask(c"/".into(), may_hang).answer(late()).unwrap();
            assert!(root.unwrap().f_blocks > 0);
            let nowhere = questions.ask(c"/nowhere".into(), may_hang).answer(late()).unwrap();
            assert_eq!(nowhere.unwrap_err(), Errno::NOENT);
        }
    }

    #[test]
    fn one_that_hangs_is_not_asked_again_until_it_answers() {
        let mut questions = Questions::default();
        let (answer, answers) = channel::<()>();
        let hangs = move |_| {
            answers.recv().unwrap();
            Err(Errno::STALE)
        };
        let first = questions.ask_by(c"/nfs".into(), true, hangs);
        assert!(first.answer(soon()).is_none());
        let must_not = |_| -> Answer { panic!("asked again") };
        assert!(questions.ask_by(c"/nfs".into(), true, must_not).answer(late()).is_none());
        // Others are not held up.
        let other = questions.ask(c"/".into(), true);
        assert!(other.answer(late()).unwrap().is_ok());
        answer.send(()).unwrap();
        assert_eq!(first.answer(late()).unwrap().unwrap_err(), Errno::STALE);
        assert!(questions.ask_by(c"/nfs".into(), true, |_| statfs("/")).answer(late()).unwrap().is_ok());
    }

    #[test]
    fn no_more_threads_than_the_most() {
        let mut questions = Questions::default();
        let (answer, answers) = channel::<()>();
        let answers = Arc::new(std::sync::Mutex::new(answers));
        for number in 0..=MOST {
            let answers = Arc::clone(&answers);
            let hangs = move |_| {
                let _ = answers.lock().map(|answers| answers.recv());
                Err(Errno::STALE)
            };
            let path = CString::new(format!("/{number}")).unwrap();
            let question = questions.ask_by(path, true, hangs);
            assert_eq!(matches!(question, Question::Open), number == MOST);
        }
        drop(answer);
    }
}

//! The files that stay open from scrape to scrape.

use std::os::fd::OwnedFd;

use rustix::process::Resource;

use crate::process::syscalls;

/// How many scrapes in a row may do without a file that is kept open. Some scrape a part at a time.
pub(super) const MOST_IDLE: u8 = 16;
/// How many files are kept open. Each holds some 3.4 kB of kernel memory.
const MOST_KEPT: usize = 96;

/// Files kept open, in the order in which a scrape asks for them.
#[derive(Debug)]
pub(super) struct Kept {
    most: usize,
    pub files: Vec<KeptFile>,
    next: usize,
}

/// A file that is kept open.
#[derive(Debug)]
pub(super) struct KeptFile {
    pub path: Vec<u8>,
    pub file: OwnedFd,
    /// How many scrapes have begun since it was read.
    idle: u8,
}

impl Default for Kept {
    fn default() -> Self {
        Self { most: most(syscalls::limits(Resource::Nofile)[0]), files: Vec::new(), next: 0 }
    }
}

/// How many of so many descriptors may be kept open. The rest is for connections, and for what is
/// open for the time of a scrape only.
fn most(descriptors: u64) -> usize {
    usize::try_from(descriptors / 4).map_or(MOST_KEPT, |most| most.min(MOST_KEPT))
}

impl Kept {
    /// Where `path` stands; it is nearly always the one after the last that was asked for.
    pub fn find(&mut self, path: &[u8]) -> Option<usize> {
        let here = |file: &KeptFile| file.path == path;
        let at = match self.files.get(self.next) {
            Some(file) if here(file) => self.next,
            _ => self.files.iter().position(here)?,
        };
        self.next = at.saturating_add(1);
        self.files.get_mut(at)?.idle = 0;
        Some(at)
    }

    /// Closes what nobody asks for any more, such as the files of a disk that is gone.
    pub fn begin(&mut self) {
        self.next = 0;
        self.files.retain_mut(|file| {
            file.idle = file.idle.saturating_add(1);
            file.idle <= MOST_IDLE
        });
    }

    /// Keeps a file open, if there is room, behind the one that was asked for last.
    pub fn keep(&mut self, path: &[u8], file: OwnedFd) {
        if self.files.len() < self.most {
            let next = self.next.min(self.files.len());
            self.files.insert(next, KeptFile { path: path.to_vec(), file, idle: 0 });
            self.next = next.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_descriptors_leave_room_for_few_files() {
        assert_eq!([0, 16, 512, u64::MAX].map(most), [0, 4, MOST_KEPT, MOST_KEPT]);
    }
}

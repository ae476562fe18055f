//! The program's memory. What is small comes from one area, by `linked_list_allocator`; what is large
//! the kernel gives, moves and takes back itself, so that a buffer that grows is never there twice.
//!
//! The C library's malloc() is made for threads and for programs that ask all the time. This one has
//! one thread, and asks for next to nothing once it has scraped a few times: it is 9 kB smaller so,
//! and needs 90 kB less memory.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::UnsafeCell;
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use linked_list_allocator::Heap;

/// The area's size: several times what a large router needs, and none of it is there before it is used.
const AREA: usize = 256 << 10;

/// What has so many bytes or more is large: most of a page.
const LARGE: usize = 3 << 10;

/// Pages have this size, or one that is larger.
const PAGE: usize = 4 << 10;

/// The allocator of a program that has one thread.
pub struct Program;

static MEMORY: Memory = Memory::new();

struct Memory {
    heap: UnsafeCell<Heap>,
    /// Where the area begins; 0 while there is none, where nothing is of it.
    area: AtomicUsize,
    is_in_use: AtomicBool,
}

// SAFETY: whoever uses the heap while another does ends the process.
unsafe impl Sync for Memory {}

impl Memory {
    /// One that has nothing yet.
    const fn new() -> Self {
        Self { heap: UnsafeCell::new(Heap::empty()), area: AtomicUsize::new(0), is_in_use: AtomicBool::new(false) }
    }

    /// Uses the heap. Nobody waits for it: a second thread, or a signal's handler that allocates, is a
    /// fault of the program, and ends it before it can do harm.
    fn with<T>(&self, action: impl FnOnce(&mut Heap) -> T) -> T {
        if self.is_in_use.swap(true, Ordering::Acquire) {
            std::process::abort();
        }
        // SAFETY: nobody else has it, as was just seen.
        let done = action(unsafe { &mut *self.heap.get() });
        self.is_in_use.store(false, Ordering::Release);
        done
    }

    fn is_of_area(&self, at: *mut u8) -> bool {
        at.addr().wrapping_sub(self.area.load(Ordering::Relaxed)) < AREA
    }

    /// The area's; none if the area is full.
    #[inline(never)]
    fn small(&self, layout: Layout) -> Option<NonNull<u8>> {
        self.with(|heap| {
            if heap.bottom().is_null() {
                let area = NonNull::new(map(AREA))?;
                // SAFETY: it is called once, with memory that nobody else has.
                unsafe { heap.init(area.as_ptr(), AREA) };
                self.area.store(area.addr().get(), Ordering::Relaxed);
            }
            heap.allocate_first_fit(layout).ok()
        })
    }

    fn alloc(&self, layout: Layout) -> *mut u8 {
        let small = if layout.size() < LARGE { self.small(layout) } else { None };
        match small {
            Some(small) => small.as_ptr(),
            None if layout.align() > PAGE => null_mut(),
            None => map(layout.size()),
        }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        if self.is_of_area(at) {
            // SAFETY: it was allocated so, and nobody uses it any more.
            self.with(|heap| unsafe { heap.deallocate(NonNull::new_unchecked(at), layout) });
        } else {
            // SAFETY: it was mapped so, and nobody uses it any more.
            unsafe { libc::munmap(at.cast(), layout.size()) };
        }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if size >= LARGE && !self.is_of_area(at) {
            // SAFETY: it was mapped so, and nobody uses where it was once it has moved.
            return given(unsafe { libc::mremap(at.cast(), layout.size(), size, libc::MREMAP_MAYMOVE) });
        }
        // SAFETY: the alignment is the one that it has; the two places do not overlap, and both have as
        // many bytes as are copied.
        unsafe {
            let to = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !to.is_null() {
                to.copy_from_nonoverlapping(at, layout.size().min(size));
                self.dealloc(at, layout);
            }
            to
        }
    }

    /// Gives back the pages behind all that is in use, which a scrape that compiled expressions has used.
    fn rest(&self) {
        let area = self.area.load(Ordering::Relaxed);
        // Nothing else that is free is as large as this.
        if let Ok(half) = Layout::from_size_align(AREA / 2, align_of::<usize>())
            && area != 0 // as in tests, which have another allocator
            && let Some(free) = self.small(half)
        {
            // Its first two words are the heap's.
            let behind = free.as_ptr().wrapping_add(size_of::<[usize; 2]>());
            let behind = behind.map_addr(|at| at.next_multiple_of(PAGE));
            // SAFETY: it was allocated so, and the area ends with what is free.
            unsafe {
                self.dealloc(free.as_ptr(), half);
                give_back(behind, area.wrapping_add(AREA));
            }
        }
    }
}

/// Pages are not there any more until somebody uses them. Where the kernel refuses, they stay.
unsafe fn give_back(from: *const u8, to: usize) {
    // SAFETY: as the caller promises.
    unsafe { libc::syscall(libc::SYS_madvise, from, to.wrapping_sub(from.addr()), libc::MADV_DONTNEED) };
}

/// Whole pages that nobody has; null if the kernel has none to give.
fn map(size: usize) -> *mut u8 {
    let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: the kernel puts it where nothing is.
    given(unsafe { libc::mmap(null_mut(), size, access, flags, -1, 0) })
}

fn given(pages: *mut libc::c_void) -> *mut u8 {
    if pages == libc::MAP_FAILED { null_mut() } else { pages.cast() }
}

// SAFETY: the area's memory is as `Heap` promises; other memory is of whole pages that no other has,
// and a larger alignment is refused.
unsafe impl GlobalAlloc for Program {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        MEMORY.alloc(layout)
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { MEMORY.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as the caller promises.
        unsafe { MEMORY.realloc(at, layout, size) }
    }
}

/// Gives back what has run or was used once, and hardly will be again: pages of the program's own file, which
/// the kernel maps anew where they are touched, and those of the area behind all that is in use.
pub fn rest() {
    unsafe extern "C" {
        // The linker's: where the program begins, and where its code ends.
        static __executable_start: u8;
        static etext: u8;
    }
    // SAFETY: nobody writes between the two, and what is read there comes from the file again.
    unsafe { give_back(&raw const __executable_start, (&raw const etext).addr()) };
    MEMORY.rest();
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn layout(size: usize) -> Layout {
        Layout::from_size_align(size, 8).unwrap()
    }

    #[test]
    fn nobody_is_given_what_another_has() {
        let memory = Memory::new();
        let mut chance = 1_u32;
        let mut random = |most: usize| {
            chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (chance >> 8) as usize % most
        };
        let mut held: Vec<(*mut u8, usize, u8)> = Vec::new();
        let is_whole = |at: *mut u8, size: usize, mark: u8| (0..size).all(|place| unsafe { *at.add(place) } == mark);
        for round in 0..20_000_u32 {
            let mark = round as u8;
            let size = 1 + if random(9) == 0 { random(50_000) } else { random(300) };
            match random(3) {
                0 if mark == 0 => memory.rest(),
                0 if held.len() < 200 => {
                    let at = memory.alloc(layout(size));
                    assert!(at.addr().is_multiple_of(8));
                    unsafe { at.write_bytes(mark, size) };
                    held.push((at, size, mark));
                }
                1 if !held.is_empty() => {
                    let (at, size, mark) = held.swap_remove(random(held.len()));
                    assert!(is_whole(at, size, mark));
                    unsafe { memory.dealloc(at, layout(size)) };
                }
                2 if !held.is_empty() => {
                    let (at, old, before) = held.swap_remove(random(held.len()));
                    let at = unsafe { memory.realloc(at, layout(old), size) };
                    assert!(is_whole(at, old.min(size), before));
                    unsafe { at.write_bytes(mark, size) };
                    held.push((at, size, mark));
                }
                _ => {}
            }
        }
        for (at, size, mark) in held.drain(..) {
            assert!(is_whole(at, size, mark));
            unsafe { memory.dealloc(at, layout(size)) };
        }
        assert_eq!(memory.with(|heap| heap.used()), 0);
    }

    #[test]
    fn a_full_area_is_not_the_end() {
        let memory = Memory::new();
        let layout = layout(2048);
        let blocks: Vec<_> = (0..AREA / 2048 + 10).map(|_| memory.alloc(layout)).collect();
        assert!(blocks.iter().all(|at| !at.is_null()));
        assert!(blocks.iter().any(|at| !memory.is_of_area(*at)));
        for at in blocks {
            unsafe { memory.dealloc(at, layout) };
        }
        assert_eq!(memory.with(|heap| heap.used()), 0);
        assert!(memory.is_of_area(memory.alloc(layout)));
    }

    #[test]
    fn what_is_behind_all_that_is_in_use_is_given_back() {
        let memory = Memory::new();
        let blocks = [0; 8].map(|_| memory.alloc(layout(2048)));
        for at in blocks {
            unsafe { at.write_bytes(7, 2048) };
        }
        let [kept, .., last] = blocks.map(|at| at.wrapping_add(1000));
        for at in &blocks[1..] {
            unsafe { memory.dealloc(*at, layout(2048)) };
        }
        assert_eq!(unsafe { [kept.read(), last.read_volatile()] }, [7, 7]);
        memory.rest();
        // A page that is used again is of zeros.
        assert_eq!(unsafe { [kept.read(), last.read_volatile()] }, [7, 0]);
    }

    #[test]
    fn what_cannot_be_given_is_refused() {
        const ENORMOUS: usize = isize::MAX as usize - 64;
        let memory = Memory::new();
        let enormous = Layout::from_size_align(ENORMOUS, 1).unwrap();
        // A 64-bit kernel gives a program of 32 bits nearly all of 4 GB: this once, but no second time.
        let once = memory.alloc(enormous);
        for layout in [Layout::from_size_align(1 << 20, 2 * PAGE).unwrap(), enormous] {
            assert!(memory.alloc(layout).is_null());
        }
        let at = memory.alloc(layout(100));
        assert!(unsafe { memory.realloc(at, layout(100), ENORMOUS) }.is_null());
        assert!(unsafe { memory.realloc(memory.alloc(layout(LARGE)), layout(LARGE), ENORMOUS) }.is_null());
        if !once.is_null() {
            unsafe { memory.dealloc(once, enormous) };
        }
    }

    #[test]
    fn a_second_user_ends_the_process() {
        const NAME: &str = "process::allocator::tests::a_second_user_ends_the_process";
        if std::env::var_os("SECOND_USER").is_some() {
            let memory = Memory::new();
            memory.with(|_| memory.with(|_| ()));
        }
        // Where cargo starts the tests under an emulator, the child needs it as well: scripts/cross/emulate.
        let program = std::env::current_exe().unwrap().into_os_string();
        let emulator = std::env::var("EMULATOR").unwrap_or_default();
        let mut words = emulator.split_whitespace().map(Into::into).chain([program, "--exact".into(), NAME.into()]);
        let mut child = std::process::Command::new(words.next().unwrap());
        let child = child.args(words).env("SECOND_USER", "1").output();
        assert_eq!(child.unwrap().status.signal(), Some(libc::SIGABRT));
    }
}
